"""The keys of the first account in a file only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from common.errors import Misconfigured
from common.ids import Ids

MODE: Final = 0o600


class KeyPair(msgspec.Struct, frozen=True):
    """An API key and its secret."""

    key: str
    secret: str


def new_pair(ids: Ids) -> KeyPair:
    """Return random keys: an id as Alpaca's look, a secret of 256 bits."""
    return KeyPair(f"PK{ids.uuid().replace('-', '').upper()[:18]}", ids.token() + ids.token())


def read_or_create(path: Path, ids: Ids) -> KeyPair:
    """Return the keys of a file, made with random ones when absent; raise Misconfigured.

    A file that others may read is refused: whoever reads it can trade.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except FileExistsError:
        return _read(path)
    except OSError as e:
        raise _unusable(path, str(e)) from None
    pair = new_pair(ids)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(pair))
        file.flush()
        os.fsync(file.fileno())
    return pair


def _read(path: Path) -> KeyPair:
    try:
        if path.stat().st_mode & 0o077:
            raise _unusable(path, "others may read it", remedy=f"chmod 600 {path}")
        pair = msgspec.json.decode(path.read_bytes(), type=KeyPair)
    except (OSError, msgspec.MsgspecError) as e:
        raise _unusable(path, str(e)) from None
    if not pair.key or not pair.secret:
        raise _unusable(path, "a key is empty")
    return pair


def _unusable(
    path: Path, why: str, *, remedy: str = "remove it to have new keys made"
) -> Misconfigured:
    return Misconfigured(f"the key file {path} cannot be used: {why}", remedy=remedy)
