"""Previews waiting for their confirmation, each behind a random single-use token."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from common.clock import NS, WallClock
from common.errors import BadArgument, Halted, PreviewMismatch, PreviewNotFound, TradingError
from common.ids import ConfirmToken, Ids, Principal
from services.ops.metrics import Metrics

FINAL = (Halted, BadArgument)  # refusals after which a token stays used
PREVIEWS_MAX = 200  # waiting at once; the oldest make room

P = TypeVar("P")


@contextmanager
def refusals_counted(metrics: Metrics) -> Iterator[None]:
    """Count what is refused by its code."""
    try:
        yield
    except TradingError as e:
        metrics.refusals.labels(e.code).inc()
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a token is good for: one call, by one principal, on one account."""

    strategy: object  # the frozen strategy or intent: its name and every parameter
    principal: Principal
    account: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting(Generic[P]):
    binding: Binding
    preview: P
    expires_ns: int = field(default=0)


class PreviewStore(Generic[P]):
    """Holds each preview for the confirmation timeout of wall clock.

    In memory on purpose: a restart forgets them, so nothing priced before it is sent.
    """

    def __init__(self, wall: WallClock, ids: Ids, timeout: timedelta) -> None:
        self._wall = wall
        self._ids = ids
        self._timeout_ns = int(timeout.total_seconds() * NS)
        self._waiting: dict[ConfirmToken, _Waiting[P]] = {}
        self._used: dict[ConfirmToken, _Waiting[P]] = {}

    @property
    def timeout(self) -> timedelta:
        """How long a token lives."""
        return timedelta(microseconds=self._timeout_ns / 1000)

    def issue(self, preview: P, binding: Binding) -> ConfirmToken:
        """Keep a preview and return the token that confirms it, once."""
        self._forget_expired()
        token = ConfirmToken(self._ids.token())
        self._waiting[token] = _Waiting(
            binding=binding, preview=preview, expires_ns=self._wall.ns() + self._timeout_ns
        )
        return token

    def claim(self, token: ConfirmToken, binding: Binding) -> P:
        """Take a preview out for sending; nobody can take it again.

        Raises PreviewNotFound for a token that is unknown, used, expired or another
        principal's (the owner's stays good), and PreviewMismatch when the call asks for
        something else than was previewed.
        """
        known = self._find(token)
        waiting = self._waiting[known] if known is not None else None
        if known is None or waiting is None or waiting.binding.principal != binding.principal:
            raise PreviewNotFound(self._why_not(token, binding.principal))
        if self._wall.ns() > waiting.expires_ns:
            del self._waiting[known]
            seconds = self._timeout_ns / NS
            raise PreviewNotFound(f"the preview expired after {seconds:g} s")
        if waiting.binding != binding:
            raise PreviewMismatch(
                f"the token is for {waiting.binding.strategy}, the call asks for {binding.strategy}"
            )
        self._used[known] = self._waiting.pop(known)
        return waiting.preview

    def give_back(self, token: ConfirmToken) -> None:
        """Make a claimed preview good again until its time is up: nothing was sent for it."""
        waiting = self._used.pop(token, None)
        if waiting is not None:
            self._waiting[token] = waiting

    @contextmanager
    def kept(self, token: ConfirmToken) -> Iterator[None]:
        """Keep a token good for the rest of its time when a check refuses what may pass.

        Nothing was written or sent. A halt is none of these: it ends what was previewed.
        """
        try:
            yield
        except TradingError as e:
            if not isinstance(e, FINAL):
                self.give_back(token)
            raise

    def shown(self, token: ConfirmToken, principal: Principal) -> P | None:
        """Return what a token would confirm, without taking it; None when it would not."""
        waiting = self._waiting.get(known) if (known := self._find(token)) else None
        if waiting is None or waiting.binding.principal != principal:
            return None
        return waiting.preview if self._wall.ns() <= waiting.expires_ns else None

    def _find(self, token: str) -> ConfirmToken | None:
        """Look the token up without telling by timing how much of it was right."""
        found = None
        for known in self._waiting:
            if hmac.compare_digest(known.encode(), token.encode()):
                found = known
        return found

    def _why_not(self, token: ConfirmToken, principal: Principal) -> str:
        used = self._used.get(token)
        if used is not None and used.binding.principal == principal:
            return "this token was already used; each confirms one order once"
        return "no preview waits for this token"

    def _forget_expired(self) -> None:
        now = self._wall.ns()
        for token in [t for t, w in self._waiting.items() if now > w.expires_ns]:
            del self._waiting[token]
        for oldest in list(self._waiting)[: max(len(self._waiting) - PREVIEWS_MAX + 1, 0)]:
            del self._waiting[oldest]
        for oldest in list(self._used)[: max(len(self._used) - PREVIEWS_MAX, 0)]:
            del self._used[oldest]
