"""Refuseds as Alpaca words them: HTTP status, its own code, message and extras.

The trading host says {"code", "message", ...extras}; the data host says {"message"}.
Validation codes 4001xxxx travel with 422.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from common.errors import MarketDataMissing
from paper_exchange.engine.refusals import Refused


class Host(Enum):
    """Which of Alpaca's hosts a path lives on; they word the same refusal differently."""

    TRADING = "trading"
    DATA = "data"


class BadParameter(Exception):
    """A parameter or a body field is missing, malformed or out of bounds."""


_WORDING: Mapping[str, Mapping[Host, tuple[int, int, str]]] = {
    "unauthorized": {
        Host.TRADING: (401, 40110000, "request is not authorized"),
        Host.DATA: (401, 40110000, "unauthorized."),
    },
    "forbidden": {
        Host.TRADING: (403, 40310000, "forbidden"),
        Host.DATA: (403, 40310000, "forbidden."),
    },
    "rate_limited": {
        Host.TRADING: (429, 42910000, "rate limit exceeded"),
        Host.DATA: (429, 42910000, "too many requests."),
    },
    "no_endpoint": {
        Host.TRADING: (404, 40410000, "endpoint not found."),
        Host.DATA: (404, 40410000, "endpoint not found."),
    },
    "no_method": {
        Host.TRADING: (405, 40510000, "method not allowed"),
        Host.DATA: (405, 40510000, "method not allowed"),
    },
    "too_large": {
        Host.TRADING: (413, 41310000, "request body is too large"),
        Host.DATA: (413, 41310000, "request body is too large"),
    },
    "internal": {
        Host.TRADING: (500, 50010000, "internal server error occurred"),
        Host.DATA: (500, 50010000, "internal server error"),
    },
}


def refusal(reason: str, host: Host) -> Refused:
    """Return a refusal by name, as a host words it."""
    return Refused(*_WORDING[reason][host])


def bad_parameter(error: BadParameter, host: Host) -> Refused:
    """Return a malformed request as a host words it."""
    if host is Host.DATA:
        return Refused(400, 40010000, str(error))
    return Refused(422, 40010001, str(error))


def no_market(error: MarketDataMissing) -> Refused:
    """Return the 503 of a market that cannot be asked, with its own code and remedy."""
    return Refused(503, 50310000, f"[{error.code}] {error}. Next: {error.remedy}.")


def not_found(what: str) -> Refused:
    """Return the 404 of something that is not there."""
    return Refused(404, 40410000, what)


def body(error: Refused, host: Host) -> dict[str, Any]:
    """Return the JSON a client gets."""
    if host is Host.DATA:
        return {"message": error.message}
    return {"code": error.code, "message": error.message, **error.extras}
