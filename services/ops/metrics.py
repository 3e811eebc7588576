"""What the desk counts and measures, under names that dashboards may rely on.

Labels hold no account and no contract: a scrape may be read by others.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry of its own, so that two desks in a process do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._orders()
        self._risk()
        self._market()
        self._plumbing()

    def render(self) -> bytes:
        """Return the scrape in Prometheus' text format; its type is CONTENT_TYPE."""
        return generate_latest(self.registry)

    def _orders(self) -> None:
        self.orders = self._counter("orders_total", "orders by outcome", "result", "deny_code")
        self.fills = self._counter("fills_total", "executions folded in")
        self.order_submit = self._histogram("order_submit_seconds", "from send to a clear outcome")
        self.order_unknown = self._gauge("order_unknown_current", "orders of unknown outcome")
        self.intent_age_max = self._gauge("intent_age_max_seconds", "oldest unsettled intent")
        self.preview = self._histogram("preview_seconds", "making one preview")
        self.gate = self._histogram("gate_seconds", "all checks of one confirmation")
        self.reconcile_mismatch = self._counter("reconcile_mismatch_total", "differences found")

    def _risk(self) -> None:
        self.kill_state = self._gauge("kill_state", "1 while the kill switch is set")
        self.risk_used = self._gauge("risk_used_ratio", "share of a limit in use", "limit")
        self.delta = self._gauge("delta", "portfolio delta, share equivalents")
        self.pnl_day = self._gauge("pnl_day", "profit or loss of the session, dollars")

    def _market(self) -> None:
        self.quote_age = self._gauge("quote_age_seconds", "age of quotes", "quantile")
        self.chain_update = self._histogram("chain_update_seconds", "recomputing the chain")
        self.quotes = self._counter("quotes_total", "quotes by what became of them", "result")
        self.ws_reconnects = self._counter("ws_reconnects_total", "new connections", "stream")
        self.ws_errors = self._counter("ws_errors_total", "unusable messages", "stream")
        self.ws_connected = self._gauge("ws_connected", "1 while connected", "stream")
        self.ws_staleness = self._gauge("ws_staleness_seconds", "since the last message", "stream")

    def _plumbing(self) -> None:
        self.tool = self._histogram("tool_seconds", "one tool call", "tool", "result")
        self.http = self._histogram("http_request_seconds", "broker calls", "host", "method")
        self.http_requests = self._counter(
            "http_requests_total", "broker replies by status, 0 is none", "host", "method", "code"
        )
        self.ratelimit_remaining = self._gauge("ratelimit_remaining", "requests left at once")
        self.breaker_state = self._gauge("breaker_state", "0 closed, 1 probing, 2 open", "breaker")
        self.job_failures = self._counter("job_failures_total", "background failures", "job")
        self.loop_lag = self._gauge("loop_lag_seconds", "how late the event loop runs")
        self.build_info = self._gauge("build_info", "always 1", "version", "mode")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=FAST)
