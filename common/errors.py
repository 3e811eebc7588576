"""Anticipated failures: safe to show, worth acting on, never a bug.

    TradingError
    +-- Misconfigured            a setting is unknown, contradictory or out of bounds
    |   +-- StateUnwritable      the state folder cannot be used
    |   +-- DaemonDiffers        the running daemon has other settings than ours
    +-- BadArgument              a tool argument that no schema catches
    +-- TooLarge                 not even one unit fits the budget given
    +-- MarketError              the market does not allow it now
    |   +-- MarketClosed         outside the session, or past the broker's cut-off
    |   +-- MarketDataMissing    no chain, no quote or no bars yet
    |   +-- NoSuchContract       not listed, or without greeks
    |   +-- QuoteUnusable        one-sided, crossed or too wide
    |   +-- StaleQuote           older than we trade on
    |   +-- RangeIncomplete      the opening range has not ended or has gaps
    |   +-- NotTriggered         the strategy's own condition is not met
    +-- LimitBreached            we refuse: one or more of our limits
    +-- Halted                   we refuse: the kill switch is set
    +-- AuditUnwritable          what is done could not be written down
    +-- ApprovalDenied           a person said no
    +-- ApprovalNotFound         nothing waits for a person under that id
    +-- ReleaseRefused           only a person releases the kill switch
    +-- PreviewNotFound          unknown, used, expired or somebody else's token
    +-- PreviewMismatch          the call does not match what was previewed
    +-- PriceMoved               the market left the previewed price; holds a new preview
    +-- BrokerError
    |   +-- BrokerRefused        the broker said no; nothing is open
    |   +-- BrokerUnavailable    the request was not sent, or only read; try again
    |   +-- OrderUncertain       sent without a clear answer; being looked up
    +-- OrderNotFound            no such order at the broker
    +-- NotOpen                  the order can no longer be canceled
    +-- ExitNotFound             no exit watches that trade
    +-- ExitUnwanted             an exit that must not be set

code is stable and may be matched on; remedy is the next step, a clause without a stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from common.limits import Breach
from common.place import COMMAND
from common.session import new_york_text


class TradingError(Exception):
    """An anticipated failure. The message carries the numbers, the remedy what to do."""

    code: str = "trading_error"
    remedy: str = "read the message"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy


class Misconfigured(TradingError):
    """A setting is unknown, contradictory or out of bounds."""

    code = "misconfigured"
    remedy = "correct the named setting and start again"


class StateUnwritable(Misconfigured):
    """The state folder cannot be created or written."""

    code = "state_unwritable"
    remedy = "set STATE_DIR to a folder you can write, on a local disk"


class DaemonDiffers(Misconfigured):
    """A daemon with other settings already runs on this state folder."""

    code = "daemon_differs"
    remedy = f"stop it with '{COMMAND} stop', or start with its settings"


class BadArgument(TradingError):
    """An argument is out of bounds in a way its schema does not say."""

    code = "bad_argument"
    remedy = "correct the named argument and call again"


class TooLarge(TradingError):
    """Not even one unit fits the budget that a trade was to be sized by."""

    code = "too_large"
    remedy = "narrow the trade, choose cheaper strikes, or raise the budget that decided"


class MarketError(TradingError):
    """The market does not allow it at this moment."""

    code = "market"
    remedy = "wait, then ask again"


class MarketClosed(MarketError):
    """Outside the session, or past a cut-off."""

    code = "market_closed"
    remedy = "wait for the next session; get_market_clock shows it"


class MarketDataMissing(MarketError):
    """Nothing has been received yet."""

    code = "no_market_data"
    remedy = "look at streaming_status and call again in a few seconds"


class NoSuchContract(MarketError):
    """The contract is not in today's chain."""

    code = "no_such_contract"
    remedy = "choose a listed strike; get_option_snapshot shows the chain"

    def __init__(self, symbol: str) -> None:
        super().__init__(f"{symbol} is not in today's chain")


class QuoteUnusable(MarketError):
    """The quote cannot be traded on."""

    code = "quote_unusable"
    remedy = "choose another strike, or wait for a two-sided quote"

    def __init__(self, symbol: str, why: str) -> None:
        super().__init__(f"{symbol} has no usable quote ({why})")
        self.symbol = symbol


class StaleQuote(MarketError):
    """The quote is older than we trade on."""

    code = "stale_quote"
    remedy = "look at streaming_status and wait for a new quote"

    def __init__(self, symbol: str, *, age: timedelta, age_max: timedelta) -> None:
        old, most = age.total_seconds(), age_max.total_seconds()
        super().__init__(f"the quote of {symbol} is {old:.1f} s old, the limit is {most:.1f} s")
        self.symbol = symbol


