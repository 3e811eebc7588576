"""What the doctor finds at the broker, or at the exchange which stands in for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from common.clock import Clock, Stopwatch, WallClock
from common.config import Mode, Settings
from common.session import new_york_text
from services.broker.access import AlpacaAccess, is_loopback
from serving.doctor_local import Finding, fail, ok, warn
from serving.sibling import SiblingExchange
from serving.state import StateFolder

TIMEOUT = 8.0
SLOW = timedelta(seconds=1)
CLOCK_OFF_MAX = timedelta(seconds=2)


async def broker_findings(
    settings: Settings, folder: StateFolder, wall: WallClock, clock: Clock
) -> list[Finding]:
    """Ask the broker who we are, what time it is and for an option quote."""
    access = await _access(settings, folder, wall)
    if access is None:
        return [ok("exchange", "not running; the daemon starts it")]
    headers = {"APCA-API-KEY-ID": access.key, "APCA-API-SECRET-KEY": access.secret}
    trust = not is_loopback(access.trading_root)  # a proxy is for what is not on this machine
    async with httpx2.AsyncClient(headers=headers, timeout=TIMEOUT, trust_env=trust) as client:
        visit = _Visit(client, access, wall)
        account = await visit.account()
        if account.level.value == "FAIL":
            return [account]
        demo = settings.mode is Mode.PAPER_LOCAL and settings.exchange.clock != "real"
        return [account, await visit.clock(clock, demo=demo), await visit.option_feed()]


async def _access(settings: Settings, folder: StateFolder, wall: WallClock) -> AlpacaAccess | None:
    if settings.alpaca_api_key is not None and settings.alpaca_secret_key is not None:
        return AlpacaAccess(
            key=settings.alpaca_api_key.get_secret_value(),
            secret=settings.alpaca_secret_key.get_secret_value(),
            base_url=settings.alpaca_base_url,
            option_feed=settings.option_feed,
        )
    found = await SiblingExchange(folder.exchange, settings.exchange, wall).find()
    if found is None:
        return None
    return AlpacaAccess(
        key=found.key, secret=found.secret, base_url=found.url, option_feed=settings.option_feed
    )


class _Visit:
    """A few questions to one broker."""

    def __init__(self, client: httpx2.AsyncClient, access: AlpacaAccess, wall: WallClock) -> None:
        self._client = client
        self._access = access
        self._wall = wall

    async def account(self) -> Finding:
        """Tell whether the broker answers, knows the keys and lets us trade options."""
        watch = Stopwatch(self._wall)
        where = self._access.trading_root
        try:
            answer = await self._client.get(f"{where}/v2/account")
        except httpx2.HTTPError as e:
            remedy = "check the network, a proxy, and ALPACA_BASE_URL"
            return fail(
                "broker", f"{where} does not answer ({str(e) or type(e).__name__}). Next: {remedy}."
            )
        if answer.status_code in (401, 403):
            remedy = "check that both keys are of this account and environment"
            return fail("broker", f"{where} refuses the keys. Next: {remedy}.")
        body = _json(answer)
        if answer.status_code != 200 or body is None:
            return fail("broker", f"{where} answers {answer.status_code}. Next: try again later.")
        took = watch.elapsed()
        text = f"{where} answers in {took / timedelta(milliseconds=1):.0f} ms, keys accepted"
        if body.get("trading_blocked") or body.get("account_blocked"):
            return fail("broker", f"{text}, but the account is blocked. Next: ask the broker.")
        if int(body.get("options_trading_level") or 0) < 3:
            text += f"; options level {body.get('options_trading_level')}, spreads need 3"
            return warn("broker", f"{text}. Next: raise it in the broker's settings.")
        return (
            ok("broker", text) if took < SLOW else warn("broker", f"{text}. Next: expect delays.")
        )

    async def clock(self, clock: Clock, *, demo: bool) -> Finding:
        """Compare the broker's time with this machine's; a demo clock is its own."""
        body = await self._get(f"{self._access.trading_root}/v2/clock")
        if body is None:
            return fail("clock", "the broker's clock cannot be read. Next: run doctor again.")
        at = datetime.fromisoformat(body["timestamp"]).astimezone(UTC)
        state = f"{new_york_text(at)}, market {'open' if body['is_open'] else 'closed'}"
        if demo:
            return ok("clock", f"{state} (the exchange's own clock)")
        off = abs(clock.now() - at)
        if off > CLOCK_OFF_MAX:
            text = f"{state}; this machine is {off.total_seconds():.1f} s off"
            return warn("clock", f"{text}. Next: turn on time synchronisation.")
        return ok("clock", state)

    async def option_feed(self) -> Finding:
        """Ask for one option snapshot of the configured feed."""
        feed = self._access.option_feed
        url = f"{self._access.data_root}/v1beta1/options/snapshots/SPY"
        body = await self._get(url, feed=feed, limit=1)
        if body is None:
            remedy = "set OPTION_FEED=indicative, or subscribe to opra with the broker"
            return fail("feed", f"no {feed} option quotes. Next: {remedy}.")
        if not body.get("snapshots"):
            return warn("feed", f"{feed} answers, without a SPY option. Next: look again later.")
        return ok("feed", f"{feed} option quotes arrive")

    async def _get(self, url: str, **query: Any) -> dict[str, Any] | None:
        try:
            answer = await self._client.get(url, params=query)
        except httpx2.HTTPError:
            return None
        return _json(answer) if answer.status_code == 200 else None


def _json(answer: httpx2.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
