"""Ask every operation of Alpaca's OpenAPI documents of an exchange; check what it answers.

Run by the interpreter of .venv-peer, where the documents are: validate.py URL KEY SECRET.
Prints one JSON line an operation: operation, status, and what is wrong with the answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
DAY = {"start": "2026-11-20T14:30:00Z", "end": "2026-11-20T15:00:00Z"}
NOBODY = "6f0c2b1e-8d3c-4f0e-9a51-2f6c0f4f7a10"


def documents() -> dict[str, Json]:
    """Return Alpaca's own documents by name, from the package they ship in.

    Where the documents say "exactly one of these shapes" the shapes overlap (a fill is also
    a valid non-trade activity), so that it can only have been meant as "any of".
    """
    package = find_spec("alpaca_mcp_server")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "specs"
    texts = {name: (folder / f"{name}-api.json").read_text() for name in ("trading", "market-data")}
    return {name: json.loads(text.replace('"oneOf"', '"anyOf"')) for name, text in texts.items()}


@dataclass(frozen=True)
class Operation:
    """One operation of a document."""

    document: str
    id: str
    method: str
    path: str
    responses: Json


@dataclass
class Ask:
    """What an operation is asked: parts of its path, its query, its body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: object = None


class Exchange:
    """The exchange, spoken to over plain HTTP."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._url = url
        self._headers = {
            "APCA-API-KEY-ID": key,
            "APCA-API-SECRET-KEY": secret,
            "Content-Type": "application/json",
        }

    def send(self, method: str, path: str, ask: Ask) -> tuple[int, Any]:
        """Return the status and the body, None when there is none."""
        for name, value in ask.path.items():
            path = path.replace("{" + name + "}", quote(value, safe=""))
        target = self._url + path + ("?" + urlencode(ask.query) if ask.query else "")
        data = None if ask.body is None else json.dumps(ask.body).encode()
        request = Request(target, data, self._headers, method=method.upper())
        try:
            with urlopen(request, timeout=30) as answer:
                status, text = answer.status, answer.read()
        except HTTPError as e:
            status, text = e.code, e.read()
        return status, json.loads(text) if text else None

    def get(self, path: str, **query: object) -> Any:
        """Return the body of a GET."""
        return self.send("get", path, Ask(query=query))[1]

    def post(self, path: str, body: object) -> Any:
        """Return the body of a POST."""
        return self.send("post", path, Ask(body=body))[1]


class Documents:
    """The documents as schemas."""

    def __init__(self, found: dict[str, Json]) -> None:
        self._found = found
        self._registry: Registry[Any] = Registry().with_resources(
            (f"urn:{name}", DRAFT202012.create_resource(body)) for name, body in found.items()
        )

    def operations(self) -> Iterator[Operation]:
        """Yield every operation."""
        for name, body in self._found.items():
            for path, item in body["paths"].items():
                for method in METHODS:
                    if method in item:
                        found = item[method]
                        yield Operation(
                            name, found["operationId"], method, path, found["responses"]
                        )

    def complaint(self, operation: Operation, status: int, body: Any) -> str | None:
        """Return what is wrong with an answer, None when its schema admits it."""
        response = operation.responses.get(str(status))
        if response is None:
            return f"{status} is not among the documented {', '.join(operation.responses)}"
        pointer = f"/paths/{_escaped(operation.path)}/{operation.method}/responses/{status}"
        while "$ref" in response:
            pointer = response["$ref"].removeprefix("#")
            response = self._at(operation.document, pointer)
        content = response.get("content", {})
        if "application/json" not in content:
            return None
        where = f"urn:{operation.document}#{pointer}/content/application~1json/schema"
        validator = Draft202012Validator(
            {"$ref": where},
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for error in validator.iter_errors(body):
            return f"{error.json_path}: {error.message:.160}"
        return None

    def _at(self, document: str, pointer: str) -> Json:
        found: Any = self._found[document]
        for part in pointer.strip("/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        assert isinstance(found, dict)
        return found


def _escaped(path: str) -> str:
    return quote(path.replace("~", "~0").replace("/", "~1"), safe="~:")


def prepared(exchange: Exchange) -> dict[str, Ask]:
    """Trade a little, so that nothing is empty; return what each operation is asked."""
    contracts = exchange.get("/v2/options/contracts", underlying_symbols="SPY", limit=500)
    spot = exchange.get("/v2/stocks/SPY/trades/latest")["trade"]["p"]
    listed = contracts["option_contracts"]
    option = min(listed, key=lambda one: abs(float(one["strike_price"]) - spot))["symbol"]
    market = {"type": "market", "time_in_force": "day", "side": "buy"}
    for symbol, qty in (("SPY", "3"), ("AAPL", "2"), (option, "1")):
        exchange.post("/v2/orders", {"symbol": symbol, "qty": qty, **market})
    coins = {"symbol": "BTC/USD", "qty": "0.01", **market, "time_in_force": "gtc"}
    exchange.post("/v2/orders", coins)
    resting = [
        exchange.post(
            "/v2/orders",
            {"symbol": "MSFT", "qty": "1", "side": "buy", "type": "limit",
             "time_in_force": "day", "limit_price": f"{100 + n}.00"},
        )
        for n in range(4)
    ]  # fmt: skip
    lists = [exchange.post("/v2/watchlists", {"name": f"list {n}"}) for n in range(4)]
    return {
        **_trading(resting, lists, option),
        **_watchlists(lists),
        **_stocks(),
        **_others(option),
    }


def _trading(resting: list[Json], lists: list[Json], option: str) -> dict[str, Ask]:
    order = {"symbol": "QQQ", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day"}
    return {
        "getAccountActivitiesByActivityType": Ask({"activity_type": "FILL"}),
        "patchAccountConfig": Ask(body={"trade_confirm_email": "none"}),
        "getAccountPortfolioHistory": Ask(query={"period": "1D", "timeframe": "5Min"}),
        "get-v2-assets-symbol_or_asset_id": Ask({"symbol_or_asset_id": "BTC/USD"}),
        "LegacyCalendar": Ask(query={"start": "2026-11-20", "end": "2026-11-30"}),
        "Calendar": Ask({"market": "NYSE"}),
        "get-v2-corporate_actions-announcements": Ask(
            query={"ca_types": "Dividend", "since": "2026-11-01", "until": "2026-11-20"}
        ),
        "get-v2-corporate_actions-announcements-id": Ask({"id": NOBODY}),
        "get-options-contracts": Ask(query={"underlying_symbols": "SPY", "limit": 5}),
        "get-option-contract-symbol_or_id": Ask({"symbol_or_id": option}),
        "postOrder": Ask(body={**order, "limit_price": "10"}),
        "getAllOrders": Ask(query={"status": "all", "nested": "true"}),
        "getOrderByOrderID": Ask({"order_id": resting[0]["id"]}),
        "getOrderByClientOrderId": Ask(
            query={"client_order_id": resting[0]["client_order_id"]}
        ),
        "patchOrderByOrderId": Ask({"order_id": resting[1]["id"]}, body={"limit_price": "99"}),
        "deleteOrderByOrderID": Ask({"order_id": resting[2]["id"]}),
        "getOpenPosition": Ask({"symbol_or_asset_id": "SPY"}),
        "deleteOpenPosition": Ask({"symbol_or_asset_id": "SPY"}, {"qty": "1"}),
        "optionDoNotExercise": Ask({"symbol_or_contract_id": option}),
        "optionExercise": Ask({"symbol_or_contract_id": option}),
        "createLocates": Ask(body={"symbol": "SPY", "qty": 100}),
        "getLocate": Ask({"locate_id": NOBODY}),
        "listLocateQuotes": Ask(query={"symbols": "SPY,XYZ"}),
    }  # fmt: skip


def _watchlists(lists: list[Json]) -> dict[str, Ask]:
    first, second, third = ({"watchlist_id": one["id"]} for one in lists[:3])
    named = {"name": "list 3"}
    return {
        "postWatchlist": Ask(body={"name": "new", "symbols": ["SPY", "BTC/USD"]}),
        "getWatchlistById": Ask(first),
        "updateWatchlistById": Ask(first, body={"name": "renamed"}),
        "addAssetToWatchlist": Ask(second, body={"symbol": "SPY"}),
        "removeAssetFromWatchlist": Ask({**second, "symbol": "SPY"}),
        "deleteWatchlistById": Ask(third),
        "getWatchlistByName": Ask(query=named),
        "updateWatchlistByName": Ask(query=named, body={"name": "list 3", "symbols": ["AAPL"]}),
        "addAssetToWatchlistByName": Ask(query=named, body={"symbol": "SPY"}),
        "deleteWatchlistByName": Ask(query=named),
    }


def _stocks() -> dict[str, Ask]:
    one, both = {"symbol": "SPY"}, {"symbols": "SPY,AAPL"}
    found: dict[str, Ask] = {}
    for kind in ("Bar", "Quote", "Trade"):
        more = {**DAY, "limit": 50, **({"timeframe": "5Min"} if kind == "Bar" else {})}
        found[f"Stock{kind}s"] = Ask(query=both | more)
        found[f"Stock{kind}Single"] = Ask(one, more)
        found[f"StockLatest{kind}s"] = Ask(query=both)
        found[f"StockLatest{kind}Single"] = Ask(one)
        coins = {"symbols": "BTC/USD"}
        found[f"Crypto{kind}s"] = Ask({"loc": "us"}, coins | more)
        found[f"CryptoLatest{kind}s"] = Ask({"loc": "us"}, coins)
    return found | {
        "StockSnapshots": Ask(query=both),
        "StockSnapshotSingle": Ask(one),
        "StockAuctions": Ask(query=both | {"start": "2026-11-18"}),
        "StockAuctionSingle": Ask(one, {"start": "2026-11-18"}),
        "StockMetaConditions": Ask({"ticktype": "trade"}, {"tape": "B"}),
        "CryptoSnapshots": Ask({"loc": "us"}, {"symbols": "BTC/USD"}),
        "CryptoLatestOrderbooks": Ask({"loc": "us"}, {"symbols": "BTC/USD"}),
    }


def _others(option: str) -> dict[str, Ask]:
    one = {"symbols": option}
    return {
        "optionBars": Ask(query=one | DAY | {"timeframe": "1Min"}),
        "OptionTrades": Ask(query=one | DAY),
        "OptionLatestQuotes": Ask(query=one),
        "OptionLatestTrades": Ask(query=one),
        "OptionSnapshots": Ask(query=one),
        "OptionChain": Ask({"underlying_symbol": "SPY"}, {"limit": 200}),
        "OptionMetaConditions": Ask({"ticktype": "quote"}),
        "Movers": Ask({"market_type": "stocks"}),
        "FixedIncomeLatestPrices": Ask(query={"isins": "US912810SK51"}),
        "FixedIncomeLatestQuotes": Ask(query={"isins": "US912810SK51"}),
        "LatestRates": Ask(query={"currency_pairs": "USDJPY"}),
        "Rates": Ask(query={"currency_pairs": "USDJPY"}),
        "Logos": Ask({"symbol": "SPY"}),
    }


LAST = ("deleteAllOrders", "deleteAllOpenPositions")  # nothing is left to ask about after them


def main(arguments: list[str]) -> None:
    """Ask everything, and print what came of it."""
    exchange = Exchange(*arguments)
    found = Documents(documents())
    asks = prepared(exchange)
    for operation in sorted(found.operations(), key=lambda one: one.id in LAST):
        if operation.id.endswith("SSE"):
            continue  # an endless stream
        ask = asks.get(operation.id, Ask())
        status, body = exchange.send(operation.method, operation.path, ask)
        wrong = found.complaint(operation, status, body)
        line = {"operation": operation.id, "status": status, "wrong": wrong, "body": body}
        print(json.dumps(line | {"body": json.dumps(body)[:300]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
