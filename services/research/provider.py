"""Asking Financial Modeling Prep: in bounded time, seldom, and typed.

The key goes in a header and never in an address, so that no log of addresses gives it away.
Answers are kept for some minutes: a model asks the same thing often, and plans count requests.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from common.clock import WallClock
from services.ops.limiter import Lane, TokenBucket
from services.research.errors import (
    NotConfigured,
    ProviderLimited,
    ProviderRefused,
    ProviderUnavailable,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME: Final = "Financial Modeling Prep"
BODY_MAX: Final = 4_000_000  # bytes
KEPT_MAX: Final = 128  # answers
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPlan:
    """Where to ask, with which key, and how much. keep: how long an answer is told again."""

    url: str
    key: str | None = field(repr=False)
    requests_per_minute: int
    timeout: timedelta = timedelta(seconds=8)
    keep: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Generic[T]):
    """Rows as the provider told them and in its order, and how long ago.

    unreadable: rows that are not as documented; they are left out, never guessed at.
    """

    rows: tuple[T, ...]
    age: timedelta
    unreadable: int = 0


class Provider:
    """One account at the provider."""

    def __init__(self, plan: ProviderPlan, wall: WallClock) -> None:
        self._plan = plan
        self._wall = wall
        self._bucket = TokenBucket(plan.requests_per_minute, wall, reserved=0)
        self._trust: ssl.SSLContext | None = None
        self._kept: OrderedDict[str, tuple[int, Told[Any]]] = OrderedDict()

    async def ask(self, path: str, kind: type[T], **values: object) -> Told[T]:
        """Return the rows at a path, decoded as records of a kind.

        Raises NotConfigured, ProviderRefused, ProviderLimited or ProviderUnavailable.
        """
        asked = {name: str(value) for name, value in sorted(values.items())}
        place = f"{path}?{asked}"
        if (known := self._recent(place)) is not None:
            return known
        body = await self._get(path, asked)
        told = await asyncio.to_thread(_decoded, path, body, kind)
        self._kept[place] = (self._wall.ns(), told)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return told

    def _recent(self, place: str) -> Told[Any] | None:
        if (kept := self._kept.get(place)) is None:
            return None
        age = timedelta(seconds=(self._wall.ns() - kept[0]) / _NS)
        if age <= self._plan.keep:
            return replace(kept[1], age=age)
        del self._kept[place]
        return None

    async def _get(self, path: str, values: Mapping[str, str]) -> bytes:
        key = self._plan.key
        if key is None:
            raise NotConfigured(f"{NAME} needs a key and FMP_API_KEY is empty")
        if (wait := self._bucket.try_take(Lane.READS)) > 0:
            raise ProviderLimited(
                f"{self._plan.requests_per_minute} requests a minute may go to {NAME}; "
                f"the next may go in {wait:.0f} s"
            )
        try:
            async with asyncio.timeout(self._plan.timeout.total_seconds()):
                status, body = await self._fetch(path, values, key)
        except TimeoutError:
            limit = self._plan.timeout.total_seconds()
            raise ProviderUnavailable(f"{NAME} did not answer within {limit:.1f} s") from None
        except httpx2.HTTPError as e:
            raise ProviderUnavailable(f"{NAME} was not reached: {type(e).__name__}") from e
        _require(status, path)
        return body

    async def _fetch(self, path: str, values: Mapping[str, str], key: str) -> tuple[int, bytes]:
        if self._trust is None:  # reading the certificates takes a tenth of a second
            self._trust = await asyncio.to_thread(httpx2.create_ssl_context)
        local = urlsplit(self._plan.url).hostname in LOOPBACK  # where no proxy has any business
        async with (
            httpx2.AsyncClient(timeout=None, trust_env=not local, verify=self._trust) as client,
            client.stream(
                "GET", f"{self._plan.url}/stable/{path}", params=values, headers={"apikey": key}
            ) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > BODY_MAX:
                    raise ProviderUnavailable(f"{NAME}'s answer is longer than {BODY_MAX} bytes")
            return response.status_code, bytes(body)


def _require(status: int, path: str) -> None:
    """Raise what a status means; the provider's own words are a stranger's and stay out."""
    if status == 200:
        return
    if status == 401:
        raise ProviderRefused(f"{NAME} does not accept the key in FMP_API_KEY")
    if status in {402, 403}:
        raise ProviderRefused(f"the plan of FMP_API_KEY does not include {path}")
    if status == 429:
        raise ProviderLimited(f"{NAME} says that the requests of this key's plan are used up")
    raise ProviderUnavailable(f"{NAME} answered {path} with status {status}")


def _decoded(path: str, body: bytes, kind: type[T]) -> Told[T]:
    """Return the rows that can be read; raise ProviderUnavailable where none of them can."""
    rows: list[T] = []
    wrong: list[msgspec.DecodeError] = []
    try:
        for row in msgspec.json.decode(body, type=list[msgspec.Raw]):
            try:
                rows.append(msgspec.json.decode(row, type=kind))
            except msgspec.DecodeError as e:
                wrong.append(e)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProviderUnavailable(f"{NAME}'s answer to {path} is no list of rows") from None
    if wrong and not rows:
        at = str(wrong[0]).rpartition(" - at ")[2] or "a row"
        raise ProviderUnavailable(f"no row of {NAME}'s answer to {path} can be read ({at:.80})")
    if wrong:
        log.warning("%d rows of %s cannot be read", len(wrong), path)
    return Told(rows=tuple(rows), age=timedelta(0), unreadable=len(wrong))