class RangeIncomplete(MarketError):
    """The opening range cannot be had from real bars."""

    code = "range_incomplete"
    remedy = "call again once the range has ended and its bars are in"

    def __init__(
        self, minutes: int, *, until: datetime | None = None, missing: int | None = None
    ) -> None:
        super().__init__(
            f"the {minutes}-minute range is not complete until {new_york_text(until)}"
            if until is not None
            else f"{missing} of the {minutes} one-minute bars of the range are missing"
        )


class NotTriggered(MarketError):
    """The strategy's own entry condition is not met; the message says by how much."""

    code = "not_triggered"
    remedy = "nothing was done; call again when the condition may be met"


class LimitBreached(TradingError):
    """Sending the order could take the account past one or more limits."""

    code = "limit_breached"
    remedy = "reduce the size, or close exposure first"

    def __init__(self, breaches: Sequence[Breach], *, nearest: str | None = None) -> None:
        super().__init__("; ".join(str(breach) for breach in breaches))
        self.breaches = tuple(breaches)
        self.nearest = nearest  # the nearest thing that would pass
        self.remedy = nearest or "; ".join(dict.fromkeys(b.remedy for b in breaches))


class Halted(TradingError):
    """The kill switch is set: nothing opens until a person releases it."""

    code = "kill_switch"
    remedy = f"a person releases it with '{COMMAND} kill --release'"


class AuditUnwritable(TradingError):
    """The audit log is not on disk: nothing that opens a position goes without it."""

    code = "audit_unwritable"
    remedy = "nothing was sent; make room on the disk of STATE_DIR, then look at health_check"


class ApprovalDenied(TradingError):
    """A person looked at the order and said no."""

    code = "approval_denied"
    remedy = "nothing was sent; ask the user what they want instead"


class ApprovalNotFound(TradingError):
    """No order waits for a person under that id, or not any more."""

    code = "approval_not_found"
    remedy = "nothing was sent; preview the trade again"


class ReleaseRefused(TradingError):
    """Only a person releases the kill switch, on a terminal."""

    code = "release_refused"
    remedy = f"a person runs '{COMMAND} kill --release' in a terminal"


class PreviewNotFound(TradingError):
    """The token is unknown, used, expired or of another principal."""

    code = "preview_not_found"
    remedy = "nothing was sent; call the tool again with preview=true for a new token"


class PreviewMismatch(TradingError):
    """The token is valid but the call asks for something else than was previewed."""

    code = "preview_mismatch"
    remedy = "nothing was sent; repeat the call with the previewed arguments, or preview anew"


class PriceMoved(TradingError):
    """The market left the previewed price; a fresh preview comes with the refusal."""

    code = "price_moved"
    remedy = "nothing was sent; confirm the new preview if its price is still wanted"

    def __init__(
        self, *, previewed: Decimal, now: Decimal, tolerance: Decimal, preview: object
    ) -> None:
        super().__init__(
            f"the net price moved from {previewed} to {now}, the tolerance is {tolerance}"
        )
        self.preview = preview


class BrokerError(TradingError):
    """The broker, or the way to it, failed."""

    code = "broker"
    remedy = "look at health_check, then call again"


class BrokerRefused(BrokerError):
    """The broker answered no. status and broker_code are its own."""

    code = "broker_refused"
    remedy = "read the broker's reason; nothing is open from this call"

    def __init__(self, message: str, *, status: int, broker_code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.broker_code = broker_code


class BrokerUnavailable(BrokerError):
    """No answer to a read, or nothing was sent."""

    code = "broker_unavailable"
    remedy = "nothing was sent; call again in a few seconds"


class OrderUncertain(BrokerError):
    """An order was sent and no clear answer came; its reservation is kept."""

    code = "order_uncertain"
    remedy = "do not send it again; get_order_status tells once it is known"

    def __init__(self, client_order_id: str, why: str) -> None:
        super().__init__(f"order {client_order_id} was sent without a clear answer ({why})")
        self.client_order_id = client_order_id


class OrderNotFound(TradingError):
    """There is no such order."""

    code = "order_not_found"
    remedy = "get_orders lists what there is"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"no order {order_id}")


class NotOpen(TradingError):
    """The order has ended and cannot be canceled."""

    code = "not_open"
    remedy = "nothing to cancel; get_order_status shows how it ended"


class ExitNotFound(TradingError):
    """No exit watches the trade: it holds nothing, or never was ours."""

    code = "exit_not_found"
    remedy = "list_exits shows what is watched"


class ExitUnwanted(TradingError):
    """An exit that would fire at once, is there already, or comes too late."""

    code = "exit_unwanted"
    remedy = "nothing was changed; choose another level, or close the position"


def told(error: TradingError) -> str:
    """Return a failure as people and models read it: "[code] what. Next: what to do."."""
    return f"[{error.code}] {str(error).rstrip('.')}. Next: {error.remedy.rstrip('.')}."
