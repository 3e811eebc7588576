"""Bearer tokens of the daemon: a file of its owner's, one token per principal and its rights.

A line is the token alone, which may do what the daemon may, or the token with its rights:

{"laptop": "secret", "dashboard": {"token": "secret", "read_only": true, "toolsets": "default"}}
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.config import Settings
from common.errors import BadArgument, StateUnwritable
from common.ids import Ids, Principal, RandomIds
from common.toolsets import DEFAULT, asked_sets
from serving.state import PRIVATE_FILE, StateFolder, write_private
from tools.grant import Grant

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

LOCAL = Principal("local")  # the user's own bridges and commands
UNBOUND = Grant()
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Held:
    """One line of the file."""

    principal: Principal
    token: str
    grant: Grant


class TokenFile:
    """Reads and makes tokens; a file that others can read is refused."""

    def __init__(self, path: Path, ids: Ids) -> None:
        self._path = path
        self._ids = ids

    def held(self) -> dict[str, Held]:
        """Return every line by its name; empty before the first was made."""
        try:
            if self._path.stat().st_mode & 0o077:
                raise StateUnwritable(
                    f"{self._path} can be read by others",
                    remedy=f"run chmod {PRIVATE_FILE:o} on it, then make new tokens",
                )
            lines = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {name: _read(name, line) for name, line in lines.items()}

    def token(self, name: str, grant: Grant | None = None) -> str:
        """Return a principal's token, making it first when there is none.

        Rights that differ from those it has make a new one; the old one is then nobody's.
        """
        if not _NAME.fullmatch(name):
            raise BadArgument(f"{name!r:.40} is no name for a token: use a-z, 0-9, - and _")
        return self._kept(name, grant)

    def own(self, grant: Grant) -> str:
        """Return the token of this user's own processes which has these rights."""
        sets = [] if grant.toolsets is None else [grant.toolsets]
        rights = [*(["read-only"] if grant.read_only else []), *sets]
        return self._kept(":".join([LOCAL, *rights]), grant)

    def _kept(self, name: str, grant: Grant | None) -> str:
        held = self.held()
        found = held.get(name)
        if found is None or grant not in {None, found.grant}:
            token, rights = self._ids.token() + self._ids.token(), grant or UNBOUND
            found = held[name] = Held(Principal(name.partition(":")[0]), token, rights)
            lines = {one: _written(line) for one, line in held.items()}
            write_private(self._path, json.dumps(lines, indent=1) + "\n")
        return found.token


def own_token(folder: StateFolder, grant: Grant = UNBOUND) -> str:
    """Return the token of this user's own processes, with the rights they ask for."""
    return TokenFile(folder.tokens, RandomIds()).own(grant)


class FileVerifier:
    """The SDK's token verifier over the file, read again when it changes."""

    def __init__(self, file: TokenFile) -> None:
        self._file = file

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who a bearer token stands for and what they may, None for nobody."""
        from mcp.server.auth.provider import AccessToken  # a bridge needs no part of the SDK

        found = None
        for line in self._file.held().values():
            if hmac.compare_digest(line.token.encode(), token.encode()):
                found = line
        if found is None:
            return None
        return AccessToken(token=token, client_id=found.principal, scopes=found.grant.scopes)


def own_grant(settings: Settings) -> Grant:
    """Return the rights that a process of this user asks for by its own settings."""
    sets = None if settings.toolsets == DEFAULT else settings.toolsets
    return Grant(read_only=settings.read_only, toolsets=sets)


def grant_asked(read_only: bool, toolsets: str | None) -> Grant | None:
    """Return the rights that a command names, None where it names none.

    Raises BadArgument for a toolset that does not exist.
    """
    if not read_only and toolsets is None:
        return None
    try:
        return Grant(
            read_only=read_only, toolsets=None if toolsets is None else asked_sets(toolsets)
        )
    except ValueError as e:
        raise BadArgument(str(e)) from None


def _read(name: str, line: Any) -> Held:
    """Return a line; rights that cannot be read are the least there are."""
    principal = Principal(name.partition(":")[0])
    if isinstance(line, str):
        return Held(principal, line, UNBOUND)
    sets = line.get("toolsets")
    known = sets is None or isinstance(sets, str)
    grant = Grant(read_only=line.get("read_only") is not False, toolsets=sets if known else DEFAULT)
    return Held(principal, str(line["token"]), grant)


def _written(line: Held) -> Any:
    if line.grant == UNBOUND:
        return line.token
    return {
        "token": line.token,
        "read_only": line.grant.read_only,
        "toolsets": line.grant.toolsets,
    }
