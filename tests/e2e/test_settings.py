"""Every setting does something: each has a case here in which changing it changes what happens."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from pydantic import BaseModel

from common.clock import FrozenClock, MonotonicClock
from common.config import ExchangeSettings, Mode, Settings, load_settings
from common.contracts import Right
from common.errors import BrokerUnavailable, LiveNotAvailable, Misconfigured
from common.orders import PositionIntent
from common.session import new_york
from services.ops.limiter import Lane, TokenBucket
from services.risk.manager import RiskManager
from services.runtime.wiring import risk_limits
from serving.sibling import SiblingExchange
from serving.state import desk_name
from tests.builders import at, contract, make_intent
from tests.desk import ENTRYPOINT, Desk
from tests.exchange import ROOT, Exchange
from tests.services.broker.connecting import access_to
from tests.services.broker.fault_server import fault_server, hang
from tests.services.risk.cases import CONDOR, breaches
from tests.tools.market import touches, until

CaseT = TypeVar("CaseT", bound=Callable[..., Any])
DAY = date(2026, 12, 8)
STRATEGY = "iron_condor_30_delta"


def changes(*settings: str) -> Callable[[CaseT], CaseT]:
    """Say which settings a case changes; a nested one as exchange.name."""

    def mark(case: CaseT) -> CaseT:
        case.__dict__["changes"] = settings
        return case

    return mark


def test_every_setting_has_a_case() -> None:
    covered = {
        name for case in list(globals().values()) for name in getattr(case, "changes", ()) or ()
    }
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
    with pytest.raises(LiveNotAvailable):
        settings(**KEYS, alpaca_live=True, live_trading_acknowledged=True)


# ---- Risk


@changes(
    "max_daily_loss",
    "portfolio_delta_cap",
    "quote_age_max",
    "spread_max",
    "no_entry_before_close",
)
@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
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
    intent = deep if limit == "spread" else CONDOR
    usual, tight = (
        RiskManager(risk_limits(one)) for one in (settings(), settings(**{name: value}))
    )
    assert limit not in breaches(intent, risk=usual)
    assert limit in breaches(intent, risk=tight)


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


# ---- A desk with everything changed at once


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(
        tmp_path_factory.mktemp("exchange"),
        clock="stepped",
        day=DAY.isoformat(),
        at="10:05",
        seed=7,
        data_plan="plus",
    ) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def desk(
    exchange: Exchange, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    with Desk.start(
        tmp_path_factory.mktemp("state"),
        exchange,
        max_daily_loss=250,
        portfolio_delta_cap=20,
        quote_age_max=60,
        spread_max=0.5,
        no_entry_before_close=100,
        exit_before_close=90,
        last_order_before_close=60,
        confirmation_timeout=1,
        price_tolerance=0.2,
        stream_symbols_max=8,
        auto_expire_time="10:30",
        cache_cleanup_interval=0.5,
        port=ports[0],
        prometheus_port=ports[1],
        allowed_hosts="desk.example",
        log_level="debug",
    ) as desk:
        yield desk


@changes("max_daily_loss", "portfolio_delta_cap", "quote_age_max", "spread_max")
async def test_a_risk_check_shows_the_configured_limits(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask("risk_check", strategy=STRATEGY, width=1)
    limits = {limit["name"]: limit["limit"] for limit in shown["limits"]}
    assert limits["daily_loss"] == "$250.00"
    assert limits["delta"] == "-20 to +20 shares"
    assert limits["quote_age"] == "60.0 s"
    assert limits["spread"] == "0.05 or 50% of the mid"
    assert limits["session"].endswith("to 2026-12-08 14:20:00 EST")


@changes("no_entry_before_close", "exit_before_close", "last_order_before_close")
async def test_the_clock_shows_the_configured_cut_offs(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        clock = await client.ask("get_market_clock")
        preview = (await client.ask(STRATEGY, width=1))["preview"]
    assert clock["no_entry_after"] == "2026-12-08 14:20:00 EST"
    assert clock["positions_flat_by"] == "2026-12-08 14:30:00 EST"
    assert clock["broker_last_order"] == "2026-12-08 15:00:00 EST"
    assert preview["exit"].startswith("flat by 2026-12-08 14:30:00 EST")


@changes("confirmation_timeout")
async def test_a_token_dies_after_the_configured_time(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(STRATEGY, width=1)
        assert shown["seconds_left"] == 1
        await asyncio.sleep(1.05)
        token = shown["confirm_token"]
        late = await client.refusal(STRATEGY, width=1, preview=False, confirm_token=token)
    assert late.startswith("[preview_not_found] the preview expired after 1 s")
    assert exchange.orders() == []


@changes("price_tolerance")
async def test_the_limit_lies_as_far_from_natural_as_a_price_may_run(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        preview = (await client.ask(STRATEGY, width=3))["preview"]
    natural = Decimal(preview["natural"])
    room = Decimal(preview["limit"]) - natural
    assert 0 <= abs(natural) * Decimal("0.2") - room < Decimal("0.01")


@changes("stream_symbols_max")
async def test_no_more_is_streamed_than_allowed(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()

        async def streamed() -> bool:
            return bool((await client.ask("streaming_status"))["symbols_streamed"])

        await until(streamed, "nothing was streamed")
        status = await client.ask("streaming_status")
    assert status["symbols_streamed"] <= 8 < status["contracts_listed"]


@changes("port", "prometheus_port", "state_dir")
def test_it_listens_where_it_was_told_and_keeps_its_state_there(
    desk: Desk, ports: tuple[int, int]
) -> None:
    assert desk.told["url"] == f"http://127.0.0.1:{ports[0]}/mcp"
    health = httpx2.get(f"http://127.0.0.1:{ports[0]}/health", trust_env=False).json()
    assert health["mode"] == "paper"
    metrics = httpx2.get(f"http://127.0.0.1:{ports[1]}/metrics", trust_env=False)
    assert metrics.status_code == 200
    assert "build_info" in metrics.text
    assert desk.lock.is_relative_to(desk.folder)
    assert (desk.lock.parent / "desk.sqlite").exists()


@changes("allowed_hosts")
@pytest.mark.parametrize(("host", "allowed"), [("desk.example", True), ("other.example", False)])
def test_only_configured_names_may_be_used(desk: Desk, host: str, allowed: bool) -> None:
    answer = httpx2.post(
        desk.told["url"],
        headers={
            "Host": host,
            "Authorization": f"Bearer {desk.token()}",
            "Accept": "application/json, text/event-stream",
        },
        json={"jsonrpc": "2.0", "id": 1, "method": "ping"},
        trust_env=False,
    )
    assert (answer.status_code != 421) is allowed


@changes("auto_expire_time", "cache_cleanup_interval")
async def test_the_chain_is_dropped_at_the_configured_time(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        exchange.step_to(new_york(DAY, time(10, 31)))

        async def empty() -> bool:
            return not (await client.ask("streaming_status"))["contracts_listed"]

        await until(empty, "the chain outlived its time", seconds=20)  # the default looks at 30 s
        refused = await client.refusal("get_option_snapshot")
        assert refused.startswith("[no_market_data] no SPY chain of today is held")


# ---- A desk that prices rarely, on another feed, and says little


@changes("spy_chain_update_interval", "option_feed", "log_level")
async def test_a_long_interval_keeps_prices_and_another_feed_is_named(
    desk: Desk, exchange: Exchange, tmp_path: Path
) -> None:
    assert " DEBUG " in desk.log.read_text()
    seldom = {"spy_chain_update_interval": 3600, "option_feed": "opra", "log_level": "error"}
    with Desk.start(tmp_path / "state", exchange, **seldom) as rare:
        async with rare.client() as client:

            async def quoted() -> bool:
                status = await client.ask("streaming_status")
                return bool(status["quotes_applied"] >= status["contracts_listed"] > 0)

            async def priced() -> bool:
                return not (await client.mcp.call_tool("get_option_snapshot", {})).is_error

            await until(quoted, "no quotes")
            await until(priced, "no price of SPY")
            before = await client.ask("get_option_snapshot")
            assert before["feed"] == (await client.ask("streaming_status"))["feed"] == "opra"
            applied = (await client.ask("streaming_status"))["quotes_applied"]
            exchange.step(timedelta(minutes=10))

            async def heard() -> bool:
                return bool((await client.ask("streaming_status"))["quotes_applied"] > applied)

            await until(heard, "no new quotes")
            after = await client.ask("get_option_snapshot")
            asks = [
                {row["symbol"]: Decimal(row["ask"]) for row in s["options"]}
                for s in (before, after)
            ]
            assert asks[0] == asks[1]
            assert asks[0] != {s: touch.ask for s, touch in touches(exchange, asks[0]).items()}
            # What is not priced again grows old, and too old to trade on.
            ages = [[row["age_seconds"] for row in s["options"]] for s in (before, after)]
            assert min(ages[1]) > min(ages[0])
        log = rare.log.read_text()
    assert " INFO " not in log
    assert " DEBUG " not in log


@changes("host")
def test_an_address_that_is_not_ours_is_not_listened_on(tmp_path: Path) -> None:
    environment = Desk(tmp_path, {"host": "203.0.113.7"}).environment
    done = subprocess.run(
        [sys.executable, str(ENTRYPOINT), "serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("[misconfigured] PORT: cannot listen on 203.0.113.7:0")


# ---- The embedded exchange


@changes(
    "idle_timeout",
    "exchange.port",
    "exchange.speed",
    "exchange.day",
    "exchange.at",
    "exchange.seed",
    "exchange.cash",
)
async def test_the_embedded_exchange_is_as_configured_and_both_leave_when_idle(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Desk.start(
        tmp_path / "state",
        idle_timeout=0.1,
        exchange__port=port,
        exchange__clock="demo",
        exchange__speed=60,
        exchange__day="2026-12-09",
        exchange__at="10:30",
        exchange__seed=8,
        exchange__cash=50_000,
    ) as desk:
        async with desk.client() as client:
            await client.ready()
            account = await client.ask("get_account_info")
            assert (account["mode"], account["cash"]) == ("paper-local", "50000.00")
            clock = await client.ask("get_market_clock")
            assert "2026-12-09 10:30:00" <= clock["now"] < "2026-12-09 15:00:00"

            async def fast() -> bool:
                clock = await client.ask("get_market_clock")
                return bool(clock["market_seconds_per_second"] > 30)

            await until(fast, "the exchange's clock does not run fast")
            assert desk.told["base_url"] == f"http://127.0.0.1:{port}"
            bar = first_bar(embedded(tmp_path / "state" / "exchange"))
        assert desk.process is not None
        assert await asyncio.to_thread(desk.process.wait, 60) == 0
        assert "idle" in desk.log.read_text()

    usual = tmp_path / "usual"
    usual.mkdir()
    with Exchange.start(usual, day="2026-12-09", at="10:30", seed=7) as other:
        assert first_bar(other) != bar


@changes("exchange.clock")
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
async def test_the_embedded_exchange_stands_still_when_told_to(tmp_path: Path) -> None:
    stepped = ExchangeSettings(clock="stepped", day=date(2026, 12, 9))
    sibling = SiblingExchange(tmp_path, stepped, MonotonicClock())
    await sibling.find_or_start()
    try:
        exchange = embedded(tmp_path)
        assert exchange.now() == exchange.now() == new_york(date(2026, 12, 9), time(9, 30))
    finally:
        assert await sibling.stop()


@changes("exchange.feed")
def test_an_unknown_feed_does_not_start() -> None:
    assert settings(exchange={"feed": "synthetic"}).exchange.feed == "synthetic"
    with pytest.raises(Misconfigured, match="EXCHANGE__FEED"):
        settings(exchange={"feed": "recorded"})


def embedded(folder: Path) -> Exchange:
    """Return the running exchange of a folder, as its files tell of it."""
    keys = json.loads((folder / "keys.json").read_text())
    url = json.loads((folder / "address.json").read_text())["url"]
    return Exchange(folder, key=keys["key"], secret=keys["secret"], url=url)


def first_bar(exchange: Exchange) -> Any:
    """Return SPY's first minute of the day."""
    start = new_york(date(2026, 12, 9), time(9, 30))
    asked = exchange.get("/v2/stocks/SPY/bars", timeframe="1Min", start=start.isoformat(), limit=1)
    return asked["bars"][0]
