from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgpack
import pytest

from common.clock import MonotonicClock
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.stream_stats import StreamState
from tests.services.market.client import (
    CONTRACTS,
    MS,
    QUICK,
    SYMBOLS,
    A,
    B,
    C,
    bid_of,
    live,
    streaming,
)
from tests.services.market.feed import AT, KEY, SECRET, feed, quote, until


async def test_a_quote_on_the_socket_is_in_the_cache() -> None:
    async with feed() as served, streaming(served.url) as (stream, cache):
        await live(served, stream, A, B)
        await served.send(quote(A, 9.46, 9.66), quote(B, 1.05, 1.07))
        await until(lambda: stream.stats().messages == 2)

        held = cache.leg(CONTRACTS[0], age_max=timedelta(seconds=5))
        assert (held.bid, held.ask, held.bid_size, held.ask_size, held.at) == (
            Decimal("9.46"),
            Decimal("9.66"),
            53,
            38,
            AT,
        )
        stats = stream.stats()
        assert stats.state is StreamState.LIVE
        assert stats.p95_age is not None
        assert stats.p95_age < timedelta(seconds=10)
        assert served.headers == ["application/msgpack"]


async def test_want_sends_only_the_difference_and_what_goes_first() -> None:
    async with feed() as served, streaming(served.url) as (stream, _):
        await live(served, stream, A, B)
        await live(served, stream, B, C)
        stream.want([C, B])  # the same set: nothing to send
        await live(served, stream, B)

        assert [(a["action"], a.get("quotes")) for a in served.actions[1:]] == [
            ("subscribe", [A, B]),
            ("unsubscribe", [A]),
            ("subscribe", [C]),
            ("unsubscribe", [C]),
        ]


async def test_a_reconnect_subscribes_to_exactly_the_live_set_on_one_socket() -> None:
    async with feed() as served, streaming(served.url) as (stream, cache):
        await live(served, stream, A, B)
        await live(served, stream, B, C)
        assert served.connection is not None
        served.connection.transport.abort()
        await served.until(lambda: served.connects == 2 and served.subscribed == {B, C})
        await served.send(quote(C, 3.0, 3.1))

        await until(lambda: bid_of(cache, C) == 3)
        assert served.most_open == 1
        assert stream.stats().reconnects == 1


async def test_a_client_found_too_slow_says_so_and_comes_back() -> None:
    async with feed() as served, streaming(served.url) as (stream, _):
        await live(served, stream, A)
        reasons = set()
        assert served.connection is not None
        await served.send({"T": "error", "code": 407, "msg": "slow client"})
        await served.connection.close()

        def told() -> bool:
            reasons.add(stream.stats().reason)
            return served.connects == 2 and served.subscribed == {A}

        await until(told)
        assert "the connection was lost, after 407 slow client" in reasons


async def test_a_server_that_closes_politely_is_connected_to_again() -> None:
    async with feed() as served, streaming(served.url) as (stream, _):
        await live(served, stream, A)
        assert served.connection is not None
        await served.connection.close(4000, "slow client")
        await served.until(lambda: served.connects == 2 and served.subscribed == {A})


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (402, "auth failed"),
        (406, "connection limit exceeded"),
        (409, "insufficient subscription"),
        (412, "option messages are only available in MsgPack format"),
    ],
)
async def test_a_refusal_is_told_and_not_hammered(code: int, text: str) -> None:
    async with feed() as served:
        served.refuse = (code, text)
        async with streaming(served.url) as (stream, _):
            await until(lambda: stream.state is StreamState.REFUSED)
            await served.until(lambda: served.open == 0)
            # Five times the longest ordinary delay: only the slow one is being waited for.
            await asyncio.sleep(5 * QUICK.retry_most.total_seconds())

            assert served.connects == 1
            assert stream.stats().reason == f"{code} {text}"
            assert stream.stats().errors == 1


async def test_once_the_refusal_is_over_the_stream_is_live_again() -> None:
    times = replace(QUICK, refused=20 * MS)
    async with feed() as served:
        served.refuse = (406, "connection limit exceeded")
        async with streaming(served.url, times) as (stream, _):
            stream.want([A])
            await served.until(lambda: served.connects >= 2)
            served.refuse = None
            await served.until(lambda: served.subscribed == {A})
            await until(lambda: stream.state is StreamState.LIVE)
            assert served.most_open == 1


async def test_wrong_keys_are_a_refusal() -> None:
    async with feed() as served, streaming(served.url, key="WRONG") as (stream, _):
        await until(lambda: stream.state is StreamState.REFUSED)
        assert "402" in stream.stats().reason


