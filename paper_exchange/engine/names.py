"""Ids that follow from others: what is decided again is named the same."""

from __future__ import annotations

from hashlib import blake2b


def derived(parent: str, name: str) -> str:
    """Return the UUID of something that belongs to what parent names.

    Version 8 of RFC 9562, a hash of both: several a trade are wanted, and uuid5 takes four
    times as long.
    """
    digest = blake2b(f"{parent} {name}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"
