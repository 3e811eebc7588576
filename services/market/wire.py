"""Alpaca's option stream on the wire: its messages typed, and frames decoded in one call.

A frame is an array of maps told apart by "T"; msgpack, or JSON where an error comes before the
server knows that we speak msgpack. A frame of quotes decodes at once; any other is taken apart
message by message, so that what we do not know costs nothing of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

Stamp: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class QuoteMessage(msgspec.Struct, tag_field="T", tag="q", gc=False):
    """The best bid and ask of a contract, dollars per share; null where there is no side."""

    symbol: str = msgspec.field(name="S")
    at: Stamp = msgspec.field(name="t")
    bid: float | None = msgspec.field(name="bp", default=None)
    ask: float | None = msgspec.field(name="ap", default=None)
    bid_size: int | float | None = msgspec.field(name="bs", default=None)
    ask_size: int | float | None = msgspec.field(name="as", default=None)


class TradeMessage(msgspec.Struct, tag_field="T", tag="t", gc=False):
    """A print; we subscribe to none."""

    symbol: str = msgspec.field(name="S")


class SuccessMessage(msgspec.Struct, tag_field="T", tag="success"):
    """connected, or authenticated."""

    msg: str


class ErrorMessage(msgspec.Struct, tag_field="T", tag="error"):
    """A refusal, by number."""

    code: int
    msg: str = ""


class SubscriptionMessage(msgspec.Struct, tag_field="T", tag="subscription"):
    """Everything subscribed to, after each change."""

    quotes: list[str] = []
    trades: list[str] = []


Message: TypeAlias = (
    QuoteMessage | TradeMessage | SuccessMessage | ErrorMessage | SubscriptionMessage
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowFrame:
    """What could be read of a frame that was not all quotes.

    undecodable: messages of it, or the frame itself, that are no messages of ours.
    """

    messages: list[Message]
    undecodable: int


class FrameDecoder:
    """Decodes frames.

    fast is for frames of nothing but good quotes, and raises msgspec.DecodeError on others.
    """

    def __init__(self) -> None:
        self.fast = msgspec.msgpack.Decoder(list[QuoteMessage]).decode
        self._text = msgspec.json.Decoder(list[Message]).decode
        self._parts = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
        self._one = msgspec.msgpack.Decoder(Message).decode

    def slow(self, payload: bytes) -> SlowFrame:
        """Decode message by message, counting what is not understood; never raises."""
        try:
            parts = self._parts(payload)
        except msgspec.DecodeError:
            return SlowFrame(messages=[], undecodable=1)
        messages: list[Message] = []
        for part in parts:
            try:
                messages.append(self._one(part))
            except msgspec.DecodeError:
                continue
        return SlowFrame(messages=messages, undecodable=len(parts) - len(messages))

    def text(self, payload: bytes) -> SlowFrame:
        """Decode a JSON frame; never raises."""
        try:
            return SlowFrame(messages=self._text(payload), undecodable=0)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return SlowFrame(messages=[], undecodable=1)


def authenticate(key: str, secret: str) -> bytes:
    """Return the message that logs in."""
    return msgspec.msgpack.encode({"action": "auth", "key": key, "secret": secret})


def subscribe(symbols: list[str]) -> bytes:
    """Return the message that adds quotes of symbols."""
    return msgspec.msgpack.encode({"action": "subscribe", "quotes": symbols})


def unsubscribe(symbols: list[str]) -> bytes:
    """Return the message that ends quotes of symbols."""
    return msgspec.msgpack.encode({"action": "unsubscribe", "quotes": symbols})
