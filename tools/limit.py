"""How often each principal may ask; what stops trading is never counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any, Final

from mcp.shared.exceptions import MCPError

from common.clock import WallClock
from services.ops.limiter import Lane, TokenBucket
from tools.boundary import refusal
from tools.catalog import Catalog
from tools.toolset import effect_word
from tools.wants import caller

PRINCIPALS_MAX: Final = 256
RATE_LIMITED: Final = -32011  # implementation-defined server error
_COUNTED: Final = frozenset(
    {"resources/read", "prompts/get", "completion/complete", "tools/list", "resources/subscribe"}
)


class RateLimit:
    """Middleware: a bucket a principal, a fifth of its minute's calls at once."""

    def __init__(self, catalog: Catalog, calls_per_minute: int, wall: WallClock) -> None:
        self._free = frozenset(
            name
            for name, offer in catalog.offers.items()
            if effect_word(offer.tool.annotations) == "stops"
        )
        self._rate = calls_per_minute
        self._wall = wall
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let in what is within the principal's rate, refuse the rest with the time to wait."""
        calls = ctx.method == "tools/call"
        if not calls and ctx.method not in _COUNTED:
            return await call_next(ctx)
        if calls and str(ctx.params.get("name")) in self._free:
            return await call_next(ctx)
        wait = self._bucket(caller()).try_take(Lane.STOPS)
        if not wait:
            return await call_next(ctx)
        seconds = ceil(wait)
        what = f"[rate_limited] more than {self._rate} calls a minute, nothing was done"
        if calls:
            return refusal(what, f"retry in {seconds} s; cancels, kill_switch, flatten_all pass")
        raise MCPError(RATE_LIMITED, what, {"retry_after_seconds": seconds})

    def _bucket(self, principal: str) -> TokenBucket:
        bucket = self._buckets.get(principal) or TokenBucket(self._rate, self._wall, reserved=0)
        self._buckets[principal] = bucket
        self._buckets.move_to_end(principal)
        while len(self._buckets) > PRINCIPALS_MAX:
            self._buckets.popitem(last=False)
        return bucket
