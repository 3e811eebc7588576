"""Every answer is short enough to be read, on a book as full as it gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import Right
from tests.builders import contract
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.listing import listed
from tests.tools.market import until
from tools.cap import ANSWER_MAX, capped, text_of
from tools.events import ALERTS
from tools.resources import ADDRESSES
from tools.toolset import READS

READ_MAX = 21_000  # bytes of all text of one answer
DAY = date(2026, 12, 8)
HELD, WORKING = 80, 100
SETTINGS = {
    "max_daily_loss": "100000",
    "portfolio_delta_cap": "100000",
    "sigma_delta_cap": "100000",
    "assignment_shares_max": "100000",
    "expiry_contracts_max": "100000",
}
CALL = contract(677, Right.CALL, expiry=DAY).symbol
# What a tool needs at all, or what makes its answer as long as it allows.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "trade_journal": {"days": 250},
    "list_tools": {"words": "e"},
    "events_wait": {"after": "-", "timeout_s": 0},
    "get_technical_indicators": {
        "indicators": "sma,ema,rsi,macd,bbands,atr,vwap,stoch,adx,obv",
        "points": 100,
    },
    "scan_market": {"criteria": "price>1"},
    "option_chain_analysis": {"strikes": 40},
    "get_option_snapshot": {
        "symbol_or_symbols": [
            contract(strike, right, expiry=DAY).symbol
            for strike in range(667, 687)
            for right in Right
        ]
    },
}
NEEDED = {"symbol": "SPY", "order_id": "x", "token": "x", "right": "call", "limit": 1}
OPTIONS = {"get_option_latest_quote", "get_option_latest_trade", "get_option_trades"}


def asked(name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any] | None:
    """Return a call with as many rows as can be asked for; None for one that is not made."""
    most = {"limit": properties["limit"]["maximum"]} if _counts(properties.get("limit")) else {}
    needed = {one: NEEDED[one] for one in required if one in NEEDED} | most
    if "crypto" in name:
        needed |= {"symbol": "BTC/USD"}
    elif name in OPTIONS | {"option_historicals"}:
        needed |= {"symbol": CALL}
    arguments = needed | ARGUMENTS.get(name, {})
    return arguments if set(required) <= set(arguments) else None


def _counts(schema: dict[str, Any] | None) -> bool:
    return schema is not None and schema.get("type") == "integer"


@pytest.fixture(scope="module")
def book(desk: Desk, exchange: Exchange) -> Iterator[None]:
    """Hold many contracts and have many orders work, most of them made past the desk."""
    symbols = [
        contract(strike, right, expiry=DAY).symbol
        for strike in range(657, 657 + HELD // 2)
        for right in Right
    ]
    for symbol in symbols:
        placed(exchange, symbol, type="market")
    for number in range(WORKING):
        placed(exchange, symbols[number % HELD], type="limit", limit_price="0.01")
    yield
    exchange.request("DELETE", "/v2/orders")


def placed(exchange: Exchange, symbol: str, **more: str) -> None:
    order = {"symbol": symbol, "qty": "1", "side": "buy", "time_in_force": "day", **more}
    answer = exchange.request("POST", "/v2/orders", order)
    assert answer.status == 200, answer.body


async def longest(client: DeskClient, tool: str, arguments: dict[str, Any]) -> tuple[int, Any]:
    answer = await client.mcp.call_tool(tool, arguments)
    texts = [str(getattr(block, "text", "")) for block in answer.content]
    if answer.structured_content is not None:
        [own] = [text for text in texts if not text.startswith(ALERTS)]
        assert json.loads(own) == answer.structured_content
    return sum(len(text.encode()) for text in texts), answer


@pytest.mark.usefixtures("book")
async def test_no_answer_is_longer_than_may_be_read(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()

        async def seen() -> bool:
            found = await client.ask("get_positions")
            return bool(found.get("truncated")) or len(found["positions"]) >= HELD

        await until(seen, "the positions were not taken")
        sizes, cut = {}, []
        for name, tool in listed().items():
            known, needed = tool.parameters["properties"], tool.parameters.get("required", [])
            if tool.annotations != READS and not {"preview"} & set(known):
                continue  # what changes something answers with what it changed
            arguments = asked(name, known, needed)
            if arguments is None:
                continue
            sizes[name], answer = await longest(client, name, arguments)
            if (answer.structured_content or {}).get("left_out"):
                cut.append(name)
        for uri in ADDRESSES.values():
            [content] = (await client.mcp.read_resource(uri)).contents
            sizes[uri] = len(str(getattr(content, "text", "")).encode())
        orders = await client.ask("get_orders", limit=100)
    assert {name: size for name, size in sizes.items() if size > READ_MAX} == {}
    assert len(sizes) > 80  # no tool that lists anything was passed over
    assert {"get_orders", "portfolio_greeks"} <= set(cut)  # the book was full enough to tell
    assert orders["truncated"]
    shown = len(orders["orders"])
    assert orders["left_out"] == [f"orders: {shown} of 100 shown; narrow what you ask for"]


ROWS = st.lists(st.dictionaries(st.text(max_size=8), st.text(max_size=400), max_size=5))


@settings(max_examples=60, deadline=None)
@given(
    ROWS, st.integers(0, 200), st.lists(st.text(max_size=300)), st.integers(0, 40), st.booleans()
)
def test_what_is_cut_fits_and_is_the_beginning(
    rows: list[Any], times: int, words: list[str], more: int, paged: bool
) -> None:
    answer: dict[str, Any] = {
        "mode": "paper",
        "inner": {"rows": rows * times},
        "words": words * more,
    }
    answer |= {"next_cursor": "abc"} if paged else {}
    cut = capped(answer)
    assert len(text_of(cut).encode()) <= ANSWER_MAX
    shown, said = cut["inner"]["rows"], cut["words"]
    assert shown == answer["inner"]["rows"][: len(shown)]
    assert said == answer["words"][: len(said)]
    whole = shown == answer["inner"]["rows"] and said == answer["words"]
    assert cut.get("truncated", False) is not whole
    if not whole:
        assert cut["left_out"]
        assert cut.get("next_cursor") is None
    else:
        assert cut == answer


def test_an_answer_that_cannot_be_cut_is_a_bug() -> None:
    with pytest.raises(ValueError, match="nothing to leave out"):
        capped({"text": "x" * ANSWER_MAX})
