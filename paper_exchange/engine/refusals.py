"""Why an order is refused, in Alpaca's own words: HTTP status, code, message, extras.

Texts without a known original are ours and marked so; the code is the family's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from common.money import cent, plain

FORBIDDEN: Final = 40310000
UNPROCESSABLE: Final = 42210000
INVALID: Final = 40010001
NOT_FOUND: Final = 40410000
INTERNAL: Final = 50010000


class Refused(Exception):
    """A command the exchange does not carry out; nothing has changed."""

    def __init__(
        self,
        http_status: int,
        code: int,
        message: str,
        extras: Mapping[str, str | list[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message
        self.extras = dict(extras or {})


def forbidden(message: str, **extras: str | list[str]) -> Refused:
    """Return a 403: the account may not, or cannot pay."""
    return Refused(403, FORBIDDEN, message, extras)


def unprocessable(message: str) -> Refused:
    """Return a 422 of the trading rules."""
    return Refused(422, UNPROCESSABLE, message)


def invalid(message: str) -> Refused:
    """Return a 422 of the request's form."""
    return Refused(422, INVALID, message)


def not_found(message: str) -> Refused:
    """Return a 404."""
    return Refused(404, NOT_FOUND, message)


def unavailable() -> Refused:
    """Return the 503 of an exchange that cannot promise to remember what it does."""
    return Refused(503, INTERNAL, "internal server error occurred")


def buying_power(available: Decimal, cost: Decimal, *, options: bool) -> Refused:
    """Return the refusal of an order that costs more than there is."""
    return forbidden(
        f"insufficient {'options ' if options else ''}buying power",
        buying_power=plain(cent(available)),
        cost_basis=plain(cent(cost)),
    )


def dollars(requested: Decimal, available: Decimal) -> Refused:
    """Return the refusal of coins that cost more than the cash there is."""
    return forbidden(
        f"insufficient balance for USD (requested: {plain(cent(requested))}, "
        f"available: {plain(cent(available))})"
    )


def too_small(minimum: Decimal) -> Refused:
    """Return the refusal of an order worth less than the broker bothers with."""
    return forbidden(f"cost basis must be >= minimal amount of order {plain(minimum)}")


def cash_secured_put(required: Decimal, available: Decimal) -> Refused:
    """Return the refusal of a short put the account cannot secure."""
    return forbidden(
        "insufficient options buying power for cash-secured put "
        f"(required: {plain(cent(required))}, available: {plain(cent(available))})",
        buying_power=plain(cent(available)),
        cost_basis=plain(cent(required)),
    )


def covered_call(underlying: str, required: Decimal, available: Decimal) -> Refused:
    """Return the refusal of a short call without the shares to deliver."""
    return forbidden(
        "insufficient underlying qty available for covered call "
        f"(required: {plain(required)}, available: {plain(available)})",
        available_qty=plain(available),
        required_qty=plain(required),
        symbol=underlying,
    )


def uncovered() -> Refused:
    """Return the refusal of a short option nothing covers."""
    return forbidden("account not eligible to trade uncovered option contracts")


def quantity(
    symbol: str, requested: Decimal, held: Decimal, available: Decimal, orders: Iterable[str]
) -> Refused:
    """Return the refusal to close more than is held and free."""
    return forbidden(
        "insufficient qty available for order "
        f"(requested: {plain(requested)}, available: {plain(available)})",
        available=plain(available),
        existing_qty=plain(held),
        held_for_orders=plain(held - available),
        related_orders=list(orders),
        symbol=symbol,
    )


def sub_penny(name: str, price: Decimal) -> Refused:
    """Return the refusal of a price between ticks."""
    return unprocessable(
        f"invalid {name} {plain(price)}. "
        "sub-penny increment does not fulfill minimum pricing criteria"
    )


def intent_mismatch(inferred: str, specified: str) -> Refused:
    """Return the refusal of an intent that holdings contradict."""
    return unprocessable(f"position intent mismatch, inferred: {inferred}, specified: {specified}")


def expires_soon(symbol: str) -> Refused:
    """Return the refusal of an opening order past the broker's cut-off."""
    return unprocessable(f'contract "{symbol}" expires soon, unable to open new positions')


def wrong_state(status: str) -> Refused:
    """Return the refusal to cancel what has ended."""
    return unprocessable(f'order is already in "{status}" state')
