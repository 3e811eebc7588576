"""Bearer tokens of the daemon: a file of its owner's, one token per principal."""

from __future__ import annotations

import hmac
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import BadArgument, StateUnwritable
from common.ids import Ids, Principal, RandomIds
from serving.state import PRIVATE_FILE, StateFolder, write_private

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

LOCAL = Principal("local")  # the user's own bridges and commands
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)


class TokenFile:
    """Reads and makes tokens; a file that others can read is refused."""

    def __init__(self, path: Path, ids: Ids) -> None:
        self._path = path
        self._ids = ids

    def tokens(self) -> dict[Principal, str]:
        """Return every principal's token; empty before the first was made."""
        try:
            if self._path.stat().st_mode & 0o077:
                raise StateUnwritable(
                    f"{self._path} can be read by others",
                    remedy=f"run chmod {PRIVATE_FILE:o} on it, then make new tokens",
                )
            held = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {Principal(name): str(token) for name, token in held.items()}

    def token(self, name: str) -> str:
        """Return a principal's token, making it first when there is none."""
        if not _NAME.fullmatch(name):
            raise BadArgument(f"{name!r:.40} is no name for a token: use a-z, 0-9, - and _")
        tokens = self.tokens()
        principal = Principal(name)
        if principal not in tokens:
            tokens[principal] = self._ids.token() + self._ids.token()
            write_private(self._path, json.dumps(tokens, indent=1) + "\n")
        return tokens[principal]


def local_token(folder: StateFolder) -> str:
    """Return the token of this user's own processes."""
    return TokenFile(folder.tokens, RandomIds()).token(LOCAL)


class FileVerifier:
    """The SDK's token verifier over the file, read again when it changes."""

    def __init__(self, file: TokenFile) -> None:
        self._file = file

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who a bearer token stands for, None for nobody."""
        from mcp.server.auth.provider import AccessToken  # a bridge needs no part of the SDK

        found = None
        for principal, known in self._file.tokens().items():
            if hmac.compare_digest(known.encode(), token.encode()):
                found = principal
        if found is None:
            return None
        return AccessToken(token=token, client_id=found, scopes=["trade"])
