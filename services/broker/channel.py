"""The way to the broker: one budget of requests, threads of our own, a time limit on all.

Reads and cancels are tried again while their time lasts; an order never is.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from common.clock import NS, WallClock
from common.errors import BrokerRefused, BrokerUnavailable
from services.broker.access import AlpacaAccess
from services.broker.attempt import Attempt, NoAnswer, Reply, Request, Unsent
from services.broker.fields import quoted, refusal_text
from services.ops.backoff import Backoff
from services.ops.limiter import Lane, TokenBucket
from services.ops.metrics import Metrics

if TYPE_CHECKING:
    from services.broker.transport import Transport

log = logging.getLogger(__name__)

# Orders have threads that a slow read can not occupy. A look at the market and the account is
# up to four reads at once, and three clients may look together without waiting for a thread.
THREADS = ((Lane.STOPS, 1), (Lane.ORDERS, 4), (Lane.READS, 12))
TRIES = 4
PASSING = frozenset({408, 429, 500, 502, 503, 504})  # may be gone at the next try


class Channel:
    """Requests to one account's hosts. timeout bounds a call with all its tries."""

    def __init__(
        self,
        access: AlpacaAccess,
        *,
        timeout: timedelta,
        bucket: TokenBucket,
        wall: WallClock,
        metrics: Metrics,
    ) -> None:
        self._access = access
        self._timeout = timeout.total_seconds()
        self._bucket = bucket
        self._wall = wall
        self._metrics = metrics
        self._pools = {
            lane: ThreadPoolExecutor(size, thread_name_prefix=f"broker-{lane.value}")
            for lane, size in THREADS
        }
        self._building = threading.Lock()
        self._transport: Transport | None = None
        self._flying: set[Attempt] = set()
        self._closed = False

    async def warm(self) -> None:
        """Import alpaca-py in a thread, so that the first call need not wait for it."""
        await asyncio.get_running_loop().run_in_executor(self._pools[Lane.READS], self._opened)

    async def send(self, request: Request, before_send: Callable[[], None] | None) -> Reply:
        """Send an order, once.

        Raises Unsent, NoAnswer, or what before_send raised.
        """
        return await self._once(Lane.ORDERS, request, self._timeout, before_send)

    async def ask(self, request: Request, lane: Lane = Lane.READS) -> Reply:
        """Ask for something that may be asked twice; return the yes or the clear no.

        Raises BrokerUnavailable when the tries or the time ran out.
        """
        deadline = self._wall.ns() + int(self._timeout * NS)
        backoff = Backoff(0.2, 2.0)
        why = "no time"
        for _ in range(TRIES):
            pause = backoff.delay()
            within = min((deadline - self._wall.ns()) / NS, self._timeout / 2)
            try:
                reply = await self._once(lane, request, within)
            except (Unsent, NoAnswer) as e:
                why = quoted(e)
            else:
                if reply.status not in PASSING:
                    return reply
                why = f"{reply.status} {refusal_text(reply.body)}"
                pause = max(pause, reply.retry_after)
            if self._closed or self._wall.ns() + pause * NS >= deadline:
                break
            log.info("%s %s will be tried again: %s", request.method, request.path, why)
            await asyncio.sleep(pause)
        raise BrokerUnavailable(
            f"no clear answer to {request.method} {request.path} ({why})",
            remedy="call again in a few seconds; health_check shows the connection",
        )

    async def aclose(self) -> None:
        """Give up what is under way, cutting its connections, and free the threads."""
        self._closed = True
        # What waits goes first: a thread freed by a cut would begin it otherwise.
        for attempt in sorted(self._flying, key=lambda attempt: attempt.begun):
            attempt.abandon()
        for pool in self._pools.values():
            pool.shutdown(wait=False)  # what is queued finds itself given up, and says so
        if self._transport is not None:
            self._transport.close()

    async def _once(
        self,
        lane: Lane,
        request: Request,
        within: float,
        before_send: Callable[[], None] | None = None,
    ) -> Reply:
        if self._closed:
            raise Unsent("the connection is closed")
        started = self._wall.ns()
        attempt = Attempt(self._wall, within, before_send)
        self._flying.add(attempt)
        try:
            async with asyncio.timeout(within):
                await self._bucket.take(lane)
                reply = await asyncio.get_running_loop().run_in_executor(
                    self._pools[lane], self._run, request, attempt
                )
        except TimeoutError as e:
            why = f"no answer within {within:.1f} s"
            raise (Unsent if attempt.abandon() else NoAnswer)(why) from e
        finally:
            attempt.abandon()
            self._flying.discard(attempt)
            self._count(request, attempt.status, started)
        if reply.status == 429:
            self._bucket.drain()
        return reply

    def _run(self, request: Request, attempt: Attempt) -> Reply:
        return self._opened().send(request, attempt)

    def _opened(self) -> Transport:
        with self._building:
            if self._transport is None:
                from services.broker.transport import Transport

                self._transport = Transport(self._access, sum(size for _, size in THREADS))
            return self._transport

    def _count(self, request: Request, status: int, started: int) -> None:
        host, method = request.host.value, request.method
        self._metrics.http.labels(host, method).observe((self._wall.ns() - started) / NS)
        self._metrics.http_requests.labels(host, method, str(status)).inc()


def definite(reply: Reply) -> Reply:
    """Return a yes; raise BrokerRefused for a no, in the broker's own words."""
    if reply.ok:
        return reply
    raise refused(reply)


def refused(reply: Reply) -> BrokerRefused:
    """Make the error for a clear no."""
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    remedy = "check ALPACA_API_KEY and ALPACA_SECRET_KEY" if reply.status == 401 else None
    error = BrokerRefused(
        refusal_text(reply.body) or f"the broker answered {reply.status}",
        status=reply.status,
        broker_code=code if isinstance(code, int) else None,
    )
    if remedy is not None:
        error.remedy = remedy
    return error
