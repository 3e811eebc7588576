"""Recorded days run end to end: a real exchange process, orders, fills and streams."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from common.session import new_york
from paper_exchange.__main__ import main
from paper_exchange.feed import importing
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.synthetic import SyntheticSource
from tests.exchange import Exchange
from tests.paper_exchange.feed.recorder import (
    BARS,
    GOOG,
    HALTS,
    SPY_JULY,
    near,
    record,
    table,
)

DAY = date(2026, 8, 19)
OPEN = new_york(DAY, time(9, 30))
MINUTE = timedelta(minutes=1)
PATIENCE = 20.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small day with a chain and a halt from 09:40 to 09:45, and its at-the-money call."""
    folder = tmp_path_factory.mktemp("recording")
    source = SyntheticSource(7, Calendar())
    record(folder, source, OPEN, 20, chain=True)
    start, end = OPEN + 10 * MINUTE, OPEN + 15 * MINUTE
    halt = ("SPY", start.isoformat(), end.isoformat(), "halt")
    table(folder / f"{DAY}" / "halts.csv", HALTS, [halt])
    return folder, near(source, OPEN, DAY)[6]


def order(exchange: Exchange, symbol: str, qty: int, **more: object) -> dict[str, Any]:
    body = {"symbol": symbol, "qty": str(qty), "side": "buy", "type": "market", **more}
    answer = exchange.request("POST", "/v2/orders", {"time_in_force": "day", **body})
    assert answer.status == 200, answer.body
    made: dict[str, Any] = exchange.get(f"/v2/orders/{answer.body['id']}")
    return made


def test_a_day_in_the_layout_trades_and_streams(
    tmp_path: Path, recording: tuple[Path, str]
) -> None:
    folder, call = recording
    with Exchange.start(tmp_path, feed="replay", recording=folder) as exchange:
        assert exchange.now() == OPEN
        exchange.step(2 * MINUTE)
        quote = exchange.get(f"/v1beta1/options/quotes/latest?symbols={call}")["quotes"][call]
        bought = order(exchange, call, 1)
        assert bought["status"] == "filled"
        assert Decimal(bought["filled_avg_price"]) == Decimal(str(quote["ap"]))
        with connect(exchange.websocket_url + "/v2/iex") as stream:
            hear(stream)
            ask(stream, {"action": "auth", "key": exchange.key, "secret": exchange.secret})
            ask(stream, {"action": "subscribe", "quotes": ["SPY"], "bars": ["SPY"]})
            exchange.step(MINUTE)
            kinds: set[str] = set()
            while not {"q", "b"} <= kinds:
                kinds |= {message["T"] for message in hear(stream)}
        bars = exchange.get("/v2/stocks/SPY/bars", timeframe="1Min", start=OPEN.isoformat())
        assert len(bars["bars"]) == 3


def test_a_halt_holds_orders_until_it_is_over(tmp_path: Path, recording: tuple[Path, str]) -> None:
    folder, call = recording
    options = {"feed": "replay", "recording": folder, "day": DAY, "at": "09:41"}
    with Exchange.start(tmp_path, **options) as exchange:
        shares = order(exchange, "SPY", 10)
        contract = order(exchange, call, 1, type="limit", limit_price="99.00")
        assert {shares["status"], contract["status"]} == {"accepted"}
        exchange.step_to(OPEN + 14 * MINUTE)
        assert {found["status"] for found in exchange.orders()} == {"accepted"}
        exchange.step_to(OPEN + 16 * MINUTE)
        assert {found["status"] for found in exchange.orders()} == {"filled"}


def test_a_halt_and_its_end_are_told_on_the_stream(
    tmp_path: Path, recording: tuple[Path, str]
) -> None:
    folder, _ = recording
    with (
        Exchange.start(tmp_path, feed="replay", recording=folder, at="09:39") as exchange,
        connect(exchange.websocket_url + "/v2/iex") as stream,
    ):
        hear(stream)
        ask(stream, {"action": "auth", "key": exchange.key, "secret": exchange.secret})
        ask(stream, {"action": "subscribe", "statuses": ["SPY"]})
        told = []
        for minute in (11, 16):
            exchange.step_to(OPEN + minute * MINUTE)
            [message] = hear(stream)
            told.append([message[name] for name in ("T", "S", "sc", "sm", "rc", "z")])
        assert told == [
            ["s", "SPY", "2", "Trading Halt", "", "B"],
            ["s", "SPY", "3", "Resume", "", "B"],
        ]


def hear(stream: ClientConnection) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stream.recv(PATIENCE))
    return found


