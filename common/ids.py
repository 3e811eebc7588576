"""Identifiers as distinct types, and the one place where they are minted."""

from __future__ import annotations

import os
import secrets
from collections import deque
from typing import NewType, Protocol

AccountId = NewType("AccountId", str)
OrderId = NewType("OrderId", str)  # the broker's, a UUID
ClientOrderId = NewType("ClientOrderId", str)  # ours, made before the send
ExecutionId = NewType("ExecutionId", str)
ConfirmToken = NewType("ConfirmToken", str)
Principal = NewType("Principal", str)  # who is calling: one bearer token, one principal

_VARIANTS = "89ab"  # the digits that RFC 9562 allows there
_DRAWN = 64  # ids' worth of random bytes drawn at once: asking costs more than the bytes

CLIENT_ORDER_ID_MAX = 128  # characters, the broker's bound


class Ids(Protocol):
    """Mint identifiers; injected so that a replay can mint the same ones again."""

    def uuid(self) -> str:
        """Return a fresh UUID in its canonical text form."""
        ...

    def token(self) -> str:
        """Return an unguessable URL-safe token of at least 128 bits."""
        ...


class RandomIds:
    """Ids from the operating system's random source, which is asked for many at a time."""

    def __init__(self) -> None:
        self._blocks: deque[bytes] = deque()

    def uuid(self) -> str:
        """Return a random (version 4) UUID."""
        try:
            block = self._blocks.pop()  # whole or not at all, whichever thread asks
        except IndexError:
            drawn = os.urandom(16 * _DRAWN)
            self._blocks.extend(drawn[at : at + 16] for at in range(16, len(drawn), 16))
            block = drawn[:16]
        text = block.hex()
        variant = _VARIANTS[block[8] & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

    def token(self) -> str:
        """Return 128 random bits as 22 URL-safe characters."""
        return secrets.token_urlsafe(16)
