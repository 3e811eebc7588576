"""The exchange as a command: it starts, says where it is, stops, and refuses in one line."""

from __future__ import annotations

import json
import socket
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from paper_exchange.__main__ import main
from tests.exchange import Exchange

KEYS = ["--api-key", "K", "--secret-key", "S"]


class Refused:
    """Starts the command where it must fail; tells the one line it leaves behind."""

    def __init__(self, said: pytest.CaptureFixture[str]) -> None:
        self._said = said

    def __call__(self, *arguments: str) -> str:
        try:
            code: object = main(["--port", "0", "--clock", "demo", *arguments])
        except SystemExit as e:
            code = e.code
        out, err = self._said.readouterr()
        assert (code, out) == (2, "")
        assert "Traceback" not in err
        return str(err.strip().splitlines()[-1])


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    for name in ("API_KEY", "SECRET_KEY", "ADMIN_KEY"):
        monkeypatch.delenv(f"PAPER_EXCHANGE_{name}", raising=False)
    return Refused(capsys)


def test_it_tells_where_it_listens(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, clock="demo") as exchange:
        address = json.loads((tmp_path / "address.json").read_text())
        assert exchange.process is not None
        assert address["pid"] == exchange.process.pid
        assert address["url"].startswith("http://127.0.0.1:")
        health = exchange.request("GET", "/health", headers={}).body
        assert health["status"] == "ok"
        assert health["feed"] == "indicative"
        assert exchange.get("/v2/clock")["is_open"]
        assert exchange.stop() == 0


def drain(stream: ClientConnection) -> None:
    while True:
        stream.recv(20)


def test_it_stops_with_streams_open(tmp_path: Path) -> None:
    with Exchange.start(tmp_path) as exchange:
        url = exchange.websocket_url + "/v2/iex"
        with connect(url, additional_headers=exchange.headers) as stream:
            stream.recv(20)
            assert exchange.stop() == 0
            with pytest.raises(ConnectionClosed):
                drain(stream)


def test_a_restart_goes_on_with_the_day(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, at="10:05") as exchange:
        reached = exchange.step(timedelta(minutes=17))
        exchange.kill9()
        exchange.launch()
        assert exchange.now() == reached


def test_keys_are_made_once_and_kept_from_others(tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "keys.json"
    exchange = Exchange(tmp_path, {"key-file": str(file), "api-key": "", "secret-key": ""})
    for _ in range(2):
        exchange.launch()
        try:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            pair = json.loads(file.read_bytes())
            exchange.key, exchange.secret = pair["key"], pair["secret"]
            assert len(exchange.secret) >= 32
            assert exchange.get("/v2/account")["status"] == "ACTIVE"
        finally:
            exchange.stop()
    file.chmod(0o644)
    assert "others may read it" in refused("--key-file", str(file))


def test_without_keys_it_does_not_start(refused: Refused) -> None:
    assert "no keys were given" in refused("--database", "sqlite://")


def test_one_key_is_not_enough(refused: Refused) -> None:
    assert "go together" in refused("--api-key", "K")


def test_a_port_in_use_is_named(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "cannot listen on 127.0.0.1" in refused(*KEYS, "--port", port)


def test_a_database_that_cannot_be_written_is_named(tmp_path: Path, refused: Refused) -> None:
    where = tmp_path / "nowhere" / "exchange.db"
    assert str(where) in refused(*KEYS, "--database", f"sqlite:///{where}")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--at", "03:00"], "outside the session"),
        (["--speed", "0"], "--speed"),
        (["--speed", "fast"], "--speed"),
        (["--cash", "nan"], "--cash"),
        (["--day", "someday"], "--day"),
        (["--seed", "-1"], "--seed"),
        (["--rate-limit", "-1"], "--rate-limit"),
        (["--database", "not a url"], "--database"),
        (["--port", "99999"], "--port"),
    ],
)
def test_a_bad_argument_is_named(
    tmp_path: Path, refused: Refused, arguments: list[str], named: str
) -> None:
    database = f"sqlite:///{tmp_path / 'exchange.db'}"
    assert named in refused(*KEYS, "--database", database, *arguments)


def test_a_real_rate_limit_says_so_and_refuses(tmp_path: Path) -> None:
    with Exchange.start(tmp_path, rate_limit=3) as exchange:
        answers = [exchange.request("GET", "/v2/clock") for _ in range(8)]
        statuses = [answer.status for answer in answers]
        assert 429 in statuses  # the minute may turn once in between
        late = answers[statuses.index(429)]
        assert late.body == {"code": 42910000, "message": "rate limit exceeded"}
        assert late.headers["x-ratelimit-limit"] == "3"
        assert late.headers["x-ratelimit-remaining"] == "0"
        assert int(late.headers["retry-after"]) <= 60
        assert exchange.request("GET", "/health", headers={}).status == 200
