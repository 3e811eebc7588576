"""From a tool's arguments to the strategy that is wanted: what is not said comes from settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, TypedDict

from pydantic import Field

from common.config import Settings
from common.contracts import OptionContract, Right
from common.errors import BadArgument
from common.ids import ConfirmToken
from common.money import parse_decimal
from common.session import CutOffs
from services.strategies.iron_condor import IronCondor
from services.strategies.lotto import Lotto
from services.strategies.opening_range import OpeningRangeBreakout
from services.strategies.single import Single
from services.strategies.vertical import Vertical

CONTRACTS_MAX = 100

RightName = Literal["call", "put"]
Side = Annotated[RightName, Field(description="call or put")]
Contracts = Annotated[
    int | None, Field(ge=1, le=CONTRACTS_MAX, description="default 1; with risk the most")
]
Risk = Annotated[
    float | None, Field(gt=0, le=1e7, description="dollars it may lose; sets the size")
]
Stop = Annotated[
    str | None, Field(max_length=60, description='50%, 2x, $150, SPY<598.5, "or" between, or none')
]
Target = Annotated[str | None, Field(max_length=60, description="as stop")]
Trail = Annotated[str | None, Field(max_length=60, description="as stop")]
Preview = Annotated[bool, Field(description="false sends it")]
Token = Annotated[str | None, Field(description="of the preview", max_length=64)]


class Asked(TypedDict):
    """The arguments of every trade, as a Request takes them."""

    qty: int
    risk: Decimal | None
    stop: str | None
    target: str | None
    trail: str | None


def asked(
    contracts: int | None,
    risk: float | None = None,
    stop: str | None = None,
    target: str | None = None,
    trail: str | None = None,
) -> Asked:
    """Return the size and the exits that were asked for."""
    most = 1 if risk is None else CONTRACTS_MAX
    return Asked(
        qty=most if contracts is None else contracts,
        risk=amount(risk),
        stop=stop,
        target=target,
        trail=trail,
    )


def breakout(
    settings: Settings, right: RightName, delta: int, minutes: int, order: Asked
) -> OpeningRangeBreakout:
    """Return the breakout wanted; delta in percent."""
    return OpeningRangeBreakout(
        right=side(right),
        minutes=minutes,
        delta=delta / 100,
        last_entry=settings.orb_last_entry,
        entries_max=settings.orb_entries_max,
        **order,
    )


def condor(
    settings: Settings, width: int, delta: int, credit: int | None, order: Asked
) -> IronCondor:
    """Return the condor wanted; delta and the least credit in percent."""
    least = settings.condor_credit_min if credit is None else Decimal(credit) / 100
    return IronCondor(width=width, short_delta=delta / 100, credit_min=least, **order)


def lotto(
    settings: Settings,
    right: RightName,
    delta: int,
    contracts: int | None = None,
    risk: float | None = None,
    target: str | None = None,
) -> Lotto:
    """Return the lotto wanted; delta in percent. Without a risk it has its own budget."""
    budget = float(settings.lotto_budget) if risk is None else risk
    return Lotto(
        right=side(right),
        delta=delta / 100,
        premium_min=settings.lotto_premium_min,
        opens=settings.lotto_opens,
        cut_offs=CutOffs(last_order_late_close=settings.last_order_before_close),
        **asked(contracts, budget, target=target),
    )


def vertical(
    kind: Literal["credit", "debit"],
    right: RightName,
    delta: int,
    width: int,
    strikes: tuple[float | None, float | None],
    limit: float | None,
    order: Asked,
) -> Vertical:
    """Return the spread wanted; delta in percent, strikes sold and bought."""
    return Vertical(
        credit=kind == "credit",
        right=side(right),
        delta=delta / 100,
        width=width,
        sold=amount(strikes[0]),
        bought=amount(strikes[1]),
        limit=amount(limit),
        **order,
    )


def single(
    way: Literal["buy", "sell"],
    limit: float,
    symbol: str | None,
    choice: tuple[RightName | None, float | None, int | None],
    order: Asked,
) -> Single:
    """Return the contract wanted: by symbol, or by right with a strike or a delta in percent."""
    right, strike, delta = choice
    return Single(
        buys=way == "buy",
        limit=parse_decimal(limit),
        contract=contract(symbol),
        right=None if right is None else side(right),
        strike=amount(strike),
        delta=None if delta is None else delta / 100,
        **order,
    )


def side(right: RightName) -> Right:
    """Return the right a word names."""
    return Right.CALL if right == "call" else Right.PUT


def amount(value: float | None) -> Decimal | None:
    """Return the number a model wrote as money, exactly as it reads."""
    return None if value is None else parse_decimal(value)


def contract(symbol: str | None) -> OptionContract | None:
    """Return the contract an OCC symbol names; raises BadArgument for what is none."""
    if symbol is None:
        return None
    try:
        return OptionContract.from_occ(symbol.strip().upper())
    except ValueError as e:
        raise BadArgument(
            f"symbol: {e}", remedy="write it like SPY261120C00670000; get_option_snapshot lists"
        ) from None


def confirmed(preview: bool, confirm_token: str | None) -> ConfirmToken | None:
    """Return the token that confirms a trade, None while it is only to be shown.

    A call that says preview=false without a token is shown again: nothing was consented.
    """
    return None if preview or not confirm_token else ConfirmToken(confirm_token)
