"""Fan-out of what was committed: per account, bounded, a slow listener is cut off.

One event loop; nothing here waits for a listener.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

from common.ids import AccountId

T = TypeVar("T")

BACKLOG: Final = 1024  # messages a listener may be behind


class Subscription(Generic[T]):
    """One listener's messages, to be iterated; the iteration ends when it is closed.

    slow: whether it was closed because it fell too far behind. What it had not read by
    then is gone: it must ask for the state again.
    """

    def __init__(self, backlog: int) -> None:
        self._backlog = backlog
        self._messages: deque[T] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self.slow = False

    def __aiter__(self) -> Subscription[T]:
        """Return itself."""
        return self

    async def __anext__(self) -> T:
        """Return the next message, waiting for it."""
        while not self._messages:
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._messages.popleft()

    def close(self) -> None:
        """End the iteration, once what is queued has been read."""
        self._closed = True
        self._changed.set()

    def offer(self, message: T) -> bool:
        """Queue a message; False when the listener is closed, by this very message perhaps."""
        if not self._closed and len(self._messages) >= self._backlog:
            self.slow = True
            self._messages.clear()
            self.close()
        if self._closed:
            return False
        self._messages.append(message)
        self._changed.set()
        return True


class Hub(Generic[T]):
    """Who listens to which account."""

    def __init__(self, backlog: int = BACKLOG) -> None:
        self._backlog = backlog
        self._listeners: dict[AccountId, list[Subscription[T]]] = {}

    def subscribe(self, account: AccountId) -> Subscription[T]:
        """Listen to an account from now on."""
        subscription: Subscription[T] = Subscription(self._backlog)
        self._listeners.setdefault(account, []).append(subscription)
        return subscription

    def unsubscribe(self, account: AccountId, subscription: Subscription[T]) -> None:
        """Stop listening; twice is allowed."""
        subscription.close()
        listeners = self._listeners.get(account, [])
        if subscription in listeners:
            listeners.remove(subscription)
        if not listeners:
            self._listeners.pop(account, None)

    def publish(self, account: AccountId, message: T) -> None:
        """Give a message to whoever listens; call it after the commit only."""
        for subscription in tuple(self._listeners.get(account, ())):
            if not subscription.offer(message):
                self.unsubscribe(account, subscription)
