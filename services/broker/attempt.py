"""One try at one request: what was asked, whether bytes left, what came back.

The event loop waits, a thread sends. Both must agree, to the byte, on whether an
order left: the attempt is where they do.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from common.clock import NS, WallClock

ANSWER_SHARE = 0.25  # of its time must be left when it begins, or it would end unanswered


class Unsent(Exception):
    """Not one byte of the request left, and none will."""


class NoAnswer(Exception):
    """Bytes left, and no answer came that could be read."""


class Host(StrEnum):
    """Which of the broker's hosts."""

    TRADING = "trading"
    DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked: query parameters for GET and DELETE, a JSON body for the others."""

    method: str
    path: str
    values: Mapping[str, Any] | None = None
    host: Host = Host.TRADING
    version: str = "v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: the body as parsed JSON, or the text of an error; None when empty."""

    status: int
    body: Any
    retry_after: float = 0.0  # seconds

    @property
    def ok(self) -> bool:
        """Whether the broker said yes."""
        return 200 <= self.status < 300


class Attempt:
    """A try that either begins before its time is up, or never does.

    before_send runs last thing before the first byte; what it raises stops the send.
    """

    def __init__(
        self, wall: WallClock, within: float, before_send: Callable[[], None] | None = None
    ) -> None:
        self._wall = wall
        self._deadline = wall.ns() + int(within * NS)
        self._least = within * ANSWER_SHARE
        self._before_send = before_send
        self._lock = threading.Lock()
        self._abandoned = False
        self._socket: socket.socket | None = None
        self.begun = False
        self.stopped_by: BaseException | None = None
        self.status = 0  # of the reply, once its head is in

    def left(self) -> float:
        """Return the seconds left; raise Unsent when it was given up or is too late."""
        left = (self._deadline - self._wall.ns()) / NS
        if self._abandoned or left <= self._least:
            raise Unsent("its time was up before it could be sent")
        return left

    def begin(self, sock: socket.socket | None) -> None:
        """Pass, in the sending thread and with the connection open, or raise.

        Raises Unsent when the caller has left, and whatever before_send raises.
        """
        try:
            if self._before_send is not None:
                self._before_send()
            with self._lock:
                self.left()
                self.begun = True
                self._socket = sock
        except BaseException as e:
            self.stopped_by = e
            raise

    def finish(self) -> None:
        """Let go of the connection, which others may use from now on."""
        with self._lock:
            self._socket = None

    def abandon(self) -> bool:
        """Give up; return whether nothing was sent, and nothing will be.

        A thread that still waits for the answer is woken by cutting its connection.
        """
        with self._lock:
            self._abandoned = True
            if self._socket is not None:
                with suppress(OSError):  # already gone; past TLS, whose thread owns it
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                self._socket = None
            return not self.begun
