"""TEST.5: what sockets do to a desk: gaps, doubles, disorder, cuts, silence and garbage.

The quote stream is held to each on a feed of our own, the order stream on a whole exchange with
its faults on. Every frame a fuzzer finds is in tests/services/market/test_quote_frames.py; that
refusals are not hammered, one socket is had and a half-open one is noticed is in
test_quote_stream.py beside it; the order stream's own frames are in
tests/services/broker/test_updates.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgpack
import pytest

from common.errors import StaleQuote
from services.market.option_chain_cache import OptionChainCache
from services.market.stream_stats import StreamState
from tests.desk import Desk
from tests.exchange import Exchange
from tests.services.market.client import CONTRACTS, MS, QUICK, A, B, bid_of, live, streaming
from tests.services.market.feed import AT, Feed, feed, quote, until
from tests.tools.market import PATIENT
from tests.tools.market import until as eventually

CONDOR = "iron_condor_30_delta"
UPDATES = ("late_updates", "duplicated_updates", "reordered_updates")


async def test_a_gap_is_marked_and_what_was_missed_is_not_made_up() -> None:
    times = replace(QUICK, stale=60 * MS, mute=10_000 * MS)
    async with feed() as served, streaming(served.url, times) as (stream, cache):
        await live(served, stream, A)
        await served.send(quote(A, 1.0, 1.1))
        await until(lambda: bid_of(cache, A) == 1)
        await until(lambda: stream.state is StreamState.STALE)
        assert stream.stats().gaps == 1
        assert bid_of(cache, A) == 1
        with pytest.raises(StaleQuote):
            cache.leg(CONTRACTS[0], age_max=timedelta(milliseconds=1))
        await served.send(quote(A, 3.0, 3.1, at=AT + timedelta(seconds=9)))
        await until(lambda: bid_of(cache, A) == 3 and stream.state is StreamState.LIVE)


async def test_doubles_and_disorder_end_on_the_newest() -> None:
    ticks = [quote(A, 1 + n / 100, 2 + n / 100, at=AT + timedelta(seconds=n)) for n in range(60)]
    told = ticks + ticks[10:40]
    Random(5).shuffle(told)
    async with feed() as served, streaming(served.url) as (stream, cache):
        await live(served, stream, A)
        for message in told:
            await served.send(message)
        await until(lambda: stream.stats().messages == len(told))
        assert bid_of(cache, A) == Decimal("1.59")


async def test_a_cut_brings_back_exactly_what_was_wanted_on_one_socket() -> None:
    async with feed() as served, streaming(served.url) as (stream, cache):
        await live(served, stream, A, B)
        for number in range(1, 6):
            await _cut(served)
            await served.send(quote(B, 1.0 + number, 9.0, at=AT + timedelta(seconds=number)))
            wanted = 1 + number
            await until(partial(_bids, cache, wanted))
        assert (served.most_open, stream.stats().reconnects) == (1, 5)


async def _cut(served: Feed) -> None:
    """Break the connection and wait until there is another, subscribed alike."""
    connects, wanted = served.connects, set(served.subscribed)
    assert served.connection is not None
    served.connection.transport.abort()
    await served.until(lambda: served.connects == connects + 1 and served.subscribed == wanted)


def _bids(cache: OptionChainCache, wanted: int) -> bool:
    return bid_of(cache, B) == wanted


async def test_malformed_msgpack_costs_its_frame_and_nothing_else() -> None:
    whole = msgpack.packb([quote(A, 1.0, 1.1)])
    async with feed() as served, streaming(served.url) as (stream, cache):
        await live(served, stream, A)
        bad = [whole[:9], b"\xc1", b"", b"\x93\x01", msgpack.packb({"T": "q"}), b"\xdd\xff\xff"]
        for payload in bad:
            await served.raw(payload)
        await served.send(quote(A, 2.0, 2.1))
        await until(lambda: bid_of(cache, A) == 2)
        assert stream.stats().undecodable > 0
        assert (stream.state, served.connects) == (StreamState.LIVE, 1)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    day = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}
    with Exchange.start(folder, **day) as exchange:
        yield exchange


@pytest.mark.parametrize("kinds", [UPDATES, ("drop_sockets",), ("half_open",)])
async def test_whatever_becomes_of_the_order_stream_each_fill_counts_once(
    exchange: Exchange, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    admin = {"Authorization": f"Bearer {exchange.admin_key}"}
    settings: dict[str, Any] = {"max_daily_loss": 5000, "open_interest_min": 0}
    with Desk.start(tmp_path / "desk", exchange, **PATIENT, **settings) as desk:
        async with desk.client() as client:
            await client.ready()
            shown = await client.ask(CONDOR, width=2)
            for kind in kinds:
                wanted = {"kind": kind, "times": 0, "seconds": 0.3}
                exchange.request("POST", "/admin/faults", wanted, headers=admin)
            answer = await client.mcp.call_tool(
                CONDOR, {"width": 2, "preview": False, "confirm_token": shown["confirm_token"]}
            )
            if answer.is_error:  # the desk has seen the stream go: nothing opens, nothing is sent
                assert exchange.orders() == []
                return
            order = dict(answer.structured_content or {})["order"]
            ended = await client.ended(order["client_order_id"], seconds=40)
            assert (ended["status"], ended["filled_qty"]) == ("filled", "1")

            async def agrees() -> bool:
                return bool((await client.ask("reconcile_positions"))["agrees"])

            await eventually(agrees, "desk and broker differ")
            exchange.request("DELETE", "/admin/faults", headers=admin)
            await client.ready()
            assert (await client.ask("flatten_all"))["flat"]
    assert len([o for o in exchange.orders() if o["status"] == "filled"]) == 2
