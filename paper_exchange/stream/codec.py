"""The two codecs of the data streams: JSON in text frames, MessagePack in binary ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from paper_exchange.wire.scalars import instant

MSGPACK = b"application/msgpack"


class Codec(Protocol):
    """One way to write a stream's messages; every server message is an array."""

    binary: bool

    def item(self, message: Mapping[str, Any], at: datetime | None = None) -> bytes:
        """Return one element of an array, its time "t" written in this codec's way."""
        ...

    def frame(self, items: Sequence[bytes]) -> bytes:
        """Return the array of elements already encoded."""
        ...

    def decode(self, data: bytes) -> Any:
        """Return what a client sent; raise ValueError when it is broken or cut short."""
        ...


class JsonCodec:
    """Text frames; times are RFC 3339 strings."""

    binary = False

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def item(self, message: Mapping[str, Any], at: datetime | None = None) -> bytes:
        """Return one element as JSON."""
        return self._encoder.encode(message if at is None else {**message, "t": instant(at)})

    def frame(self, items: Sequence[bytes]) -> bytes:
        """Return a JSON array of elements."""
        return b"[" + b",".join(items) + b"]"

    def decode(self, data: bytes) -> Any:
        """Return the value of a JSON text; raise ValueError."""
        return _decoded(msgspec.json.decode, data)


class MsgpackCodec:
    """Binary frames; times are the Timestamp extension, type -1."""

    binary = True

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder()

    def item(self, message: Mapping[str, Any], at: datetime | None = None) -> bytes:
        """Return one element as MessagePack."""
        return self._encoder.encode(message if at is None else {**message, "t": at})

    def frame(self, items: Sequence[bytes]) -> bytes:
        """Return a MessagePack array of elements."""
        return _array_header(len(items)) + b"".join(items)

    def decode(self, data: bytes) -> Any:
        """Return the value of a MessagePack text; raise ValueError."""
        return _decoded(msgspec.msgpack.decode, data)


def codec_of(content_type: bytes) -> Codec:
    """Return the codec a handshake's Content-Type asks for; JSON is the default."""
    return MsgpackCodec() if content_type.split(b";")[0].strip() == MSGPACK else JsonCodec()


def _decoded(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except RecursionError:  # nested deeper than any message of ours
        raise ValueError("nested too deeply") from None


def _array_header(length: int) -> bytes:
    if length < 16:
        return bytes([0x90 | length])
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")
