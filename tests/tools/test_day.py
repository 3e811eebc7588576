"""A day that passes: the range ends, prices leave a preview, entries stop, the daemon goes flat."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal

from common.session import new_york
from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import Morning, followed, natural, until

EXCHANGE = {"seed": 8, "at": "09:40"}  # a day that tests/paper_exchange/feed pins as quiet
# A condor left alone leans as the day goes on: what drift does is tested elsewhere.
SETTINGS = {"portfolio_delta_cap": 1000, "max_daily_loss": 5000, "entry_pricing": "natural"}
CONDOR = "iron_condor_30_delta"
DAY = date(2026, 12, 8)
MOVE = Decimal("0.1")  # of the previewed price: no less than the tolerance


async def test_the_breakout_waits_for_its_range_its_trigger_and_its_window(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        early = await client.refusal("orb_long_call")
        assert early.startswith("[range_incomplete] the 15-minute range is not complete until")
        assert "09:45:00" in early

        exchange.step_to(new_york(DAY, time(10, 5)))
        await followed(client, exchange)
        morning = Morning.of(exchange, DAY)
        buffer = max(Decimal("0.05"), (morning.high - morning.low) / 20)
        level = (morning.high + buffer).quantize(Decimal("0.01"), "ROUND_CEILING")
        quiet = await client.refusal("orb_long_call")
        assert quiet.startswith(
            f"[not_triggered] needs a 1-minute close above {level}, "
            f"last close {morning.close} at 10:05"
        )
        assert f"range is {morning.low} to {morning.high}" in quiet
    assert exchange.orders() == []


async def test_a_price_that_moved_is_shown_again_and_not_sent(
    desk: Desk, exchange: Exchange
) -> None:
    exchange.step_to(max(exchange.now(), new_york(DAY, time(11))))
    before = exchange.orders()
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        shown = await client.ask(CONDOR, width=2)
        was, legs = Decimal(shown["preview"]["natural"]), shown["preview"]["legs"]
        while abs(natural(exchange, legs) - was) <= abs(was) * MOVE + Decimal("0.02"):
            exchange.step(timedelta(minutes=2))
        await followed(client, exchange, legs)

        moved = await client.ask(
            CONDOR, width=2, preview=False, confirm_token=shown["confirm_token"]
        )
        assert (moved["mode"], moved["status"], moved["order"]) == ("paper", "price_moved", None)
        assert moved["message"].startswith("[price_moved] the net price moved from")
        assert f"from {was} to {natural(exchange, legs)}" in moved["message"]
        assert moved["preview"]["natural"] != shown["preview"]["natural"]
        assert exchange.orders() == before
        old = await client.refusal(
            CONDOR, width=2, preview=False, confirm_token=shown["confirm_token"]
        )
        assert old.startswith("[preview_not_found]")

        order = await client.confirmed(CONDOR, moved, width=2)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
        assert len(exchange.orders()) == len(before) + 1
        assert (await client.ask("flatten_all"))["flat"]


async def test_a_restarted_daemon_closes_in_time_what_it_opened_and_opens_no_more(
    desk: Desk, exchange: Exchange
) -> None:
    exchange.step_to(max(exchange.now(), new_york(DAY, time(15))))
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        bare = {"width": 2, "stop": "none", "target": "none"}  # only its time closes it
        opened = await client.confirmed(CONDOR, await client.ask(CONDOR, **bare), **bare)
        assert (await client.ended(opened["client_order_id"]))["status"] == "filled"
        assert opened["exit"].startswith("armed: flat by 2026-12-08 15:25:00")

    desk.kill9()
    desk.launch()
    async with desk.client() as client:
        await client.ready()
        told = (await client.ask("get_order_status", order_id=opened["order_id"]))["order"]
        assert (told["strategy"], told["status"]) == ("iron_condor", "filled")
        assert told["exit"].startswith("armed: flat by 2026-12-08 15:25:00")
        assert len(exchange.positions()) == 4

        exchange.step_to(new_york(DAY, time(15, 21)))
        await followed(client, exchange)
        late = await client.refusal(CONDOR, width=1)
        assert late.startswith("[limit_breached]")
        assert "session: allowed 2026-12-08 09:30:00 EST to 2026-12-08 15:20:00 EST" in late
        over = await client.refusal("orb_long_call")
        assert over.startswith("[not_triggered] the entry window of the breakout ended")
        assert len(exchange.positions()) == 4

        exchange.step_to(new_york(DAY, time(15, 25)))

        async def gone() -> bool:
            return not exchange.positions()

        await until(gone, "the time exit did not close the position")

        async def done() -> bool:
            order = (await client.ask("get_order_status", order_id=opened["order_id"]))["order"]
            return bool(order["exit"].startswith("done by time exit"))

        await until(done, "the exit was not told as done")
        [close, *_] = exchange.orders()
        assert (close["order_class"], close["status"]) == ("mleg", "filled")
        shown = (await client.ask("get_order_status", order_id=close["id"]))["order"]
        assert {leg["intent"] for leg in shown["legs"]} == {"buy_to_close", "sell_to_close"}
        assert shown["strategy"] == "iron_condor"
