"""Every setting does something: each has a case in which changing it changes what happens.

Here are the cases that need no process; test_settings_desk and test_settings_exchange hold others.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from common.clock import FrozenClock, MonotonicClock
from common.config import Mode, Settings, load_settings
from common.contracts import Right
from common.errors import BrokerUnavailable, Misconfigured
from common.limits import Halt
from common.orders import PositionIntent
from services.ops.limiter import Lane, TokenBucket
from services.risk.manager import RiskManager
from services.runtime.terms import risk_limits
from serving.state import desk_name
from tests.acceptance import test_walk
from tests.builders import at, contract, make_intent, make_view
from tests.e2e import (
    test_settings_desk,
    test_settings_exchange,
    test_settings_research,
    test_settings_strategies,
    test_telemetry,
)
from tests.e2e.approval import test_by_page
from tests.e2e.changing import changes
from tests.services.broker.connecting import access_to
from tests.services.broker.fault_server import fault_server, hang
from tests.services.execution.watched import Watched
from tests.services.risk.cases import CONDOR, breaches, long_call
from tests.services.risk.past import activity, closed, opened
from tests.tools import test_limit, test_past, test_toolsets


def test_every_setting_has_a_case() -> None:
    others = (
        test_by_page,
        test_settings_desk,
        test_settings_exchange,
        test_settings_research,
        test_settings_strategies,
        test_walk,
        test_past,
        test_limit,
        test_toolsets,
        test_telemetry,
    )
    modules = (globals(), *map(vars, others))
    cases = [case for module in modules for case in module.values() if inspect.isfunction(case)]
    covered = {name for case in cases for name in getattr(case, "changes", ())}
    assert covered == set(fields(Settings))


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{name}.")
        else:
            yield prefix + name


def settings(**values: Any) -> Settings:
    return load_settings(_env_file=None, **values)


# ---- Account and mode

KEYS = {"alpaca_api_key": "PKKEY", "alpaca_secret_key": "secret"}


@changes("alpaca_api_key", "alpaca_secret_key", "alpaca_base_url")
def test_keys_and_broker_make_the_mode_the_desks_folder_and_the_digest() -> None:
    local, paper = settings(), settings(**KEYS)
    others = [
        settings(**KEYS | {"alpaca_api_key": "PKOTHER"}),
        settings(**KEYS | {"alpaca_base_url": "http://127.0.0.1:8090"}),
    ]
    assert (local.mode, paper.mode) == (Mode.PAPER_LOCAL, Mode.PAPER)
    assert (local.requests_per_minute, paper.requests_per_minute) == (6000, 200)
    assert len({desk_name(one) for one in (local, paper, *others)}) == 4
    rotated = settings(**KEYS | {"alpaca_secret_key": "rotated"})
    assert desk_name(rotated) == desk_name(paper)
    assert rotated.digest() != paper.digest()


@changes("trading_mode", "alpaca_live", "live_trading_acknowledged")
def test_a_mode_that_is_not_what_the_keys_mean_does_not_start() -> None:
    assert settings(**KEYS, trading_mode="paper").mode is Mode.PAPER
    with pytest.raises(Misconfigured, match="TRADING_MODE"):
        settings(**KEYS, trading_mode="paper-local")
    for one in ("alpaca_live", "live_trading_acknowledged"):
        with pytest.raises(Misconfigured, match="must be set together"):
            settings(**KEYS, **{one: True})
    assert settings(**KEYS, alpaca_live=True, live_trading_acknowledged=True).mode is Mode.LIVE


# ---- Risk


@changes(
    "max_daily_loss",
    "portfolio_delta_cap",
    "quote_age_max",
    "spread_max",
    "no_entry_before_close",
    "trade_risk_max",
    "strategy_risk_max",
    "exposure_max",
    "contracts_max",
    "strike_contracts_max",
    "expiry_contracts_max",
    "open_interest_min",
    "sigma_delta_cap",
    "assignment_shares_max",
    "var_max",
    "es_max",
)
@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("trade_risk_max", "50", "trade_risk"),
        ("var_max", "5", "var"),
        ("es_max", "5", "es"),
        ("strategy_risk_max", "50", "strategy_risk"),
        ("exposure_max", "50", "exposure"),
        ("contracts_max", "1", "qty"),
        ("strike_contracts_max", "1", "strike_contracts"),
        ("expiry_contracts_max", "3", "expiry_contracts"),
        ("open_interest_min", "1501", "open_interest"),
        ("sigma_delta_cap", "0.01", "delta_sigma"),
        ("assignment_shares_max", "99", "assignment"),
        ("max_daily_loss", "50", "daily_loss"),
        ("portfolio_delta_cap", "0.01", "delta"),
        ("quote_age_max", "0.1", "quote_age"),
        ("spread_max", "0.01", "spread"),
        ("no_entry_before_close", "356", "session"),
    ],
)
def test_a_tighter_limit_refuses_what_the_default_lets_pass(
    name: str, value: str, limit: str
) -> None:
    # Deep in the money a quote is 2% wide: more than the five cents that always pass.
    deep = make_intent((contract(650, Right.CALL), PositionIntent.BUY_TO_OPEN), limit="20.60")
    two = replace(CONDOR, qty=2)
    intent = {"spread": deep, "qty": two, "strike_contracts": two}.get(limit, CONDOR)
    usual, tight = (
        RiskManager(risk_limits(one)) for one in (settings(), settings(**{name: value}))
    )
    assert limit not in breaches(intent, risk=usual)
    assert limit in breaches(intent, risk=tight)


@changes(
    "trades_per_day_max",
    "orders_per_minute_max",
    "orders_per_hour_max",
    "duplicate_window",
    "repeats_max",
    "cooldown_after_loss",
    "consecutive_losses_max",
)
@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("trades_per_day_max", "1", "trades_per_day"),
        ("orders_per_minute_max", "1", "orders_per_minute"),
        ("orders_per_hour_max", "1", "orders_per_hour"),
        ("duplicate_window", "7200", "duplicate"),
        ("repeats_max", "1", "repeats"),
        ("cooldown_after_loss", "30", "cooldown"),
        ("consecutive_losses_max", "1", "consecutive_losses"),
    ],
)
def test_a_tighter_habit_refuses_what_the_default_lets_pass(
    name: str, value: str, limit: str
) -> None:
    ago = timedelta(seconds=30) if limit == "orders_per_minute" else timedelta(minutes=20)
    trade = opened(long_call(), when=at(10, 5) - ago)
    lost = limit in {"cooldown", "consecutive_losses"}
    past = activity(trade, *([closed(trade, "-0.10")] if lost else []))
    other = make_intent((contract(672, Right.CALL), PositionIntent.BUY_TO_OPEN), limit="1.30")
    wanted = long_call() if limit in {"duplicate", "repeats"} else other
    usual, tight = (
        RiskManager(risk_limits(one)) for one in (settings(), settings(**{name: value}))
    )
    assert limit not in breaches(wanted, risk=usual, activity=past)
    assert limit in breaches(wanted, risk=tight, activity=past)


@changes("late_gamma_max", "late_gamma_from")
def test_less_gamma_or_an_earlier_hour_refuses_what_the_default_lets_pass() -> None:
    late = make_view(now=at(15, 1))
    call = long_call(671)
    usual, little = (
        RiskManager(risk_limits(one)) for one in (settings(), settings(late_gamma_max="1"))
    )
    later = RiskManager(risk_limits(settings(late_gamma_max="1", late_gamma_from="50")))
    assert "late_gamma" not in breaches(call, view=late, risk=usual)
    assert "late_gamma" in breaches(call, view=late, risk=little)
    assert "late_gamma" not in breaches(call, view=late, risk=later)


@changes("loss_action")
@pytest.mark.parametrize(
    ("value", "halt", "flattened"),
    [("reduce", Halt.REDUCING, 0), ("halt", Halt.HALTED, 0), ("flatten", Halt.HALTED, 1)],
)
async def test_a_lost_session_is_met_as_configured(
    value: str, halt: Halt, flattened: int, tmp_path: Path
) -> None:
    desk = Watched.on(tmp_path)
    desk.account.lost = Decimal(500)
    await desk.looks(desk.watch(settings(loss_action=value).loss_action), 4)
    assert (desk.kill_switch.halt(), desk.rest.flattened) == (halt, flattened)
    assert settings().loss_action.value == "flatten"
    await desk.store.close()


@changes("broker_lock")
@pytest.mark.parametrize(
    ("given", "locks"),
    [
        ({}, True),
        ({"broker_lock": "false"}, False),
        (KEYS | {"alpaca_live": True, "live_trading_acknowledged": True}, False),
        (
            KEYS | {"alpaca_live": True, "live_trading_acknowledged": True, "broker_lock": "true"},
            True,
        ),
    ],
)
async def test_the_broker_is_locked_on_paper_and_on_live_where_it_is_wanted(
    given: dict[str, Any], locks: bool, tmp_path: Path
) -> None:
    desk = Watched.on(tmp_path)
    await desk.kill_switch.engage(who="test", reason="test")
    await desk.lock(enabled=settings(**given).locks_broker).look()
    assert desk.broker.locked is locks
    await desk.store.close()


# ---- Broker connection


@changes("broker_timeout")
async def test_a_broker_that_never_answers_is_given_up_after_the_timeout() -> None:
    from services.broker.alpaca import open_broker

    hasty = settings(broker_timeout="0.2")
    async with (
        fault_server(hang) as server,
        open_broker(
            access_to(server.url),
            timeout=hasty.broker_timeout,
            requests_per_minute=1000,
            wall=MonotonicClock(),
        ) as connection,
    ):
        await connection.warm()
        async with asyncio.timeout(settings().broker_timeout.total_seconds() - 1):
            with pytest.raises(BrokerUnavailable):
                await connection.reader.account()


@changes("broker_requests_per_minute")
def test_fewer_requests_per_minute_make_a_smaller_burst() -> None:
    def burst(one: Settings) -> int:
        bucket = TokenBucket(one.requests_per_minute, FrozenClock(at(10, 5)))
        return next(n for n in range(100_000) if bucket.try_take(Lane.READS) > 0)

    sizes = [burst(settings(broker_requests_per_minute=n)) for n in (10, 100, 1000)]
    assert sizes == sorted(set(sizes))
    assert burst(settings()) == burst(settings(broker_requests_per_minute=6000))


@changes("exchange.feed")
def test_an_unknown_feed_does_not_start() -> None:
    assert settings(exchange={"feed": "synthetic"}).exchange.feed == "synthetic"
    with pytest.raises(Misconfigured, match="EXCHANGE__FEED"):
        settings(exchange={"feed": "recorded"})