def ask(stream: ClientConnection, message: dict[str, Any]) -> None:
    stream.send(json.dumps(message))
    assert hear(stream)[0]["T"] != "error"


def test_a_replay_that_cannot_be_is_refused_in_a_line(
    tmp_path: Path, recording: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = recording

    def refused(*words: object) -> str:
        keys = ("--api-key", "K", "--secret-key", "S", "--port", "0", "--feed", "replay")
        database = ("--database", f"sqlite:///{tmp_path / 'x.db'}")
        assert main([*keys, *database, *(str(word) for word in words)]) == 2
        return capsys.readouterr().err.strip().splitlines()[-1]

    assert "give --recording FOLDER" in refused("--clock", "demo")
    assert "was not recorded" in refused("--recording", folder, "--day", "2026-08-20")
    assert "no recorded day" in refused("--recording", tmp_path)
    assert "no real clock" in refused("--recording", folder, "--clock", "real")


def test_the_import_command_tells_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ("2026-08-19 09:30", 670, 671, 669, 670, 5)
    bars = table(tmp_path / "spy.csv", BARS, [row])
    words = ["import", str(tmp_path / "r"), "--symbol", "SPY", "--bars"]
    assert main([*words, str(bars)]) == 0
    assert capsys.readouterr().out.startswith("spy.csv: 1 bars of 1 days")
    assert main([*words, str(tmp_path / "none.csv")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("paper_exchange: cannot read")
    assert said.count("\n") == 1


@pytest.mark.skipif(not GOOG.is_dir(), reason="recorded data absent")
def test_the_recorded_half_day_of_goog_runs_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "goog"
    day, call = "2015-12-24", "GOOG151224C00745000"
    importing.run(
        [
            str(folder),
            *("--symbol", "GOOG", "--day", day, "--minute-quotes", "--keep-sides"),
            *("--bars", str(GOOG / "goog_trades_1min.parquet")),
            *("--quotes", str(GOOG / "goog_quotes_1min.parquet")),
            *("--option-quotes", str(GOOG / "goog_option_quotes_1min.parquet")),
        ]
    )
    with Exchange.start(tmp_path, feed="replay", recording=folder) as exchange:
        assert exchange.get("/v2/clock")["next_close"] == "2015-12-24T13:00:00-05:00"
        exchange.step(30 * MINUTE)
        chain = exchange.get("/v1beta1/options/snapshots/GOOG", expiration_date=day, limit=1000)
        assert len(chain["snapshots"]) == 176
        bought = order(exchange, call, 2)
        assert bought["status"] == "filled"
        assert bought["filled_avg_price"] == ask_of(chain, call)
        exchange.step(60 * MINUTE)
        bid = exchange.get(f"/v1beta1/options/quotes/latest?symbols={call}")["quotes"][call]["bp"]
        sold = order(exchange, call, 2, side="sell")
        assert sold["filled_avg_price"] == str(bid)
        exchange.step_to(datetime.fromisoformat("2015-12-28T14:31:00+00:00"))
        assert exchange.positions() == []
        traded = Decimal(sold["filled_avg_price"]) - Decimal(bought["filled_avg_price"])
        fees = 100_000 + 200 * traded - Decimal(exchange.get("/v2/account")["equity"])
        assert 0 < fees < 1


def ask_of(chain: dict[str, Any], symbol: str) -> str:
    return str(chain["snapshots"][symbol]["latestQuote"]["ap"])


@pytest.mark.skipif(not SPY_JULY.is_file(), reason="recorded data absent")
def test_recorded_minutes_of_spy_run_with_a_chain_by_the_smile(tmp_path: Path) -> None:
    folder = tmp_path / "spy"
    importing.run([str(folder), "--symbol", "SPY", "--bars", str(SPY_JULY)])
    options = {"feed": "replay", "recording": folder, "day": "2025-07-03", "at": "12:00"}
    with Exchange.start(tmp_path, **options) as exchange:
        now = exchange.now().isoformat()
        opens = new_york(date(2025, 7, 3), time(9, 30)).isoformat()
        bars = exchange.get("/v2/stocks/SPY/bars", timeframe="1Min", start=opens, end=now)["bars"]
        assert len(bars) in {150, 151}
        assert bars[0]["o"] == 622.45
        strike = round(bars[-1]["c"])
        bought = order(exchange, f"SPY250703C{strike:05d}000", 1)
        assert bought["status"] == "filled"
        assert Decimal("0.05") < Decimal(bought["filled_avg_price"]) < 3
        exchange.step(timedelta(hours=2))
        assert exchange.get("/v2/clock")["timestamp"].startswith("2025-07-07T09:30")
