"""The whole way on a real Alpaca paper account: preview, confirm, fill, journal, flat.

Run by "make test-paper" with ALPACA_API_KEY and ALPACA_SECRET_KEY of a paper account in the
environment or in .env. It trades one contract of the narrowest condor and leaves the account flat.
It says SKIPPED where it cannot run now, REFUSED where it must not, PASSED or FAILED otherwise.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from common.config import Mode, Settings, load_settings
from common.errors import TradingError, told
from services.broker.access import PAPER
from services.ops.chain import files, kept_head, verify
from tests.desk import Desk, DeskClient, DeskFailed, text_of

CONDOR = "iron_condor_30_delta"
WIDTH = 1
FILL_SECONDS = 60.0
TRIES = 5
SKIPPED, PASSED, REFUSED, FAILED = 0, 0, 1, 1


class Account:
    """The account as the broker itself tells it, past everything that is tested here."""

    def __init__(self, settings: Settings) -> None:
        assert settings.alpaca_api_key is not None
        assert settings.alpaca_secret_key is not None
        self.key = settings.alpaca_api_key.get_secret_value()
        self.secret = settings.alpaca_secret_key.get_secret_value()
        self._root = settings.alpaca_base_url or PAPER

    def get(self, path: str) -> Any:
        """Return the body of a GET."""
        headers = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}
        reply = httpx2.get(f"{self._root}{path}", headers=headers, timeout=20)
        reply.raise_for_status()
        return reply.json()

    def left(self) -> list[str]:
        """Return what is held or works."""
        held = [f"{one['qty']} {one['symbol']}" for one in self.get("/v2/positions")]
        return held + [
            f"order {one['id']}" for one in self.get("/v2/orders?status=open&nested=true")
        ]


def main() -> int:
    """Run it and return the exit code."""
    try:
        settings = load_settings()
    except TradingError as e:
        return _said("REFUSED", told(e), REFUSED)
    if settings.mode is Mode.LIVE:
        return _said("REFUSED", "the live switches are set; this is for a paper account", REFUSED)
    if settings.mode is Mode.PAPER_LOCAL:
        keys = "ALPACA_API_KEY and ALPACA_SECRET_KEY of a paper account are not set"
        return _said("SKIPPED", f"{keys}; nothing was run", SKIPPED)
    account = Account(settings)
    try:
        clock = account.get("/v2/clock")
        if not clock["is_open"]:
            return _said("SKIPPED", f"the market is closed until {clock['next_open']}", SKIPPED)
        left = account.left()
    except (httpx2.HTTPError, ValueError) as e:
        return _said("FAILED", f"the account cannot be read: {e}", FAILED)
    if left:
        return _said("REFUSED", f"the account is not flat: {', '.join(left)}", REFUSED)
    return _traded(settings, account)


def _traded(settings: Settings, account: Account) -> int:
    """Trade once and verify that the account is flat, whatever happened meanwhile."""
    wanted = {"alpaca_api_key": account.key, "alpaca_secret_key": account.secret}
    if settings.alpaca_base_url is not None:
        wanted["alpaca_base_url"] = settings.alpaca_base_url
    failure = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Desk.start(
                Path(folder) / "state",
                None,
                **wanted,
                broker_requests_per_minute=settings.requests_per_minute,
                option_feed=settings.option_feed,
                quote_age_max=settings.quote_age_max.total_seconds(),
                entry_pricing="adaptive",
            ) as desk:
                asyncio.run(_round_trip(desk))
                _verify(desk)
        except* (DeskFailed, AssertionError, TradingError) as group:
            failure = "; ".join(_causes(group))
    left = account.left()
    if left:
        return _said("FAILED", f"the account is NOT flat: {', '.join(left)}", FAILED)
    _step("the broker shows no position and no open order")
    if failure:
        return _said("FAILED", failure, FAILED)
    return _said("PASSED", "one trade, from its preview to a flat account", PASSED)


async def _round_trip(desk: Desk) -> None:
    async with desk.client() as client:
        health = await client.ready()
        _step(f"the desk is ready, mode {health['mode']}")
        try:
            await _trade(client)
        finally:
            flat = await client.ask("flatten_all")
            for again in range(TRIES):
                if flat["flat"]:
                    break
                _step(f"not flat yet, once more ({again + 1}): {'; '.join(flat['notes'])}")
                flat = await client.ask("flatten_all")
        assert flat["flat"], f"flatten_all: {flat}"
        _step("flatten_all reads flat")
        trade = (await client.ask("trade_journal"))["trades"][-1]
        _step(f"journal: in at {trade['entry']}, out at {trade['exit']}, result {trade['result']}")


async def _trade(client: DeskClient) -> None:
    shown = await client.ask(CONDOR, width=WIDTH)
    preview = shown["preview"]
    _step(f"preview: limit {preview['limit']}, loses at most ${preview['max_loss']}")
    order = await client.confirmed(CONDOR, shown, width=WIDTH)
    ended = await client.ended(order["client_order_id"], FILL_SECONDS)
    assert ended["status"] == "filled", f"the order ended {ended['status']}: {ended['reason']}"
    _step(f"filled at {ended['filled_average']}, slippage {ended['slippage']} a share")
    again = await client.mcp.call_tool(
        CONDOR, {"width": WIDTH, "preview": False, "confirm_token": shown["confirm_token"]}
    )
    assert again.is_error, f"a used token was taken: {text_of(again)}"
    positions = (await client.ask("get_positions"))["positions"]
    assert len(positions) == 4, f"a condor has four legs, not {positions}"
    assert Decimal(preview["max_loss"]) > 0
    pnl = await client.ask("show_pnl")
    _step(f"four legs held, open result {pnl['open']} at exit prices")


def _verify(desk: Desk) -> None:
    [folder] = desk.folder.glob("*/audit")
    head = kept_head(folder)
    assert head is not None, "the audit log has no head"
    verdict = verify(files(folder), {"the head file": head})
    assert verdict.ok, f"audit log: {verdict.faults}"
    _step(f"the audit log is intact, {verdict.records} records")


def _causes(group: BaseExceptionGroup[Any]) -> list[str]:
    """Return what went wrong, out of the task groups that wrapped it."""
    found = []
    for one in group.exceptions:
        found += _causes(one) if isinstance(one, BaseExceptionGroup) else [str(one) or repr(one)]
    return found


def _step(what: str) -> None:
    sys.stdout.write(f"  {what}\n")
    sys.stdout.flush()


def _said(word: str, what: str, code: int) -> int:
    sys.stdout.write(f"{word}: {what}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
