"""The lulds channel over a real socket: the band in effect, and each new one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from common.session import new_york
from tests.exchange import Exchange
from tests.paper_exchange.feed.recorder import BARS, table

DAY = date(2026, 8, 19)
OPEN = new_york(DAY, time(9, 30))
PATIENCE = 20.0


class Bands:
    """A connection that wants the bands of SPY."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._heard: list[dict[str, Any]] = []

    def hear(self) -> dict[str, Any]:
        if not self._heard:
            self._heard = json.loads(self._socket.recv(PATIENCE))
        message = self._heard.pop(0)
        assert {name: message[name] for name in ("T", "S", "z")} == {"T": "l", "S": "SPY", "z": "B"}
        return message


@contextmanager
def listening(exchange: Exchange) -> Iterator[Bands]:
    with connect(exchange.websocket_url + "/v2/iex") as socket:
        socket.recv(PATIENCE)
        for message in (
            {"action": "auth", "key": exchange.key, "secret": exchange.secret},
            {"action": "subscribe", "lulds": ["SPY", "NONE"]},
        ):
            socket.send(json.dumps(message))
            assert json.loads(socket.recv(PATIENCE))[0]["T"] != "error"
        yield Bands(socket)


def test_the_band_in_effect_is_told_and_doubles_at_the_end(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, at="15:30") as exchange, listening(exchange) as bands:
        standing = bands.hear()
        reference = (standing["u"] + standing["d"]) / 2
        assert standing["i"] == "C"
        assert standing["u"] - standing["d"] == pytest.approx(0.10 * reference, abs=0.011)
        spot = exchange.get("/v2/stocks/SPY/trades/latest")["trade"]["p"]
        assert standing["d"] < spot < standing["u"]
        exchange.step(timedelta(minutes=6))
        wider = bands.hear()
        assert wider["i"] == "B"
        assert datetime.fromisoformat(wider["t"]).minute == 35
        assert wider["u"] - wider["d"] == pytest.approx(0.20 * reference, abs=0.011)


def test_a_recorded_jump_moves_the_band(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    rows = [
        ((OPEN + timedelta(minutes=n)).isoformat(), *[670 if n < 5 else 700] * 4, 1000)
        for n in range(20)
    ]
    table(folder / f"{DAY}" / "SPY.bars.csv", BARS, rows)
    with (
        Exchange.start(tmp_path, feed="replay", recording=folder, at="09:34") as exchange,
        listening(exchange) as bands,
    ):
        standing = bands.hear()
        assert (standing["d"], standing["u"], standing["i"]) == (636.5, 703.5, "C")
        exchange.step_to(OPEN + timedelta(minutes=12))
        told = bands.hear()
        while told["u"] < 728:
            assert told["i"] == "B"
            told = bands.hear()
        assert told["u"] <= 735
