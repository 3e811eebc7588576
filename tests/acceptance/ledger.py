"""Every order at the exchange held against the audit log, and against what a test was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from services.execution.records import root_of
from services.ops.chain import files, kept_head, verify
from tests.desk import Desk
from tests.exchange import Exchange

SHARES = 100


class Ledger:
    """One account's orders, and what gave rise to each. sent: what confirmations were told."""

    def __init__(
        self, exchange: Exchange, desk: Desk, contracts_max: int, trade_risk_max: int
    ) -> None:
        self._exchange = exchange
        self._desk = desk
        self._contracts_max = contracts_max
        self._trade_risk_max = trade_risk_max
        self._orders: dict[str, dict[str, Any]] = {}
        self.sent: list[str] = []
        self.killed = False

    def read(self) -> None:
        """Take the newest orders down; often enough, none is missed."""
        found = {order["id"]: order for order in self._exchange.orders()}
        assert len(found) < 500 or self._orders.keys() & found.keys(), "too many orders at once"
        self._orders |= found

    def settle(self) -> int:
        """Check every order, and return how many opened a position."""
        self.read()
        records = list(self._records())
        intents = {r["facts"]["client_order_id"]: r for r in records if r["kind"] == "intent"}
        opening = {}
        for order in self._orders.values():
            name = root_of(order["client_order_id"])
            assert name in intents, f"no intent was written down for {order}"
            if any(intent.endswith("to_open") for intent in _legs(order).values()):
                opening[name] = order
        # One preview each, agreed to once, shown before; and no more than it said.
        behind = [intents[name]["facts"]["preview"] for name in opening]
        assert len(set(behind)) == len(behind), "two orders of one preview"
        for name, order in opening.items():
            self._check(order, intents[name], records)
        # Nothing that was not confirmed, and everything that was.
        assert sorted(opening) == sorted(self.sent)
        return len(opening)

    def _check(
        self, order: dict[str, Any], intent: dict[str, Any], records: list[dict[str, Any]]
    ) -> None:
        name = intent["facts"]["preview"]
        of_it = [r for r in records if r["facts"].get("preview") == name and r is not intent]
        [preview] = [r for r in of_it if r["kind"] == "preview"]
        # A check that may pass later leaves a token good: it may have been agreed to before.
        approval, *later = [r for r in of_it if r["kind"] == "approval"]
        for one in (approval, *later):
            assert one["facts"]["approved"]
            assert preview["who"] == one["who"] == intent["who"]
        assert preview["seq"] < approval["seq"] < intent["seq"]
        shown = preview["facts"]
        assert _legs(order) == {symbol: way for symbol, way, _ in shown["legs"]}
        assert Decimal(order["qty"]) <= shown["qty"] <= self._contracts_max
        assert Decimal(order["limit_price"]) <= Decimal(shown["limit"])
        assert Decimal(shown["max_loss"]) <= self._trade_risk_max

    def _records(self) -> Iterator[dict[str, Any]]:
        [folder] = self._desk.folder.glob("*/audit")
        head = kept_head(folder)
        assert head is not None
        verdict = verify(files(folder), {"the head file": head})
        assert verdict.ok, verdict.faults
        for path in files(folder):
            for line in path.read_bytes().splitlines():
                yield json.loads(line)


def _legs(order: dict[str, Any]) -> dict[str, str]:
    """Return each symbol of an order with its position intent."""
    legs = order["legs"] or [order]
    return {leg["symbol"]: leg["position_intent"] for leg in legs}
