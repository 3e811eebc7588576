from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgpack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.clock import MonotonicClock
from services.market.option_chain_cache import OptionChainCache
from services.market.wire import FrameDecoder, QuoteMessage
from tests.services.market.client import (
    CONTRACTS,
    DAY,
    SYMBOLS,
    A,
    B,
    live,
    streaming,
)
from tests.services.market.feed import AT, KEY, SECRET, feed, quote, until


async def test_the_cache_is_what_the_brokers_own_client_makes_of_the_same_frames() -> None:
    from alpaca.data.live.option import OptionDataStream
    from alpaca.data.models.quotes import Quote as AlpacaQuote

    wall = MonotonicClock()
    theirs = OptionChainCache(wall)
    theirs.load(DAY, CONTRACTS)
    seen = 0

    async def write(update: AlpacaQuote | dict[str, Any]) -> None:
        nonlocal seen
        assert isinstance(update, AlpacaQuote)
        seen += 1
        message = QuoteMessage(
            update.symbol,
            update.timestamp,
            update.bid_price,
            update.ask_price,
            update.bid_size,
            update.ask_size,
        )
        theirs.apply([message], wall.ns())

    frames = [
        msgpack.packb(
            [
                quote(
                    SYMBOLS[(7 * i + j) % 40],
                    round(0.01 * ((31 * i + 17 * j) % 900), 2),
                    round(0.01 * ((31 * i + 17 * j) % 900 + j % 4), 2),
                    at=AT + timedelta(microseconds=137 * ((11 * i) % 50) + j),
                )
                for j in range(10)
            ]
        )
        for i in range(200)
    ]
    async with feed() as served, streaming(served.url) as (stream, ours):
        await live(served, stream, *SYMBOLS)
        for frame in frames:
            await served.raw(frame)
        await until(lambda: stream.stats().messages == 2000)
        await stream.stop()

        client = OptionDataStream(KEY, SECRET, url_override=served.url)
        client.subscribe_quotes(write, *SYMBOLS)
        task = asyncio.create_task(client._run_forever())
        await served.until(lambda: served.connects == 2 and served.subscribed == set(SYMBOLS))
        for frame in frames:
            await served.raw(frame)
        await until(lambda: seen == 2000)
        await client.stop_ws()
        assert served.connection is not None
        await served.connection.close()
        await asyncio.wait_for(task, 10)

    mine, his = ours.columns(), theirs.columns()
    rows = range(len(CONTRACTS))
    assert [mine.quote(row) for row in rows] == [his.quote(row) for row in rows]
    assert ours.counters() == theirs.counters()
    assert ours.counters().reordered > 0


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
fields = st.dictionaries(
    st.sampled_from(["T", "S", "t", "bp", "bs", "ap", "as", "c", "code", "msg", "quotes"]),
    scalars | st.sampled_from(["q", "t", "error", "success", A, msgpack.Timestamp(1, 5)]),
)


odd_quotes = st.fixed_dictionaries(
    {
        "T": st.just("q"),
        "S": st.sampled_from([A, B, "", "SPY"]),
        "t": st.builds(msgpack.Timestamp, st.integers(-(2**40), 2**40), st.integers(0, 10**9 - 1)),
    },
    optional=dict.fromkeys(["bp", "bs", "ap", "as"], scalars),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=200) | st.lists(odd_quotes | fields | scalars, max_size=5).map(msgpack.packb)
)
def test_no_frame_raises_and_every_message_is_read_or_counted(payload: bytes) -> None:
    frame = FrameDecoder().slow(payload)
    quotes = [message for message in frame.messages if isinstance(message, QuoteMessage)]
    cache = OptionChainCache(MonotonicClock())
    cache.load(DAY, CONTRACTS)
    cache.apply(quotes, 0)
    columns, counters = cache.columns(), cache.counters()
    kept = [columns.quote(row) for row in range(len(CONTRACTS))]
    assert sum(quote is not None for quote in kept) <= counters.applied
    assert len(quotes) == (
        counters.applied + counters.insane + counters.reordered + counters.unknown
    )
    try:
        sent = msgpack.unpackb(payload, strict_map_key=False)
    except ValueError:
        return
    except msgpack.exceptions.UnpackException:
        return
    if isinstance(sent, list):
        assert len(frame.messages) + frame.undecodable == len(sent) or frame.undecodable == 1
