"""What a person may ask for by name: the desk's routines, as instructions to the model.

A step whose tool the caller is not shown is left out, so no prompt asks for what is off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Final

from mcp.server.mcpserver.prompts.base import Prompt
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS
from pydantic import Field

from tools.server import DeskServer

STRATEGIES: Final = (
    "orb_long_call",
    "orb_long_put",
    "iron_condor_30_delta",
    "lotto_play_5_delta",
    "option_credit_spread",
    "option_debit_spread",
)
UNDERLYINGS: Final = ("SPY",)
NO_ORDER: Final = "Send no order; every number you give must come from a tool's answer."

Step = tuple[str, str]  # a tool, and what to do with it

MORNING: Sequence[Step] = (
    ("get_market_clock", "say whether the market is open and today's cut-offs"),
    ("health_check", "say what is not ready, if anything"),
    ("get_account_info", "say equity and buying power for options"),
    ("risk_check", "say the room left of each limit that is near"),
    ("economic_calendar", "name the releases that the plan must wait for or avoid"),
    ("market_context", "say where price stands to VWAP, opening ranges and expected move"),
    ("straddle_scan", "say whether the straddle looks cheap, dear or neither, with its cost"),
    ("reconcile_positions", "say whether desk and broker agree"),
    ("list_exits", "say what is watched already"),
)
RESEARCH: Sequence[Step] = (
    ("get_option_snapshot", "show the strikes at the money: spread, age, IV, delta"),
    ("option_chain_analysis", "give smile, skew, expected move and where open interest lies"),
    ("straddle_scan", "give implied against expected move, after cost"),
    ("market_context", "give realized volatility and the day's events"),
    ("risk_check", "check the strategy that fits, with its width, before any preview"),
)
BIAS: Sequence[Step] = (
    ("get_technical_indicators", "weigh trend and momentum on five-minute bars"),
    ("market_context", "weigh VWAP, both opening ranges, and the position in the expected move"),
    ("straddle_scan", "weigh what is priced in"),
    ("portfolio_delta", "say how the book leans already"),
)
SCAN: Sequence[Step] = (
    ("scan_market", "name what moves, to know what the underlying moves with"),
    ("market_context", "say what kind of day it is"),
    ("straddle_scan", "say what the options charge for it"),
    ("get_option_snapshot", "name the contracts whose spread and age are fit to trade"),
    ("risk_check", "drop what no limit would let pass"),
)
REVIEW: Sequence[Step] = (
    ("show_pnl", "give the session: realized, open, fees"),
    ("trade_journal", "go through each trade: plan, fill, slippage, best and worst mark, result"),
    ("get_recent_orders", "name what was canceled, refused or slipped"),
    ("list_exits", "say what is still watched"),
    ("get_positions", "say what is still held and what happens to it at expiry"),
)

Symbol = Annotated[str, Field(description="the underlying")]
Strategy = Annotated[str, Field(description="one strategy; none: whichever fits")]
_SYMBOL: Final = re.compile(r"[A-Z]{1,6}", re.ASCII)
_DOLLARS: Final = re.compile(r"\d{1,7}(\.\d{1,2})?", re.ASCII)


def add_prompts(server: DeskServer) -> None:
    """Give a server the prompts."""
    for make in (morning_plan, zero_dte_research, directional_bias, market_scan, review):
        server.add_prompt(make(server))


def morning_plan(server: DeskServer) -> Prompt:
    """Return the prompt before the open."""

    def plan(
        symbol: Symbol = "SPY",
        risk: Annotated[str, Field(description="dollars the day may lose at most")] = "",
    ) -> str:
        budget = f" I want to lose at most ${_dollars(risk)} today." if risk else ""
        return _told(f"Plan my day in {_symbol(symbol)}.{budget}", _listed(server, MORNING))

    return _prompt(plan, "morning_plan", "Plan the day before trading it")


def zero_dte_research(server: DeskServer) -> Prompt:
    """Return the prompt on today's options."""

    def research(symbol: Symbol = "SPY", strategy: Strategy = "") -> str:
        meant = f", for {_strategy(strategy)}" if strategy else ""
        return _told(
            f"Research today's {_symbol(symbol)} options{meant}.", _listed(server, RESEARCH)
        )

    return _prompt(research, "zero_dte_research", "Look into today's options")


def directional_bias(server: DeskServer) -> Prompt:
    """Return the prompt on the day's direction."""

    def bias(symbol: Symbol = "SPY") -> str:
        opening = f"Say up, down or neither for {_symbol(symbol)} today, and how sure you are."
        return _told(opening, _listed(server, BIAS), "Name what would prove it wrong.")

    return _prompt(bias, "directional_bias", "Weigh up, down or neither")


def market_scan(server: DeskServer) -> Prompt:
    """Return the prompt that looks for a trade."""

    def scan(symbol: Symbol = "SPY", strategy: Strategy = "") -> str:
        meant = f" with {_strategy(strategy)}" if strategy else ""
        opening = f"Scan {_symbol(symbol)} for a trade worth a preview{meant}; none is an answer."
        return _told(opening, _listed(server, SCAN))

    return _prompt(scan, "market_scan", "Look for a trade, or for none")


def review(server: DeskServer) -> Prompt:
    """Return the prompt after the close."""

    def end_of_day() -> str:
        return _told("Review my day.", _listed(server, REVIEW), "End with one thing to change.")

    return _prompt(end_of_day, "end_of_day_review", "Review the day's trades")


def _prompt(make: Callable[..., str], name: str, description: str) -> Prompt:
    return Prompt.from_function(make, name=name, description=description)


def _listed(server: DeskServer, steps: Sequence[Step]) -> Sequence[Step]:
    shown = server.catalog.listed()
    return [step for step in steps if step[0] in shown]


def _told(opening: str, steps: Sequence[Step], closing: str = "") -> str:
    lines = [f"{number}. {tool}: {what}." for number, (tool, what) in enumerate(steps, 1)]
    return "\n".join([opening, "", *lines, "", *([closing] if closing else []), NO_ORDER])


def _symbol(text: str) -> str:
    symbol = text.strip().upper()
    return _valid(symbol, _SYMBOL.fullmatch(symbol) is not None, "symbol", "a ticker such as SPY")


def _dollars(text: str) -> str:
    amount = text.strip().lstrip("$")
    return _valid(amount, _DOLLARS.fullmatch(amount) is not None, "risk", "dollars such as 250")


def _strategy(text: str) -> str:
    return _valid(text.strip(), text.strip() in STRATEGIES, "strategy", ", ".join(STRATEGIES))


def _valid(value: str, good: bool, name: str, wanted: str) -> str:
    if not good:
        raise MCPError(INVALID_PARAMS, f"[bad_argument] {name}: give {wanted}")
    return value
