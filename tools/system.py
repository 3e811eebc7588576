"""How the desk itself does."""

from __future__ import annotations

from common.config import VERSION
from services.ops.health import Health
from services.runtime import Services
from tools.toolset import READS, Toolset
from tools.views import View
from tools.wants import Desk

system = Toolset("system")


class HealthView(View):
    """Whether orders may be opened now and, if not, every reason."""

    ready: bool
    version: str
    halt: str
    checks: dict[str, str]
    reasons: list[str]

    @classmethod
    def of(cls, desk: Services, found: Health) -> HealthView:
        """Return the view of the checks."""
        return cls(
            mode=desk.mode,
            ready=found.ok,
            version=VERSION,
            halt=desk.kill_switch.halt().value,
            checks={check.name: check.reason or "ok" for check in found.checks},
            reasons=list(found.reasons),
        )


@system.tool(READS, basic=True)
async def health_check(desk: Desk) -> HealthView:
    """Check broker, clock, chain, streams, background jobs and the kill switch, by live probe."""
    return HealthView.of(desk, await desk.probe())
