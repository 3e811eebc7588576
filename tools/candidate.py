"""A trade that is only asked about: the strategy its tool would trade with the same arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from common.config import Settings
from common.errors import BadArgument
from services.strategies.base import Strategy
from tools.wanted import RightName, asked, breakout, condor, lotto, single, vertical

TradeName = Literal[
    "orb_long_call",
    "orb_long_put",
    "iron_condor_30_delta",
    "lotto_play_5_delta",
    "option_credit_spread",
    "option_debit_spread",
    "buy_option_limit",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Which tool would trade, and its arguments; delta in percent, None as the tool has it."""

    name: TradeName | None  # None: none
    right: RightName
    delta: int | None
    width: int | None
    contracts: int | None
    limit: float | None

    def strategy(self, settings: Settings) -> Strategy | None:
        """Return what is named, if anything; raise BadArgument for a single without its limit."""
        order = asked(self.contracts)
        delta, width, right = self.delta or 30, self.width or 2, self.right
        match self.name:
            case None:
                return None
            case "orb_long_call" | "orb_long_put":
                side: RightName = "call" if self.name == "orb_long_call" else "put"
                return breakout(settings, side, delta, 15, order)
            case "iron_condor_30_delta":
                return condor(settings, self.width or 10, delta, None, order)
            case "lotto_play_5_delta":
                return lotto(settings, right, self.delta or 5, self.contracts)
            case "option_credit_spread":
                return vertical("credit", right, delta, width, (None, None), self.limit, order)
            case "option_debit_spread":
                delta = self.delta or 50
                return vertical("debit", right, delta, width, (None, None), self.limit, order)
            case "buy_option_limit":
                if self.limit is None:
                    raise BadArgument("limit: buy_option_limit has none of its own")
                return single("buy", self.limit, None, (right, None, delta), order)
