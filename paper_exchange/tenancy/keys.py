"""API keys: key id and secret to account. Secrets are kept as hashes only.

A secret of ours is random and long, so a plain SHA-256 is enough: there is nothing to
guess, and a slow hash would cost every request.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from common.errors import Misconfigured
from common.ids import AccountId, Ids
from paper_exchange.store.credentials import add_key, known_keys
from paper_exchange.store.database import Database
from paper_exchange.tenancy.key_file import KeyPair, new_pair

_NOBODY: Final = hashlib.sha256(b"").digest()


class Keys:
    """All keys, in memory; built by load()."""

    def __init__(self, database: Database, known: dict[str, tuple[bytes, AccountId]]) -> None:
        self._database = database
        self._known = known

    @classmethod
    async def load(cls, database: Database) -> Keys:
        """Read the keys there are."""
        return cls(database, await known_keys(database))

    def authenticate(self, key: str, secret: str) -> AccountId | None:
        """Return whose keys these are, None for wrong ones; no database, no waiting."""
        expected, account = self._known.get(key, (_NOBODY, None))
        right = hmac.compare_digest(expected, _hash(secret))
        return account if right else None

    async def register(self, pair: KeyPair, account: AccountId) -> AccountId:
        """Let keys speak for an account, durably; return the account they speak for.

        Known keys keep their account, so a restart may register its own again. Raises
        Misconfigured for a known key with another secret.
        """
        if pair.key in self._known:
            known = self.authenticate(pair.key, pair.secret)
            if known is None:
                raise Misconfigured(
                    f"the database knows the key {pair.key} with another secret",
                    remedy="give the secret it was made with, or another key",
                )
            return known
        await add_key(self._database, pair.key, _hash(pair.secret), account)
        self._known[pair.key] = (_hash(pair.secret), account)
        return account

    async def issue(self, account: AccountId, ids: Ids) -> KeyPair:
        """Make new keys for an account; the secret is told here and never again."""
        pair = new_pair(ids)
        await self.register(pair, account)
        return pair


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
