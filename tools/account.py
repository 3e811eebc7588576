"""The account's money."""

from __future__ import annotations

from common.portfolio import Account
from services.broker.account_ledger import AccountDetails
from tools.toolset import READS, Toolset
from tools.views import View, dollars, quantity
from tools.wants import Desk

account = Toolset("account")


class AccountView(View):
    """The broker's figures, dollars."""

    account: str
    equity: str
    last_equity: str
    cash: str
    buying_power: str
    options_buying_power: str
    initial_margin: str
    maintenance_margin: str
    options_level: int
    blocked: str | None

    @classmethod
    def of(cls, mode: str, found: Account) -> AccountView:
        """Return the view of an account."""
        return cls(
            mode=mode,
            account=found.number,
            equity=dollars(found.equity) or "",
            last_equity=dollars(found.last_equity) or "",
            cash=dollars(found.cash) or "",
            buying_power=dollars(found.buying_power) or "",
            options_buying_power=dollars(found.options_buying_power) or "",
            initial_margin=dollars(found.initial_margin) or "",
            maintenance_margin=dollars(found.maintenance_margin) or "",
            options_level=found.options_level,
            blocked=found.blocked,
        )


class DetailsView(View):
    """The broker's own words: figures (dollars, levels), switches, and the rest."""

    figures: dict[str, str]
    flags: dict[str, bool]
    words: dict[str, str]

    @classmethod
    def of(cls, mode: str, found: AccountDetails) -> DetailsView:
        """Return the view of details."""
        return cls(
            mode=mode,
            figures={name: quantity(value) for name, value in sorted(found.figures.items())},
            flags=dict(sorted(found.flags.items())),
            words=dict(sorted(found.words.items())),
        )


@account.tool(READS, basic=True)
async def get_account_info(desk: Desk) -> AccountView:
    """Show the account: equity, cash, buying power for options, margin, whether blocked."""
    return AccountView.of(desk.mode, await desk.reader.account())


@account.tool(READS)
async def account_info(desk: Desk) -> AccountView:
    """Show the account; the same as get_account_info, under its other name."""
    return AccountView.of(desk.mode, await desk.reader.account())


@account.tool(READS)
async def account_details(desk: Desk) -> DetailsView:
    """Show every figure and flag that the broker keeps of the account, by its own names."""
    return DetailsView.of(desk.mode, await desk.ledger.details())


@account.tool(READS)
async def get_account_config(desk: Desk) -> DetailsView:
    """Show the account's settings at the broker: shorting, margin, option level, suspension."""
    return DetailsView.of(desk.mode, await desk.ledger.configuration())
