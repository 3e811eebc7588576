"""Writers who speak REST to the exchange and remember to the letter what it promised them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.crash.gate import Gate

ANSWER_SECONDS = 20.0
RESTING = ("GOOG", "AMZN", "META")
TRADED = ("AAPL", "MSFT", "NVDA")

Json = dict[str, Any]


class Unclear(Exception):
    """The request left, wholly or in part, and no answer came."""


class Unsent(Exception):
    """Nobody listens: not a byte left."""


class Link:
    """A kept-alive connection to one address; made anew after every failure."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        lines = [f"Host: {parts.netloc}", *(f"{name}: {text}" for name, text in headers.items())]
        self._head = "\r\n".join(lines)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Any]:
        """Return status and JSON; raise Unsent or Unclear."""
        reader, writer = await self._connected()
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}\r\nContent-Length: {len(data)}\r\n\r\n"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(head.encode() + data)
                await writer.drain()
                return await _answer(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as e:
            self.drop()
            raise Unclear(repr(e)) from e

    def drop(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.drop()
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection(self._host, self._port)
            except OSError as e:
                raise Unsent(str(e)) from e
        return self._streams


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    text = await reader.readexactly(int(fields.get("content-length", 0)))
    return int(head[0].split(" ")[1]), json.loads(text) if text else None


class Told(StrEnum):
    """What the exchange said of a request."""

    UNCLEAR = "unclear"  # nothing, so far
    YES = "yes"
    NO = "no"
    UNSENT = "unsent"


@dataclass
class Sent:
    """One order of ours: what we asked, what we were told, and what was seen of it since."""

    body: Json
    submitted: Told = Told.UNCLEAR
    canceled: Told = Told.UNSENT
    order: Json | None = None  # as last shown to us
    tries: int = 0  # submissions that left, or may have
    refusal: str = ""

    @property
    def client_order_id(self) -> str:
        """The id that we gave it."""
        return str(self.body["client_order_id"])


@dataclass
class RestWriter:
    """Submits and cancels, and remembers; what was unclear it may send again, the same."""

    name: str
    account: int
    link: Link
    gate: Gate
    random: Random
    option: str  # a listed contract to trade
    sent: list[Sent] = field(default_factory=list)

    async def run(self) -> None:
        """Work for ever, a turn at a time."""
        while True:
            async with self.gate.turn():
                try:
                    await self._turn()
                except Unsent:
                    await asyncio.sleep(0.05)
                except Unclear:
                    pass
            await asyncio.sleep(self.random.uniform(0.0, 0.01))

    async def _turn(self) -> None:
        resting = [s for s in self.sent[-20:] if s.submitted is Told.YES and _rests(s)]
        if resting and self.random.random() < 0.35:
            return await self._cancel(self.random.choice(resting))
        fresh = Sent(self._body())
        self.sent.append(fresh)
        return await self.submit(fresh)

    async def submit(self, sent: Sent) -> None:
        """Send it, perhaps once more: the id makes that safe, and must."""
        again = sent.tries > 0
        sent.tries += 1
        try:
            status, told = await self.link.ask("POST", "/v2/orders", sent.body)
        except Unsent:
            sent.tries -= 1
            if not sent.tries:
                sent.submitted = Told.UNSENT
            raise
        if status == 200:
            sent.submitted, sent.order = Told.YES, told
        elif status < 500:
            sent.refusal = str(told["message"])
            # Refused the second time, it may have been taken the first.
            sent.order = await find(self.link, sent.client_order_id) if again else None
            sent.submitted = Told.NO if sent.order is None else Told.YES

    async def _cancel(self, sent: Sent) -> None:
        order = sent.order or {}
        sent.canceled = Told.UNCLEAR
        try:
            status, _ = await self.link.ask("DELETE", f"/v2/orders/{order['id']}")
        except Unsent:
            sent.canceled = Told.UNSENT
            raise
        if status < 500:
            sent.canceled = Told.YES if status == 204 else Told.NO

    def _body(self) -> Json:
        """Return a new order: resting far away, crossing the spread, an option or a spread."""
        body: Json = {
            "client_order_id": f"{self.name}-{len(self.sent)}",
            "qty": str(self.random.randint(1, 3)),
            "side": "buy",
            "time_in_force": "day",
            "type": "limit",
        }
        kind = self.random.random()
        if kind < 0.5 or self.name.startswith("guest"):
            symbol, price = self.random.choice(RESTING), self.random.randint(100, 500)
            return body | {"symbol": symbol, "limit_price": f"{price / 100:.2f}"}
        if kind < 0.85:
            side = self.random.choice(("buy", "buy", "sell"))
            symbol = self.random.choice(TRADED)
            return body | {"symbol": symbol, "side": side, "type": "market"}
        return body | {"symbol": self.option, "limit_price": "25.00"}


async def find(link: Link, client_order_id: str) -> Json | None:
    """Ask for an order by its client's id; None when there is none."""
    path = f"/v2/orders:by_client_order_id?client_order_id={client_order_id}"
    status, told = await link.ask("GET", path)
    if status not in (200, 404):
        raise Unclear(f"{status} {told}")
    return dict(told) if status == 200 else None


def _rests(sent: Sent) -> bool:
    return sent.body["symbol"] in RESTING and sent.canceled in (Told.UNSENT, Told.UNCLEAR)
