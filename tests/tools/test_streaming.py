"""The stream through a client: started once, stopped for good, and told as it is."""

from __future__ import annotations

import msgpack
from websockets.sync.client import connect

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import until

EXCHANGE = {"clock": "demo"}
LIMIT_EXCEEDED = 406  # Alpaca's code for a second connection of one account


def another_may_connect(exchange: Exchange) -> bool:
    """Tell whether the exchange has no option stream of this account open: it allows one."""
    with connect(
        f"{exchange.websocket_url}/v1beta1/indicative",
        additional_headers={"Content-Type": "application/msgpack"},
        compression=None,
    ) as socket:
        socket.recv(20)
        entry = {"action": "auth", "key": exchange.key, "secret": exchange.secret}
        socket.send(msgpack.packb(entry))
        [answer] = msgpack.unpackb(socket.recv(20))
    if answer["T"] == "success":
        return True
    assert answer["code"] == LIMIT_EXCEEDED, answer
    return False


async def test_the_stream_starts_once_stops_for_good_and_starts_again(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()

        async def flows() -> bool:
            status = await client.ask("streaming_status")
            return bool(status["state"] == "live" and status["messages_per_second"] > 0)

        await until(flows, "no quotes")
        live = await client.ask("start_option_streaming")  # it runs already: starting twice is one
        again = await client.ask("start_option_streaming")
        for status in (live, again):
            assert (status["mode"], status["state"], status["source"]) == (
                "paper",
                "live",
                "stream",
            )
            assert (status["reconnects"], status["errors"], status["note"]) == (0, 0, "")
            assert 0 < status["symbols_streamed"] <= 200
            assert status["contracts_listed"] > status["symbols_streamed"]
            assert status["feed"] == "indicative"
        assert again["symbols_streamed"] == live["symbols_streamed"]
        assert 0 <= live["age_p50_seconds"] <= live["age_p95_seconds"]
        assert 0 <= live["greeks_age_seconds"] < 5
        assert not another_may_connect(exchange)

        stopped = await client.ask("stop_option_streaming")
        assert stopped["state"] == "off"

        async def closed() -> bool:
            return another_may_connect(exchange)

        await until(closed, "the socket stayed open")
        twice = await client.ask("stop_option_streaming")
        assert twice["state"] == "off"
        applied = twice["quotes_applied"]

        async def polled() -> bool:
            status = await client.ask("streaming_status")
            assert status["state"] == "off"
            return bool(status["source"] == "poll" and status["quotes_applied"] > applied)

        await until(polled, "nothing was polled while the stream was stopped")

        await client.ask("start_option_streaming")
        await until(flows, "the stream did not come back")
        assert not another_may_connect(exchange)
