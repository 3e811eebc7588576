"""Read the three forms of credentials Alpaca takes, without judging them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import NamedTuple


class Credentials(NamedTuple):
    """A key id and its secret, as presented."""

    key: str
    secret: str


_KEY = b"apca-api-key-id"
_SECRET = b"apca-api-secret-key"
_AUTHORIZATION = b"authorization"


def presented(headers: Iterable[tuple[bytes, bytes]]) -> Credentials | None:
    """Return the credentials of raw headers with lower-case names, or None.

    APCA-API-KEY-ID with APCA-API-SECRET-KEY, Authorization: Basic key:secret, or
    Authorization: Bearer key:secret.
    """
    key = secret = authorization = None
    for name, value in headers:
        if name == _KEY:
            key = value
        elif name == _SECRET:
            secret = value
        elif name == _AUTHORIZATION:
            authorization = value
    if key is not None and secret is not None:
        return Credentials(key.decode("latin-1"), secret.decode("latin-1"))
    return None if authorization is None else _authorization(authorization.decode("latin-1"))


def _authorization(value: str) -> Credentials | None:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            rest = base64.b64decode(rest.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return None
    elif scheme.lower() != "bearer":
        return None
    key, colon, secret = rest.strip().partition(":")
    return Credentials(key, secret) if colon else None
