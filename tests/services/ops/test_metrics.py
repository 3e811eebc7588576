"""Names that dashboards rely on do not move, and labels tell nothing of an account."""

from __future__ import annotations

from prometheus_client import REGISTRY

from services.ops.health import Check, Health
from services.ops.metrics import Metrics

NAMES = {
    "orders": ("result",),
    "refusals": ("code",),
    "fills": (),
    "order_submit_seconds": (),
    "order_unknown_current": (),
    "preview_seconds": (),
    "confirm_seconds": (),
    "kill_state": (),
    "risk_alerts": ("limit",),
    "portfolio_delta_shares": (),
    "session_pnl_dollars": (),
    "exits_armed": (),
    "quote_age_seconds": ("quantile",),
    "quotes": ("result",),
    "ws_reconnects": ("stream",),
    "ws_errors": ("stream",),
    "ws_connected": ("stream",),
    "ws_staleness_seconds": ("stream",),
    "tool_seconds": ("tool", "result"),
    "http_request_seconds": ("host", "method"),
    "http_requests": ("host", "method", "code"),
    "ratelimit_remaining": (),
    "breaker_state": ("breaker",),
    "job_failures": ("job",),
    "loop_lag_seconds": (),
    "build_info": ("version", "mode"),
}


def test_names_and_labels_are_these() -> None:
    metrics = Metrics()
    held = {
        metric._name: tuple(metric._labelnames)
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    assert held == NAMES
    assert {family.name for family in metrics.registry.collect()} == set(NAMES)


def test_two_desks_do_not_share_counts_nor_touch_the_process_registry() -> None:
    before = {family.name for family in REGISTRY.collect()}
    one, other = Metrics(), Metrics()
    one.fills.inc()
    assert b"fills_total 1.0" in one.render()
    assert b"fills_total 0.0" in other.render()
    assert {family.name for family in REGISTRY.collect()} == before


def test_health_is_well_when_all_is() -> None:
    well = Check(name="broker", ok=True)
    assert Health(checks=(well,)).ok
    ill = Health(checks=(well, Check(name="quotes", ok=False, reason="12 s old")))
    assert not ill.ok
    assert ill.reasons == ("quotes: 12 s old",)
