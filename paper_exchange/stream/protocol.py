"""The conversation of a market data stream, without a socket: messages in, messages out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from common.contracts import AssetClass, asset_class
from common.ids import AccountId
from paper_exchange.stream.plan import MIRRORED, Feed

Message: TypeAlias = Mapping[str, Any]

CONNECTED: Mapping[str, Any] = {"T": "success", "msg": "connected"}
AUTHENTICATED: Mapping[str, Any] = {"T": "success", "msg": "authenticated"}

_MESSAGES: Mapping[int, str] = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    412: "option messages are only available in MsgPack format",
    413: "star subscription is not allowed for option quotes",
}
_SYMBOL_LENGTH_MAX = 32


class StreamError(Exception):
    """A refusal of the stream; fatal ones are followed by closing the socket."""

    def __init__(self, code: int, *, fatal: bool = False) -> None:
        super().__init__(_MESSAGES[code])
        self.code = code
        self.fatal = fatal

    @property
    def message(self) -> Message:
        """The message a client gets."""
        return {"T": "error", "code": self.code, "msg": str(self)}


class Conversation:
    """What one connection has said so far: who it is and what it wants.

    admit names the account of a key and secret and takes its place on the feed, or
    raises StreamError.
    """

    def __init__(self, feed: Feed, admit: Callable[[str, str], AccountId]) -> None:
        self._feed = feed
        self._admit = admit
        self.account: AccountId | None = None
        self.wanted: dict[str, frozenset[str]] = {name: frozenset() for name in feed.channels}

    def hear(self, message: Any) -> Message:
        """Return the answer to one message; raise StreamError."""
        action = message.get("action") if isinstance(message, dict) else None
        if action == "auth":
            return self.authenticate(message.get("key"), message.get("secret"))
        if action not in ("subscribe", "unsubscribe"):
            raise StreamError(400)
        if self.account is None:
            raise StreamError(401)
        change = {name: self._symbols(name, message[name]) for name in self._named(message)}
        after = dict(self.wanted)
        for name, symbols in change.items():
            before = after[name]
            after[name] = before | symbols if action == "subscribe" else before - symbols
        for mirror, of in MIRRORED.items():
            if mirror in after:
                after[mirror] = after[of]
        self._check_limit(after)
        self.wanted = after
        return self._subscription()

    def authenticate(self, key: object, secret: object) -> Message:
        """Let the connection in; raise StreamError."""
        if self.account is not None:
            raise StreamError(403)
        if not isinstance(key, str) or not isinstance(secret, str):
            raise StreamError(402, fatal=True)
        self.account = self._admit(key, secret)
        return AUTHENTICATED

    def _named(self, message: Message) -> list[str]:
        """Return the channels a message names; the feed's own and no others."""
        for name in message:
            if name != "action" and message[name] and name not in self._feed.channels:
                raise StreamError(410 if isinstance(message[name], list) else 400)
        return [name for name in self._feed.channels if name in message and name not in MIRRORED]

    def _symbols(self, channel: str, symbols: Any) -> frozenset[str]:
        if not isinstance(symbols, list):
            raise StreamError(400)
        if self._feed.options and "*" in symbols:
            raise StreamError(413 if channel == "quotes" else 405)  # no tape of 10,000 contracts
        for symbol in symbols:
            if not isinstance(symbol, str) or not self._known(symbol):
                raise StreamError(400)
        return frozenset(symbols)

    def _known(self, symbol: str) -> bool:
        if symbol == "*":
            return True
        if len(symbol) > _SYMBOL_LENGTH_MAX:
            return False
        try:
            return asset_class(symbol) is self._feed.asset_class
        except ValueError:
            return False

    def _check_limit(self, wanted: dict[str, frozenset[str]]) -> None:
        limit = self._feed.symbols_max
        if limit is not None and sum(len(wanted[name]) for name in self._feed.metered) > limit:
            raise StreamError(405)

    def _subscription(self) -> Message:
        return {"T": "subscription"} | {name: sorted(self.wanted[name]) for name in self.wanted}


def codec_allowed(feed: Feed, *, binary: bool) -> None:
    """Refuse JSON on the option feeds."""
    if feed.asset_class is AssetClass.OPTION and not binary:
        raise StreamError(412, fatal=True)
