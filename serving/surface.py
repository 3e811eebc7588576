"""What every message passes on its way to a tool and back, in order from the outside in."""

from __future__ import annotations

from typing import Any

from common.clock import MonotonicClock
from services.runtime import Services
from serving.push import Push
from serving.sdk_compat import without_own_spans
from tools.boundary import Boundary
from tools.catalog import Catalog
from tools.completions import add_completions
from tools.events import Alerts
from tools.limit import RateLimit
from tools.pages import Pages
from tools.prompts import add_prompts
from tools.resources import add_resources
from tools.server import DeskServer
from tools.ticket import Ticket
from tools.tracing import Tracing


def serve_surface(services: Services, catalog: Catalog, **options: Any) -> DeskServer:
    """Return a server of a catalog with all that surrounds the tools; options are the SDK's."""

    def observe(tool: str, seconds: float, failed: bool) -> None:
        result = "error" if failed else "ok"
        services.metrics.tool.labels(tool=tool, result=result).observe(seconds)

    wall, push = MonotonicClock(), Push(services.events)
    server = DeskServer(
        catalog,
        subscriptions=push.bus,
        middleware=[
            Tracing(catalog),
            push,
            Alerts(services.events),
            RateLimit(catalog, services.settings.calls_per_minute, wall),
            Boundary(catalog, wall, observe),
            Pages(catalog.offers.values()),
            Ticket(catalog.tools),
        ],
        **options,
    )
    without_own_spans(server)
    add_resources(server, services)
    add_prompts(server)
    add_completions(server, services)
    services.supervisor.keep("push", push.run)
    return server