async def test_too_many_symbols_keep_what_was_subscribed_and_name_a_limit() -> None:
    async with feed() as served, streaming(served.url) as (stream, cache):
        served.limit = 3
        await live(served, stream, A, B)
        stream.want(SYMBOLS[:10])
        await until(lambda: stream.symbols_limit is not None)
        assert stream.state is StreamState.LIVE
        assert "405" in stream.stats().reason
        await served.send(quote(A, 2.0, 2.1))
        await until(lambda: bid_of(cache, A) == 2)

        stream.want(SYMBOLS[:3])
        await served.until(lambda: served.subscribed == set(SYMBOLS[:3]))


async def test_stop_closes_the_socket_and_start_twice_is_one_connection() -> None:
    async with feed() as served, streaming(served.url) as (stream, _):
        stream.start()
        await live(served, stream, A)
        assert served.connects == 1

        await stream.stop()
        await served.until(lambda: served.open == 0)
        assert stream.state is StreamState.OFF
        assert stream.stats().symbols == 0

        stream.start()
        await served.until(lambda: served.connects == 2 and served.subscribed == {A})


async def test_there_is_one_owner() -> None:
    async with feed() as served, streaming(served.url) as (stream, _):
        await live(served, stream, A)
        with pytest.raises(RuntimeError, match="already runs"):
            await stream.run()


async def test_a_connected_but_mute_feed_is_stale_then_connected_to_again() -> None:
    times = replace(QUICK, stale=50 * MS, mute=400 * MS)
    async with feed() as served, streaming(served.url, times) as (stream, _):
        await live(served, stream, A)
        await until(lambda: stream.state is StreamState.STALE)
        assert stream.stats().gaps == 1
        await served.send(quote(A, 1.0, 1.1))
        await until(lambda: stream.state is StreamState.LIVE)
        await served.until(lambda: served.connects == 2 and served.subscribed == {A})


async def test_silence_outside_the_session_is_no_fault() -> None:
    times = replace(QUICK, stale=20 * MS, mute=60 * MS)
    wall = MonotonicClock()
    async with feed() as served:
        stream = OptionQuoteStream(
            served.url,
            KEY,
            SECRET,
            feed="indicative",
            cache=OptionChainCache(wall),
            wall=wall,
            due=lambda: False,
            times=times,
        )
        job = asyncio.create_task(stream.run())
        stream.start()
        await live(served, stream, A)
        began = wall.ns()
        await until(lambda: wall.ns() - began > 300_000_000)
        assert stream.state is StreamState.LIVE
        assert served.connects == 1
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_a_half_open_socket_is_noticed_by_its_missing_pong() -> None:
    """The peer takes everything and answers nothing, as a machine behind a cut cable does."""
    times = replace(QUICK, ping_idle=50 * MS, ping_reply=50 * MS)
    async with feed() as served:
        port = int(served.url.split(":")[2].split("/")[0])
        cut = asyncio.Event()
        connects = 0

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connects
            connects += 1
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)

            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    if not cut.is_set():
                        sink.write(data)
                sink.close()

            await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))

        async with await asyncio.start_server(relay, "127.0.0.1", 0) as proxy:
            address = proxy.sockets[0].getsockname()[1]
            async with streaming(f"ws://127.0.0.1:{address}/", times) as (stream, _):
                await live(served, stream, A)
                cut.set()
                await until(lambda: stream.state is not StreamState.LIVE)
                cut.clear()
                await until(lambda: connects >= 2 and stream.state is StreamState.LIVE)


async def test_nobody_listening_is_retried_until_somebody_does() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with streaming(f"ws://127.0.0.1:{port}/") as (stream, _):
            await until(lambda: stream.stats().errors >= 3)
            assert stream.state is StreamState.CONNECTING
            assert stream.stats().reason.startswith("cannot connect")


async def test_what_cannot_be_read_is_counted_and_the_rest_of_the_frame_is_kept() -> None:
    async with feed() as served, streaming(served.url) as (stream, cache):
        await live(served, stream, A, B)
        await served.send(
            {"T": "zebra", "S": A},  # unknown type
            quote(A, 1.0, 1.1, extra={"deep": [1, 2]}),  # a field of tomorrow
            {"T": "q", "S": B},  # no timestamp
            {"T": "q", "S": 5, "t": msgpack.Timestamp(1, 0)},  # a symbol that is none
            quote(B, None, 0.05),  # nobody bids
        )
        await until(lambda: stream.stats().messages == 2)
        assert stream.stats().undecodable == 3
        assert (bid_of(cache, A), bid_of(cache, B)) == (Decimal(1), Decimal(0))

        whole = msgpack.packb([quote(A, 2.0, 2.1), quote(B, 2.0, 2.1)])
        await served.raw(whole[: len(whole) // 2])
        await served.raw("[garbage")
        await served.raw('[{"T":"error","code":500,"msg":"internal error"}]')
        await served.raw([whole[:20], whole[20:50], whole[50:]])  # one message in fragments
        await until(lambda: bid_of(cache, B) == 2)
        assert stream.stats().undecodable == 5
        assert stream.stats().errors == 1
        assert stream.state is StreamState.LIVE
