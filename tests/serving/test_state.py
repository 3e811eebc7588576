"""The state folder is private, the lock tells the truth, another desk's daemon is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from common.config import VERSION, Settings
from common.errors import DaemonDiffers, StateUnwritable
from serving.state import (
    Daemon,
    StateFolder,
    account_fingerprint,
    held,
    is_locked,
    publish,
    write_private,
)


def settings(home: Path, **changed: object) -> Settings:
    return Settings(_env_file=None, state_dir=home, **changed)  # type: ignore[arg-type]


def daemon_of(configured: Settings) -> Daemon:
    return Daemon(
        pid=1,
        version=VERSION,
        mode=configured.mode.value,
        base_url="http://127.0.0.1:1",
        account=account_fingerprint(configured),
        digest=configured.digest(),
        url="http://127.0.0.1:2/mcp",
        link=4,
        health_url="http://127.0.0.1:2/health",
        metrics_url="http://127.0.0.1:3/metrics",
    )


KEYS = {"alpaca_api_key": SecretStr("PKONE"), "alpaca_secret_key": SecretStr("s")}


def test_folders_and_files_are_their_owners_alone(tmp_path: Path) -> None:
    folder = StateFolder(settings(tmp_path / "home"))
    write_private(folder.tokens, "{}")
    with held(folder.lock):
        for path in (folder.home, folder.desk, folder.exchange):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for path in (folder.tokens, folder.lock):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_had_is_an_answer_not_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnwritable, match="cannot be used"):
        StateFolder(settings(tmp_path / "file" / "home"))


def test_a_relative_folder_is_refused_since_hosts_start_us_anywhere() -> None:
    with pytest.raises(StateUnwritable, match="relative"):
        StateFolder(settings(Path("state")))


def test_each_account_has_a_folder_that_names_no_key(tmp_path: Path) -> None:
    other = {**KEYS, "alpaca_api_key": SecretStr("PKTWO")}
    desks = {StateFolder(settings(tmp_path, **changed)).desk.name for changed in ({}, KEYS, other)}
    assert len(desks) == 3
    assert not any("PK" in desk for desk in desks)


def test_one_holds_the_lock_and_the_next_is_told_so(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_locked(lock)
    with held(lock) as mine:
        assert mine is not None
        assert is_locked(lock)
        with held(lock) as other:
            assert other is None
        assert is_locked(lock)
    assert not is_locked(lock)


def test_a_daemon_is_found_only_while_it_holds_its_lock(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    folder = StateFolder(configured)
    assert folder.running() is None
    with held(folder.lock) as lock:
        assert lock is not None
        assert folder.running() is None  # it has not said anything yet
        publish(lock, daemon_of(configured))
        assert folder.running() == daemon_of(configured)
        words = folder.lock.read_text()
    assert folder.running() is None
    assert folder.left_in_order()
    folder.lock.write_text(words)  # as one that was killed leaves it
    assert folder.running() is None
    assert not folder.left_in_order()


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"max_daily_loss": "400"}, "settings"), (KEYS, "mode and account and settings")],
)
def test_a_daemon_with_other_settings_is_refused_by_what_differs(
    tmp_path: Path, changed: dict[str, object], named: str
) -> None:
    with pytest.raises(DaemonDiffers, match=f"another {named} than"):
        daemon_of(settings(tmp_path)).require_same(settings(tmp_path, **changed))


def test_where_it_listens_and_how_it_logs_are_no_difference(tmp_path: Path) -> None:
    daemon_of(settings(tmp_path)).require_same(
        settings(tmp_path / "else", port=1, prometheus_port=2, log_level="debug")
    )
