"""Settings fail closed: what is unknown, contradictory or unbounded is refused by name."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.config import Mode, Settings, load_settings
from common.errors import Misconfigured

KEYS = {"alpaca_api_key": "PKKEY", "alpaca_secret_key": "the-secret"}
UPSTREAM = {"feed": "live", "clock": "real", "upstream_key": "PK", "upstream_secret": "s"}
LIVE = KEYS | {"alpaca_live": "true", "live_trading_acknowledged": "true"}


def settings(**values: Any) -> Settings:
    return load_settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ({}, Mode.PAPER_LOCAL),
        ({"trading_mode": "paper-local"}, Mode.PAPER_LOCAL),
        (KEYS, Mode.PAPER),
        (KEYS | {"trading_mode": "paper"}, Mode.PAPER),
        (KEYS | {"alpaca_base_url": "http://10.0.0.5:8090"}, Mode.PAPER),
        (KEYS | {"alpaca_live": "False"}, Mode.PAPER),
    ],
)
def test_the_mode_follows_from_the_keys(values: dict[str, str], mode: Mode) -> None:
    assert settings(**values).mode is mode


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"trading_mode": "real"}, ["TRADING_MODE"]),
        ({"trading_mode": "PAPER"}, ["TRADING_MODE"]),
        ({"trading_mode": "paper"}, ["TRADING_MODE"]),
        (KEYS | {"trading_mode": "paper-local"}, ["TRADING_MODE"]),
        (KEYS | {"trading_mode": "live"}, ["TRADING_MODE"]),
        ({"alpaca_api_key": "PKKEY"}, ["ALPACA_SECRET_KEY"]),
        ({"alpaca_secret_key": "the-secret"}, ["ALPACA_API_KEY"]),
        (KEYS | {"alpaca_live": "true"}, ["LIVE_TRADING_ACKNOWLEDGED"]),
        (KEYS | {"live_trading_acknowledged": "true"}, ["ALPACA_LIVE"]),
        ({"alpaca_live": "true", "live_trading_acknowledged": "true"}, ["ALPACA_API_KEY"]),
        (LIVE | {"alpaca_base_url": "http://10.0.0.5:8090"}, ["ALPACA_BASE_URL"]),
        (LIVE | {"trading_mode": "paper"}, ["TRADING_MODE"]),
        ({"alpaca_base_url": "http://10.0.0.5:8090"}, ["ALPACA_BASE_URL"]),
        (KEYS | {"alpaca_live": "maybe"}, ["ALPACA_LIVE"]),
        (KEYS | {"alpaca_base_url": "ftp://x"}, ["ALPACA_BASE_URL"]),
        ({"unheard_of": "1"}, ["UNHEARD_OF"]),
        ({"exchange": {"speeed": 2}}, ["EXCHANGE__SPEEED"]),
        ({"exchange": {"feed": "replay"}}, ["EXCHANGE__FEED"]),
        ({"exchange": {"feed": "live", "clock": "real"}}, ["UPSTREAM_KEY", "UPSTREAM_SECRET"]),
        ({"exchange": UPSTREAM | {"clock": "demo"}}, ["CLOCK"]),
        ({"no_entry_before_close": "30", "exit_before_close": "30"}, ["NO_ENTRY_BEFORE_CLOSE"]),
    ],
)
def test_a_contradiction_is_refused_by_name(values: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(Misconfigured) as refused:
        settings(**values)
    assert all(name in str(refused.value) for name in names)


def test_live_needs_both_switches_and_always_a_person() -> None:
    live = settings(**LIVE)
    assert (live.mode, live.needs_person) == (Mode.LIVE, True)
    assert settings(**LIVE, approval="always").needs_person
    with pytest.raises(Misconfigured, match="APPROVAL=token"):
        settings(**LIVE, approval="token")


def test_on_paper_the_token_is_enough_unless_a_person_is_asked_for() -> None:
    assert not settings().needs_person
    assert not settings(approval="token").needs_person
    assert settings(approval="always").needs_person


@pytest.mark.parametrize("name", ["max_daily_loss", "spread_max", "price_tolerance"])
@pytest.mark.parametrize(
    "value",
    [
        "nan",
        "inf",
        "-inf",
        "-500",
        "0",
        "1e309",
        "1e30",
        "",
        "\uff10\uff15\uff10\uff10",
        "5_00",
        "five",
        "1,000",
    ],
)
def test_a_money_limit_is_a_bounded_finite_decimal(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name.upper()):
        settings(**{name: value})


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0"])
def test_the_delta_cap_is_bounded_too(value: str) -> None:
    with pytest.raises(Misconfigured, match="PORTFOLIO_DELTA_CAP"):
        settings(portfolio_delta_cap=value)


def test_a_money_limit_is_exact() -> None:
    assert settings(max_daily_loss="500.10").max_daily_loss == Decimal("500.10")


@pytest.mark.parametrize(("value", "seconds"), [("0.5", 0.5), ("1", 1), (0.25, 0.25)])
def test_the_chain_update_interval_takes_fractions_of_a_second(
    value: object, seconds: float
) -> None:
    found = settings(spy_chain_update_interval=value).spy_chain_update_interval
    assert found == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "100000", "soon"])
def test_a_duration_is_positive_and_at_most_a_day(value: str) -> None:
    with pytest.raises(Misconfigured, match="CONFIRMATION_TIMEOUT"):
        settings(confirmation_timeout=value)


def test_no_refusal_shows_a_key() -> None:
    canary = "canary-5f2d"
    with pytest.raises(Misconfigured) as refused:
        settings(
            alpaca_api_key=canary, alpaca_secret_key=canary, trading_mode="live", max_daily_loss="x"
        )
    assert canary not in str(refused.value)
    assert canary not in repr(settings(alpaca_api_key=canary, alpaca_secret_key=canary))


def test_the_environment_is_read_and_empty_means_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_DAILY_LOSS", "250")
    monkeypatch.setenv("ALPACA_API_KEY", "")
    monkeypatch.setenv("EXCHANGE__SEED", "11")
    found = settings()
    assert (found.max_daily_loss, found.mode, found.exchange.seed) == (
        Decimal(250),
        Mode.PAPER_LOCAL,
        11,
    )


def test_the_digest_tells_settings_apart_but_not_where_a_daemon_listens() -> None:
    assert settings().digest() == settings(port=1, prometheus_port=2, log_level="debug").digest()
    assert settings().digest() != settings(max_daily_loss="499").digest()
    assert settings(**KEYS).digest() != settings(**KEYS | {"alpaca_secret_key": "z"}).digest()
    assert "the-secret" not in settings(**KEYS).digest()
    another = UPSTREAM | {"upstream_secret": "another"}
    assert settings(exchange=UPSTREAM).digest() != settings(exchange=another).digest()
