"""Exits that live with the trade: per side, trailing, timed, changed, stale, closed elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.session import new_york
from tests.acceptance.losing import trade
from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT, Reply, followed, natural, until

DAY = date(2026, 12, 8)
MORNING = {"clock": "stepped", "day": DAY.isoformat(), "at": "10:05", "seed": 7}
LOOSE: dict[str, object] = {
    "portfolio_delta_cap": 500,
    "max_daily_loss": 5000,
    "price_tolerance": 0.2,
}
LOOSE |= {"open_interest_min": 0, "cooldown_after_loss": 0, "entry_pricing": "natural"}
CALL, CONDOR = "orb_long_call", "iron_condor_30_delta"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with Exchange.start(folder, **MORNING) as exchange:
        yield exchange


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Path) -> Iterator[Desk]:
    with Desk.start(tmp_path / "desk", exchange, **PATIENT, **LOOSE) as desk:
        yield desk


async def opened(client: DeskClient, tool: str, **arguments: Any) -> Reply:
    """Preview, confirm and wait for the fill; return the order."""
    await client.ready()
    sent = await client.confirmed(tool, await client.ask(tool, **arguments), **arguments)
    order = await client.ended(sent["client_order_id"])
    assert order["status"] == "filled", order
    return order


async def watched(client: DeskClient) -> list[Reply]:
    return list((await client.ask("list_exits"))["trades"])


async def flat(exchange: Exchange) -> None:
    async def gone() -> bool:
        return not exchange.positions()

    await until(gone, "it was not closed")


def side(order: Reply, right: str) -> list[Reply]:
    return [leg for leg in order["legs"] if leg["symbol"][-9] == right]


async def test_the_side_that_runs_is_closed_and_the_other_stays_until_its_time(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        order = await opened(client, CONDOR, width=2, stop="1x", target="none")
        credit = -Decimal(order["filled_average"])
        running = None
        for _ in range(180):
            exchange.step(MINUTE)
            await followed(client, exchange, order["legs"])
            costs = {right: -natural(exchange, side(order, right)) for right in "CP"}
            running = next((right for right, cost in costs.items() if cost >= credit), None)
            if running is not None:
                break
        assert running is not None, "neither side ran"

        async def halved() -> bool:
            return len(exchange.positions()) == 2

        await until(halved, "the side that ran was not closed")
        left = {position["symbol"][-9] for position in exchange.positions()}
        assert left == {"C", "P"} - {running}

        async def armed() -> bool:
            found = await watched(client)
            return bool(
                found and found[0]["state"] == "armed" and "side closed" in found[0]["note"]
            )

        await until(armed, "the other side is not watched")
        [close, *_] = exchange.orders()
        assert (close["order_class"], close["status"], len(close["legs"])) == ("mleg", "filled", 2)

    desk.kill9()
    desk.launch()
    async with desk.client() as client:
        await client.ready()
        [trade_left] = await watched(client)
        assert {symbol[-9] for symbol in trade_left["legs_held"]} == left
        exchange.step_to(new_york(DAY, time(15, 25)))
        await flat(exchange)
        pnl = await client.ask("show_pnl")
        equity = Decimal(exchange.get("/v2/account")["equity"])
        assert Decimal(pnl["session"]) == equity - Decimal(pnl["opening_equity"])


async def test_a_trail_keeps_its_mark_through_a_kill_and_gives_back_no_more(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        order = await opened(client, CALL, strike_delta=45, stop="none", target="none", trail="25%")
        entry = -Decimal(order["filled_average"])
        best = entry
        for minute in range(120):
            exchange.step(MINUTE)
            await followed(client, exchange, order["legs"])
            found = await watched(client)
            now = -natural(exchange, order["legs"]) if not found else None
            if not found or found[0]["state"] == "closing":
                break
            now = Decimal(found[0]["closing_price"])
            best = min(best, now)
            if now >= best * Decimal("0.75"):
                break

            async def kept(mark: Decimal = best) -> bool:
                trades = await watched(client)
                return not trades or Decimal(trades[0]["best_closing_price"] or entry) == mark

            await until(kept, "the best price was not kept")
            if minute == 1:
                desk.kill9()
                desk.launch()
                async with desk.client() as again:
                    await again.ready()
                    [trade_left] = await watched(again)
                    assert Decimal(trade_left["best_closing_price"] or entry) == best
                break
    async with desk.client() as client:
        for _ in range(180):
            if not exchange.positions():
                break
            found = await watched(client)
            if found and found[0]["closing_price"] is not None:
                best = min(best, Decimal(found[0]["closing_price"]))
                if Decimal(found[0]["closing_price"]) >= best * Decimal("0.75"):
                    await flat(exchange)
                    break
            exchange.step(MINUTE)
            await followed(client, exchange, order["legs"])
        told = (await client.ask("get_order_status", order_id=order["order_id"]))["order"]
        assert "trail 25%" in told["exit"]


async def test_on_a_feed_that_stands_still_no_price_fires_and_time_still_does(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        order = await opened(client, CALL, strike_delta=45, stop="50%", target="50%")
        admin = {"Authorization": f"Bearer {exchange.admin_key}"}
        exchange.request("POST", "/admin/faults", {"kind": "stale_feed"}, headers=admin)
        exchange.step(2 * MINUTE)

        async def unknown() -> bool:
            return (await watched(client))[0]["closing_price"] is None

        await until(unknown, "the desk still trusts a feed that stands still")
        told = await client.refusal("edit_exit", order_id=order["order_id"], stop="40%")
        assert told.startswith("[stale_quote]")
        for _ in range(30):
            exchange.step(5 * MINUTE)
        assert len(exchange.positions()) == 1
        exchange.step_to(new_york(DAY, time(15, 25)))
        await flat(exchange)

        async def done() -> bool:
            told = (await client.ask("get_order_status", order_id=order["order_id"]))["order"]
            return bool(told["exit"].startswith("done by time exit"))

        await until(done, "the exit was not told as done")


async def test_exits_are_changed_taken_away_and_given_back_but_never_fire_at_once(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        order = await opened(client, CALL, strike_delta=45, stop="50%", target="100%")
        name = order["order_id"]
        changed = await client.ask("edit_exit", order_id=name, stop="60%", target="none")
        assert [(e["kind"], e["trigger"]) for e in changed["trade"]["exits"]] == [("stop", "60%")]
        for wrong, code in (
            ({"stop": "SPY<900"}, "bad_argument"),
            ({"stop": "0.1%"}, "exit_unwanted"),
            ({"stop": "150%"}, "bad_argument"),
            ({"trail": "SPY<500"}, "bad_argument"),
            ({"stop": "QQQ<500"}, "bad_argument"),
        ):
            told = await client.refusal("edit_exit", order_id=name, **wrong)
            assert told.startswith(f"[{code}]"), told
        bare = await client.ask("cancel_exit", order_id=name)
        assert (bare["trade"]["exits"], bare["trade"]["state"]) == ([], "armed")
        given = await client.ask("attach_exit", order_id=name, stop="SPY<500", trail="$90")
        assert [e["trigger"] for e in given["trade"]["exits"]] == ["SPY<500", "$90"]
        told = await client.refusal("attach_exit", order_id=name, stop="50%")
        assert told.startswith("[exit_unwanted]")
        assert (await client.refusal("cancel_exit", order_id="nobody")).startswith(
            "[order_not_found]"
        )

        # Somebody else closes it: the desk sees it, says so, and its exits end.
        trade(exchange, order["legs"][0]["symbol"], "sell")
        found = await client.ask("reconcile_positions")
        assert not found["agrees"]
        [ghost] = found["differences"]
        assert (ghost["kind"], ghost["ours"], ghost["theirs"]) == ("ghost", "1", "0")

        async def ended() -> bool:
            return not await watched(client)

        await until(ended, "the exits did not end")
        told = (await client.ask("get_order_status", order_id=name))["order"]["exit"]
        assert "the position is gone" in told

        # And opens something: it is not ours, and named so.
        trade(exchange, order["legs"][0]["symbol"], "buy", 2)
        [external] = (await client.ask("reconcile_positions"))["differences"]
        assert (external["kind"], external["theirs"]) == ("external", "2")


async def test_what_nobody_bids_for_is_put_on_offer_and_said_to_be(
    desk: Desk, exchange: Exchange
) -> None:
    day = exchange.get(
        "/v1beta1/options/snapshots/SPY", expiration_date=DAY.isoformat(), limit=1000
    )
    unbid = [
        symbol
        for symbol, found in day["snapshots"].items()
        if not found["latestQuote"]["bp"] and found["latestQuote"]["ap"]
    ]
    trade(exchange, unbid[0], "buy")
    async with desk.client() as client:
        await client.ready()
        for _ in range(2):  # calling it again changes nothing
            told = await client.ask("flatten_all")
            assert not told["flat"]
            assert told["message"].startswith("NOT flat: nobody bids")
            assert any(f"nobody bids for {unbid[0]}" in note for note in told["notes"])
            [offer] = exchange.orders("open")
            assert (offer["symbol"], offer["side"], offer["limit_price"]) == (
                unbid[0],
                "sell",
                "0.01",
            )


async def test_a_close_that_gets_no_answer_does_not_keep_another_trade_from_its_exit(
    exchange: Exchange, tmp_path: Path
) -> None:
    patient = {**PATIENT, **LOOSE, "broker_timeout": 120, "broker_requests_per_minute": 6000}
    with Desk.start(tmp_path / "desk", exchange, **patient) as desk:
        async with desk.client() as client:
            trades = [
                await opened(client, CALL, strike_delta=60, stop="none", target="none"),
                await opened(client, CONDOR, width=1, stop="none", target="none"),
            ]
            held = [{leg["symbol"] for leg in order["legs"]} for order in trades]
            assert held[0].isdisjoint(held[1])
            # Whichever close is sent first hears nothing for longer than this test waits.
            exchange.fault(kind="delay", method="POST", path="/v2/orders", seconds=110)
            exchange.step_to(new_york(DAY, time(15, 25)))

            async def one_gone() -> bool:
                left = {position["symbol"] for position in exchange.positions()}
                return left in held

            await until(one_gone, "the other trade waits for the one without an answer")
            assert [order["status"] for order in exchange.orders("open")] == []
