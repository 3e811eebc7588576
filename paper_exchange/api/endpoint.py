"""What every REST path has in common: who calls, how often, how much, and what is answered.

An Endpoint is a plain ASGI application, so that a request passes through no middleware:
credentials, rate limit, body, handler, and one place where a refusal becomes a reply.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from common.errors import MarketDataMissing
from common.ids import AccountId, Ids
from paper_exchange.api.limiter import RateLimit
from paper_exchange.engine.refusals import Refused
from paper_exchange.wire.credentials import presented
from paper_exchange.wire.errors import (
    BadParameter,
    Host,
    bad_parameter,
    body,
    no_market,
    refusal,
)
from paper_exchange.wire.query import Query

logger = logging.getLogger(__name__)

BODY_MAX: Final = 64 * 1024  # bytes; an order of four legs is under one KiB

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_JSON: Final = (b"content-type", b"application/json; charset=UTF-8")


class Reply(NamedTuple):
    """An answer ready to be sent."""

    status: int
    body: bytes = b""


def reply(value: Any, status: int = 200) -> Reply:
    """Encode an answer, keys in alphabetical order as Alpaca's are."""
    return Reply(status, _ENCODER.encode(value))


NOTHING: Final = Reply(204)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    account: AccountId
    path: Mapping[str, str]
    query: Query
    body: bytes


Handler: TypeAlias = Callable[[Call], Awaitable[Reply]]
Authenticate: TypeAlias = Callable[[str, str], AccountId | None]
Headers: TypeAlias = list[tuple[bytes, bytes]]


class Access(Enum):
    """Who may call a path."""

    ACCOUNT = "account"  # whoever has an account's keys
    ADMIN = "admin"  # whoever has the admin key
    OPEN = "open"  # anyone


NOBODY: Final = AccountId("")


class Gate:
    """Lets a request in: the account its credentials name, within its rate limit."""

    def __init__(
        self, authenticate: Authenticate, limit: RateLimit, ids: Ids, admin_key: str | None
    ) -> None:
        self._authenticate = authenticate
        self._limit = limit
        self._process = ids.uuid().replace("-", "")[:16]
        self._requests = count()
        self._admin = None if admin_key is None else f"Bearer {admin_key}".encode()

    def enter(self, lines: Headers, host: Host, access: Access) -> tuple[AccountId, Headers]:
        """Return the caller's account and the headers of its rate limit.

        Raises Refused for who may not call, Limited for who calls too often.
        """
        if access is Access.OPEN:
            return NOBODY, []
        if access is Access.ADMIN:
            said = dict(lines).get(b"authorization", b"")
            if self._admin is None or not compare_digest(said, self._admin):
                raise refusal("unauthorized", host)
            return NOBODY, []
        credentials = presented(lines)
        account = None if credentials is None else self._authenticate(*credentials)
        if account is None or credentials is None:
            raise refusal("unauthorized", host)
        allowed, headers = self._limit.take(credentials.key)
        if not allowed:
            raise Limited(refusal("rate_limited", host), headers)
        return account, headers

    def request_id(self) -> bytes:
        """Return a fresh id for the reply: this process and the request's number."""
        return f"{self._process}{next(self._requests):016x}".encode()


class Limited(Exception):
    """Too many requests, with the headers that say until when."""

    def __init__(self, why: Refused, headers: Headers) -> None:
        super().__init__(str(why))
        self.why = why
        self.headers = headers


class Endpoint:
    """One path: its handlers by method."""

    def __init__(
        self, gate: Gate, host: Host, access: Access, handlers: Mapping[str, Handler]
    ) -> None:
        self._gate = gate
        self._host = host
        self._access = access
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is refused is a reply, never an exception."""
        headers: Headers = []
        try:
            account, headers = self._gate.enter(scope["headers"], self._host, self._access)
            answer = await self._handle(account, scope, receive)
        except Limited as e:
            headers = e.headers
            answer = self._refused(e.why)
        except Refused as e:
            answer = self._refused(e)
        except BadParameter as e:
            answer = self._refused(bad_parameter(e, self._host))
        except MarketDataMissing as e:
            answer = self._refused(no_market(e))
        await answer_with(send, answer, self._gate.request_id(), headers)

    async def _handle(self, account: AccountId, scope: Scope, receive: Receive) -> Reply:
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise refusal("no_method", self._host)
        call = Call(
            account=account,
            path=scope["path_params"],
            query=Query(QueryParams(asked) if (asked := scope["query_string"]) else {}),
            body=await read_body(receive, self._host) if scope["method"] != "GET" else b"",
        )
        return await handler(call)

    def _refused(self, error: Refused) -> Reply:
        return reply(body(error, self._host), error.http_status)


async def read_body(receive: Receive, host: Host) -> bytes:
    """Return the whole body; raise Refused past BODY_MAX."""
    chunks = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX:
            raise refusal("too_large", host)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def answer_with(send: Send, answer: Reply, request_id: bytes, headers: Headers) -> None:
    """Send a reply with its own headers."""
    lines = [(b"x-request-id", request_id), *headers]
    if answer.body:
        lines.append(_JSON)
    lines.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": answer.body})
