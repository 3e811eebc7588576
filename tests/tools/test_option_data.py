"""Options of any expiry, and coins: by the tools what they are at the exchange."""

from __future__ import annotations

from typing import Any

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.walking import bar_at, bar_of, dec, walked

AT_THE_MONEY = "SPY261208C00677000"
TOMORROWS = "SPY261209C00677000"
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("get_option_contracts", {"strike_price_gte": -1}),
    ("get_option_contracts", {"type": "straddle"}),
    ("get_option_contracts", {"expiration_date": "2026-13-01"}),
    ("get_option_chain", {"limit": 0}),
    ("get_option_latest_quote", {"symbol": "SPY"}),
    ("get_option_latest_trade", {"symbol": "SPY"}),
    ("get_option_trades", {"symbol": AT_THE_MONEY, "days": "many"}),
    ("option_historicals", {"symbol": "SPY261308C00677000"}),
    ("get_crypto_bars", {"symbol": "SPY261208C00677000"}),
    ("get_crypto_trades", {"symbol": "BTC", "cursor": "x" * 513}),
    ("get_crypto_latest_quote", {"symbol": "?"}),
    ("get_crypto_latest_trade", {"symbol": []}),
    ("get_crypto_snapshot", {"symbol": None}),
    ("get_crypto_latest_orderbook", {"symbol": "A/B"}),
]


async def test_arguments_out_of_bounds_are_refused_by_name(desk: Desk) -> None:
    async with desk.client() as client:
        for tool, arguments in WRONG:
            told = await client.refusal(tool, **arguments)
            assert told.startswith("[bad_argument] "), (tool, told)
            assert list(arguments)[-1] in told, told
            assert ". Next: correct the " in told


async def test_contracts_are_todays_unless_another_expiry_is_named(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        rows = await walked(client, "get_option_contracts", "contracts", limit=100)
        theirs = exchange.get(
            "/v2/options/contracts",
            underlying_symbols="SPY",
            expiration_date="2026-12-08",
            limit=10_000,
        )["option_contracts"]
        assert [row["symbol"] for row in rows] == [one["symbol"] for one in theirs]
        assert [row["open_interest"] for row in rows] == [int(c["open_interest"]) for c in theirs]
        some = await client.ask(
            "get_option_contracts",
            underlying_symbol="spy",
            type="put",
            expiration_date="2026-12-09",
            strike_price_gte="676",
            strike_price_lte=677.5,
        )
        assert [(row["strike"], row["type"], row["expiry"]) for row in some["contracts"]] == [
            ("676.00", "put", "2026-12-09"),
            ("677.00", "put", "2026-12-09"),
        ]
        none = await client.ask("get_option_contracts", expiration_date="2026-12-12")
        assert none["contracts"] == []
        assert "no such contracts" in none["reason"]
        told = await client.refusal("get_option_contracts", expiration_date_lte="2026-12-07")
        assert told.startswith("[bad_argument] the last expiry 2026-12-07 lies before")


async def test_a_chain_has_the_brokers_greeks_but_on_expiry_day(
    desk: Desk, exchange: Exchange
) -> None:
    near = {"strike_price_gte": 670, "strike_price_lte": 684, "limit": 7}
    async with desk.client() as client:
        await client.ready()
        rows = await walked(
            client, "get_option_chain", "options", expiration_date="2026-12-09", **near
        )
        assert len({row["symbol"] for row in rows}) == len(rows) == 30
        call = next(row for row in rows if row["symbol"] == TOMORROWS)
        theirs = exchange.get("/v1beta1/options/snapshots", symbols=TOMORROWS)["snapshots"]
        told = theirs[TOMORROWS]
        assert dec(call["bid"]) == dec(told["latestQuote"]["bp"])
        assert (call["delta"], call["iv"]) == (told["greeks"]["delta"], told["impliedVolatility"])
        today = await client.ask("get_option_chain", **near)
        assert all(row["bid"] and row["delta"] is None for row in today["options"])


async def test_quotes_and_the_past_of_options_are_the_exchanges(
    desk: Desk, exchange: Exchange
) -> None:
    day = {"start": "2026-12-08T09:30", "end": "2026-12-08T10:05"}
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask("get_option_latest_quote", symbol=f"{AT_THE_MONEY},{TOMORROWS}")
        told = exchange.get("/v1beta1/options/quotes/latest", symbols=AT_THE_MONEY)["quotes"]
        mine = {row["symbol"]: row for row in shown["quotes"]}
        assert set(mine) == {AT_THE_MONEY, TOMORROWS}
        assert dec(mine[AT_THE_MONEY]["ask"]) == dec(told[AT_THE_MONEY]["ap"])
        assert shown["source"] == "indicative"

        trades = await walked(
            client, "get_option_trades", "trades", symbol=AT_THE_MONEY, limit=10, **day
        )
        theirs = exchange.get(
            "/v1beta1/options/trades", symbols=AT_THE_MONEY, limit=10_000, start="2026-12-08"
        )["trades"][AT_THE_MONEY]
        assert [dec(row["price"]) for row in trades] == [dec(one["p"]) for one in theirs]
        last = await client.ask("get_option_latest_trade", symbol=AT_THE_MONEY)
        assert last["trades"] == trades[-1:]

        bars = await walked(
            client, "option_historicals", "bars", symbol=AT_THE_MONEY, timeframe="5Min",
            limit=3, **day,
        )  # fmt: skip
        assert sum(dec(row["volume"]) for row in bars) == sum(dec(one["s"]) for one in theirs)


async def test_coins_trade_and_are_told(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        rows = await walked(
            client, "get_crypto_bars", "bars", symbol="BTC/USD", timeframe="1Hour", limit=10,
            start="2026-12-06", end="2026-12-06",
        )  # fmt: skip
        assert len(rows) == 24
        told = exchange.get("/v1beta3/crypto/us/snapshots", symbols="BTC/USD")["snapshots"]
        [row] = (await client.ask("get_crypto_snapshot", symbol="BTC/USD"))["snapshots"]
        assert bar_of(row["day_bar"]) == bar_at(told["BTC/USD"]["dailyBar"])
        assert dec(row["quote"]["bid"]) == dec(told["BTC/USD"]["latestQuote"]["bp"])
        last = await client.ask("get_crypto_latest_trade", symbol="BTC")
        assert [row["trade"]] == last["trades"]
        assert last["source"] == "alpaca crypto us"
