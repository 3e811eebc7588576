"""The daemon: who gets in, what it tells strangers, and how it leaves."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.serving.desk import HELLO, WAIT, Desk, until

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
STOP_MAX = 20.0  # seconds; what is promised is three, but never on a machine of unknown load


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.at(tmp_path_factory.mktemp("daemon") / "home") as desk:
        desk.serve()
        yield desk


@pytest.fixture(scope="module")
def token(desk: Desk) -> str:
    return desk.run("token", "probe").stdout.strip()


@pytest.fixture(scope="module")
def secrets(desk: Desk, token: str) -> list[str]:
    """What strangers must not be told."""
    account = json.loads(desk.run("tools", "call", "get_account_info").stdout)
    return [account["account"], account["equity"], account["cash"], token]


def request(
    desk: Desk, method: str, path: str, headers: Mapping[str, str], body: object = None
) -> tuple[int, dict[str, str], str]:
    """Send one request to the daemon's port, its Host header as given."""
    address = urlsplit(desk.daemon()["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=WAIT)
    try:
        connection.putrequest(method, path, skip_host=True)
        data = b"" if body is None else json.dumps(body).encode()
        for name, value in {"Host": address.netloc, **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, names, answer.read().decode()
    finally:
        connection.close()


def test_it_lets_in_who_has_a_token_and_comes_from_here(desk: Desk, token: str) -> None:
    bearer = {**ACCEPT, "Authorization": f"Bearer {token}"}
    status, headers, body = request(desk, "POST", "/mcp", bearer, INITIALIZE)
    assert status == 200
    assert headers["mcp-session-id"]
    assert "zero-dte-desk" in body


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer guess"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8080"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 400),
    ],
)
def test_it_refuses_everybody_else(
    desk: Desk, token: str, changed: dict[str, str], status: int
) -> None:
    headers = {**ACCEPT, "Authorization": f"Bearer {token}", **changed}
    found, answered, body = request(desk, "POST", "/mcp", headers, INITIALIZE)
    assert found == status
    assert "zero-dte-desk" not in body
    if status == 401:
        assert answered["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live"])
def test_health_answers_strangers_without_account_data(
    desk: Desk, secrets: list[str], path: str
) -> None:
    status, _, body = request(desk, "GET", path, {"Host": "evil.example"})
    assert status in ({200, 503} if path.endswith("ready") else {200})
    assert set(json.loads(body)) <= {"ready", "live", "mode", "version", "reasons", "checks"}
    assert [secret for secret in secrets if secret in body] == []


def test_metrics_are_on_a_port_of_their_own_without_account_data(desk: Desk) -> None:
    desk.run("tools", "call", "get_market_clock")
    address = urlsplit(desk.daemon()["metrics_url"])
    assert address.port != urlsplit(desk.daemon()["url"]).port
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=WAIT)
    connection.request("GET", address.path)
    text = connection.getresponse().read().decode()
    connection.close()
    assert 'tool_seconds_count{result="ok",tool="get_market_clock"}' in text
    assert "SPY2" not in text


def test_status_doctor_and_the_lock_tell_the_same_daemon(desk: Desk) -> None:
    daemon = desk.daemon()
    shown = desk.run("status")
    assert shown.returncode == 0
    assert f"pid {daemon['pid']}" in shown.stdout
    found = desk.run("doctor")
    assert f"pid {daemon['pid']} at {daemon['url']}, with these settings" in found.stdout
    assert "keys accepted" in found.stdout
    snippet = json.loads(found.stdout[found.stdout.index("{") :])
    assert all(
        os.path.isabs(part)
        for server in snippet["mcpServers"].values()
        for part in (server["command"], *server["args"])
    )


def test_doctor_fails_on_what_is_wrong_and_shows_no_key(desk: Desk) -> None:
    other = desk.run("doctor", MAX_DAILY_LOSS="400")
    assert other.returncode == 1
    assert "FAIL  daemon" in other.stdout
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        keys = {"ALPACA_API_KEY": "PKSECRETKEYID", "ALPACA_SECRET_KEY": "very-secret"}
        away = desk.run("doctor", ALPACA_BASE_URL=url, **keys)
    assert away.returncode == 1
    assert f"FAIL  broker    {url} does not answer" in away.stdout
    assert "PKSECRETKEYID" not in away.stdout + away.stderr
    assert "very-secret" not in away.stdout + away.stderr


def test_a_second_daemon_is_refused(desk: Desk) -> None:
    daemon = desk.daemon()
    second = desk.run("serve")
    assert second.returncode == 1
    assert second.stderr.startswith("[already_running]")
    assert desk.daemon() == daemon


def test_tools_are_called_from_a_terminal(desk: Desk) -> None:
    shown = desk.run("tools", "call", "get_market_clock")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["mode"] == "paper-local"
    refused = desk.run("tools", "call", "iron_condor_30_delta", "widht=3")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("[unknown_argument]")
    listed = desk.run("tools", "list").stdout
    assert "\nflatten_all " in listed


def test_what_it_keeps_is_private(desk: Desk) -> None:
    for path in desk.home.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        secret = path.is_dir() or path.name in {"tokens.json", "keys.json", "daemon.lock"}
        assert not secret or stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_it_stops_with_streams_open_and_takes_its_exchange_along(tmp_path: Path) -> None:
    with Desk.at(tmp_path / "home") as desk:
        process = desk.serve()
        exchange = _exchange(desk)
        bearer = {**ACCEPT, "Authorization": f"Bearer {desk.run('token', 'probe').stdout.strip()}"}
        _, headers, _ = request(desk, "POST", "/mcp", bearer, INITIALIZE)
        session = {**bearer, "Mcp-Session-Id": headers["mcp-session-id"]}
        address = urlsplit(desk.daemon()["url"])
        with socket.create_connection((address.hostname, address.port), timeout=WAIT) as stream:
            lines = [f"GET /mcp HTTP/1.1\r\nHost: {address.netloc}"]
            lines += [f"{name}: {value}" for name, value in session.items()]
            stream.sendall("\r\n".join([*lines, "", ""]).encode())
            assert stream.recv(4096).startswith(b"HTTP/1.1 200")
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_MAX) == 0
        assert desk.lock.read_text() == ""
        until(lambda: not _alive(exchange["pid"]))


def test_reset_stops_all_and_opens_a_fresh_account(tmp_path: Path) -> None:
    with Desk.at(tmp_path / "home") as desk:
        before = json.loads(desk.run("tools", "call", "get_account_info").stdout)
        daemon = desk.daemon()
        assert desk.run("reset", "--paper", "--yes").returncode == 0
        until(lambda: not _alive(daemon["pid"]))
        after = json.loads(desk.run("tools", "call", "get_account_info").stdout)
        assert after["account"] != before["account"]
        assert after["cash"] == "100000.00"


def test_it_leaves_when_nobody_needs_it(tmp_path: Path) -> None:
    with Desk.at(tmp_path / "home", IDLE_TIMEOUT="0.02") as desk:
        process = desk.serve()
        assert process.wait(WAIT) == 0
        assert desk.lock.read_text() == ""


def _exchange(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.home / "exchange" / "address.json").read_text())
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
