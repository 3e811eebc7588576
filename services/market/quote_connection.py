"""One socket to the option feed: login, subscriptions, and the path from frame to cache.

The hot path awaits nothing and makes no object but the decoded quote; everything rare is
moved out of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from common.clock import WallClock
from services.market.option_chain_cache import OptionChainCache
from services.market.wire import (
    ErrorMessage,
    FrameDecoder,
    Message,
    QuoteMessage,
    SlowFrame,
    SubscriptionMessage,
    SuccessMessage,
    authenticate,
    subscribe,
    unsubscribe,
)

log = logging.getLogger(__name__)

SYMBOL_LIMIT: Final = 405
# The feed's mind will not change by asking again soon: wrong keys, the one connection taken,
# no such subscription or scope, and what only a bug of ours could bring about.
REFUSALS: Final = frozenset({402, 406, 409, 410, 411, 412, 413})
_FRAME_MOST: Final = 10 * 1024 * 1024  # bytes


@dataclass(slots=True)
class Tally:
    """What all connections of a stream have counted together."""

    messages: int = 0
    undecodable: int = 0
    errors: int = 0
    last_message_ns: int | None = None


class QuoteConnection(WSListener):
    """A picows listener that logs in, keeps the subscription and feeds the cache."""

    def __init__(
        self, key: str, secret: str, cache: OptionChainCache, wall: WallClock, tally: Tally
    ) -> None:
        self._login = authenticate(key, secret)
        self._cache = cache
        self._wall = wall
        self._tally = tally
        self._decoder = FrameDecoder()
        self._transport: WSTransport | None = None
        self._partial: bytearray | None = None
        self._partial_type = WSMsgType.BINARY
        self._requested: frozenset[str] = frozenset()
        self.subscribed: frozenset[str] = frozenset()  # as the feed confirmed it
        self.ready = asyncio.Event()  # logged in, or closed
        self.closed = asyncio.Event()
        self.authenticated = False
        self.quoted = False  # whether any quote came
        self.error: ErrorMessage | None = None  # the last one

    @property
    def opened(self) -> bool:
        """Whether there is, or was, a socket."""
        return self._transport is not None

    @property
    def refused(self) -> bool:
        """Whether the feed said a no that asking again will not turn."""
        return self.error is not None and self.error.code in REFUSALS

    def want(self, symbols: frozenset[str]) -> None:
        """Make the subscription these symbols, sending only what differs."""
        if not self.authenticated:
            return
        gone, added = self._requested - symbols, symbols - self._requested
        self._requested = symbols
        # What goes, goes first: both together might exceed the feed's limit.
        if gone:
            self._send(unsubscribe(sorted(gone)))
        if added:
            self._send(subscribe(sorted(added)))

    def close(self, *, graceful: bool = True) -> None:
        """Close the socket."""
        if self._transport is not None and not self._transport.is_disconnected:
            if graceful:
                self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect(graceful)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Note the transport; the feed speaks first."""
        self._transport = transport

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Release whoever waits."""
        self.closed.set()
        self.ready.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Write a frame's quotes into the cache."""
        if frame.msg_type is not WSMsgType.BINARY or not frame.fin:
            self._rare(transport, frame)
            return
        try:
            quotes = self._decoder.fast(frame.get_payload_as_memoryview())
        except msgspec.DecodeError:
            self._slowly(self._decoder.slow(frame.get_payload_as_bytes()))
            return
        self._take(quotes)

    def _take(self, quotes: list[QuoteMessage]) -> None:
        received_ns = self._wall.ns()
        self._cache.apply(quotes, received_ns)
        self._tally.messages += len(quotes)
        self._tally.last_message_ns = received_ns
        self.quoted = True

    def _slowly(self, frame: SlowFrame) -> None:
        if frame.undecodable:
            self._tally.undecodable += frame.undecodable
            log.warning("%d undecodable messages from the option feed", frame.undecodable)
        quotes: list[QuoteMessage] = []
        for message in frame.messages:
            if isinstance(message, QuoteMessage):
                quotes.append(message)
            else:
                self._control(message)
        if quotes:
            self._take(quotes)

    def _control(self, message: Message) -> None:
        match message:
            case SuccessMessage(msg="connected"):
                self._send(self._login)
            case SuccessMessage(msg="authenticated"):
                self.authenticated = True
                self.ready.set()
            case SubscriptionMessage(quotes=quotes):
                self.subscribed = frozenset(quotes)
            case ErrorMessage(code=code, msg=text):
                self._tally.errors += 1
                self.error = message
                log.warning("the option feed says %d %s", code, text)
                if code == SYMBOL_LIMIT:  # the subscription stays as it was
                    self._requested = self.subscribed
                elif self.refused or not self.authenticated:
                    self.close()
            case _:
                pass

    def _rare(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle what is not one whole binary frame: pieces, text, the end."""
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind in {WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CONTINUATION}:
            if kind is not WSMsgType.CONTINUATION:
                self._partial, self._partial_type = bytearray(), kind
            if self._partial is None:
                return
            self._partial += frame.get_payload_as_memoryview()
            if len(self._partial) > _FRAME_MOST:
                transport.disconnect(False)
            elif frame.fin:
                payload, self._partial = bytes(self._partial), None
                whole = self._partial_type is WSMsgType.TEXT
                self._slowly(self._decoder.text(payload) if whole else self._decoder.slow(payload))

    def _send(self, payload: bytes) -> None:
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(WSMsgType.BINARY, payload)


def limit_after_refusal(requested: Collection[str], subscribed: Collection[str]) -> int:
    """Return how many symbols to ask for once the feed found the request too large."""
    return max(len(subscribed), len(requested) // 2, 1)
