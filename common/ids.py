"""Identifiers as distinct types, and the one place where they are minted."""

from __future__ import annotations

import secrets
import uuid
from typing import NewType, Protocol

AccountId = NewType("AccountId", str)
OrderId = NewType("OrderId", str)  # the broker's, a UUID
ClientOrderId = NewType("ClientOrderId", str)  # ours, made before the send
ExecutionId = NewType("ExecutionId", str)
ConfirmToken = NewType("ConfirmToken", str)
Principal = NewType("Principal", str)  # who is calling: one bearer token, one principal

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
    """Ids from the operating system's random source."""

    def uuid(self) -> str:
        """Return a random (version 4) UUID."""
        return str(uuid.uuid4())

    def token(self) -> str:
        """Return 128 random bits as 22 URL-safe characters."""
        return secrets.token_urlsafe(16)
