"""The data streams over real sockets: refusals, broken frames, one connection a key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.exchange import Exchange

OPTIONS = "/v1beta1/indicative"
STOCKS = "/v2/iex"
PACKED = {"Content-Type": "application/msgpack"}
CALL = "SPY261120C00664000"
PATIENCE = 20.0


class Client:
    """A client that speaks one codec and remembers nothing."""

    def __init__(self, socket: ClientConnection, *, packed: bool) -> None:
        self.socket = socket
        self._packed = packed

    def say(self, message: Any) -> None:
        self.socket.send(msgpack.packb(message) if self._packed else json.dumps(message))

    def hear(self) -> Any:
        data = self.socket.recv(PATIENCE)
        return msgpack.unpackb(data) if self._packed else json.loads(data)

    def ask(self, message: Any) -> Any:
        self.say(message)
        (answer,) = self.hear()
        return answer

    def enter(self, exchange: Exchange) -> None:
        answer = self.ask({"action": "auth", "key": exchange.key, "secret": exchange.secret})
        assert answer == {"T": "success", "msg": "authenticated"}


@contextmanager
def client(exchange: Exchange, path: str, **headers: str) -> Iterator[Client]:
    packed = headers.get("Content-Type") == "application/msgpack"
    url = exchange.websocket_url + path
    with connect(url, additional_headers=headers, compression=None) as socket:
        found = Client(socket, packed=packed)
        assert found.hear() == [{"T": "success", "msg": "connected"}]
        yield found


def closed(found: Client) -> bool:
    try:
        found.socket.recv(PATIENCE)
    except ConnectionClosed:
        return True
    return False


def error(code: int, text: str) -> dict[str, object]:
    return {"T": "error", "code": code, "msg": text}


def test_options_are_not_told_in_json(exchange: Exchange) -> None:
    with client(exchange, OPTIONS) as found:
        (answer,) = found.hear()
        assert answer == error(412, "option messages are only available in MsgPack format")
        assert closed(found)


def test_a_truncated_frame_is_an_error_and_the_conversation_goes_on(exchange: Exchange) -> None:
    whole = msgpack.packb({"action": "subscribe", "quotes": [CALL]})
    with client(exchange, OPTIONS, **PACKED) as found:
        found.enter(exchange)
        for cut in range(len(whole)):
            found.socket.send(whole[:cut])
            assert found.hear() == [error(400, "invalid syntax")]
        assert found.ask({"action": "subscribe", "quotes": [CALL]})["quotes"] == [CALL]
    assert exchange.get("/health")["status"] == "ok"


def test_a_message_in_fragments_is_one_message(exchange: Exchange) -> None:
    whole = msgpack.packb({"action": "subscribe", "quotes": [CALL]})
    with client(exchange, OPTIONS, **PACKED) as found:
        found.enter(exchange)
        found.socket.send([whole[:3], whole[3:9], whole[9:]])
        assert found.hear() == [{"T": "subscription", "trades": [], "quotes": [CALL]}]


def test_wrong_keys_end_the_connection(exchange: Exchange) -> None:
    with client(exchange, STOCKS) as found:
        answer = found.ask({"action": "auth", "key": exchange.key, "secret": "wrong"})
        assert answer == error(402, "auth failed")
        assert closed(found)


def test_one_connection_a_key_and_feed(exchange: Exchange) -> None:
    with client(exchange, OPTIONS, **PACKED) as first:
        first.enter(exchange)
        with client(exchange, OPTIONS, **PACKED) as second:
            answer = second.ask({"action": "auth", "key": exchange.key, "secret": exchange.secret})
            assert answer == error(406, "connection limit exceeded")
            assert closed(second)
        with client(exchange, STOCKS) as elsewhere:
            elsewhere.enter(exchange)
        assert first.ask({"action": "subscribe", "quotes": [CALL]})["quotes"] == [CALL]
    with client(exchange, OPTIONS, **PACKED) as again:
        again.enter(exchange)


def test_keys_may_come_with_the_handshake(exchange: Exchange) -> None:
    with client(exchange, STOCKS, **exchange.headers) as found:
        assert found.hear() == [{"T": "success", "msg": "authenticated"}]
        assert found.ask({"action": "auth", "key": "K", "secret": "S"}) == error(
            403, "already authenticated"
        )


def test_a_star_is_every_stock_and_json_times_are_text(exchange: Exchange) -> None:
    with client(exchange, STOCKS, **exchange.headers) as found:
        found.hear()
        found.ask({"action": "subscribe", "quotes": ["*"]})
        exchange.step(timedelta(seconds=4))
        batch = found.hear()
        assert len({message["S"] for message in batch}) > 5
        assert all(message["T"] == "q" and message["t"].endswith("Z") for message in batch)
        assert "BTC/USD" not in {message["S"] for message in batch}


def test_a_coin_has_a_stream_of_its_own(exchange: Exchange) -> None:
    with client(exchange, "/v1beta3/crypto/us", **exchange.headers) as found:
        found.hear()
        found.ask({"action": "subscribe", "quotes": ["BTC/USD"]})
        exchange.step(timedelta(seconds=4))
        assert found.hear()[0]["S"] == "BTC/USD"


def test_after_a_leap_of_the_clock_only_the_latest_is_told(exchange: Exchange) -> None:
    with client(exchange, STOCKS, **exchange.headers) as found:
        found.hear()
        found.ask({"action": "subscribe", "quotes": ["SPY", "AAPL"]})
        exchange.step(timedelta(minutes=2))
        batch = found.hear()
        assert sorted(message["S"] for message in batch) == ["AAPL", "SPY"]


@pytest.mark.parametrize("path", ["/v2/nowhere", "/v1beta1/news", "/"])
def test_a_path_without_a_stream_is_refused_at_the_handshake(exchange: Exchange, path: str) -> None:
    with pytest.raises(InvalidStatus), connect(exchange.websocket_url + path):
        pass


def test_symbols_that_are_not_listed_are_silent_and_harm_nobody(exchange: Exchange) -> None:
    everything = ["quotes", "trades", "bars", "dailyBars", "updatedBars", "statuses", "lulds"]
    with client(exchange, STOCKS, **exchange.headers) as found:
        found.hear()
        found.ask({"action": "subscribe"} | {name: ["ZZZZ", "SPY"] for name in everything})
        exchange.step(timedelta(minutes=3))
        kinds: set[str] = set()
        while not {"q", "b", "d"} <= kinds:
            batch = found.hear()
            assert {message["S"] for message in batch} == {"SPY"}
            kinds |= {message["T"] for message in batch}
    with client(exchange, OPTIONS, **PACKED) as found:
        found.enter(exchange)
        unlisted = ["SPY261120C00000001", "ZZZ261120C00100000", "SPY250101C00600000"]
        found.ask({"action": "subscribe", "quotes": [*unlisted, CALL], "trades": unlisted})
        exchange.step(timedelta(minutes=1))
        assert {message["S"] for message in found.hear()} == {CALL}
    assert exchange.get("/health")["status"] == "ok"
