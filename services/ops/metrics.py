"""What the desk counts and measures, under names that dashboards may rely on.

Labels hold no account and no contract: a scrape may be read by others.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from common.clock import MonotonicClock, Stopwatch

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry of its own, so that two desks in a process do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.up = Stopwatch(MonotonicClock())
        self._orders()
        self._risk()
        self._market()
        self._plumbing()

    def render(self) -> bytes:
        """Return the scrape in Prometheus' text format; its type is CONTENT_TYPE."""
        return generate_latest(self.registry)

    def _orders(self) -> None:
        self.orders = self._counter("orders_total", "orders sent, by outcome", "result")
        self.refusals = self._counter("refusals_total", "previews and orders refused", "code")
        self.fills = self._counter("fills_total", "orders that filled, wholly or further")
        self.order_submit = self._histogram("order_submit_seconds", "from send to a clear outcome")
        self.order_unknown = self._gauge("order_unknown_current", "orders of unknown outcome")
        self.preview = self._histogram("preview_seconds", "making one preview")
        self.confirm = self._histogram("confirm_seconds", "from a token to an answer")

    def _risk(self) -> None:
        self.kill_state = self._gauge("kill_state", "1 while trading is halted or reduced")
        self.alerts = self._counter("risk_alerts_total", "limits breached without a trade", "limit")
        self.delta = self._gauge("portfolio_delta_shares", "share equivalents, NaN when unknown")
        self.session_pnl = self._gauge(
            "session_pnl_dollars", "at natural exit prices, NaN when unknown"
        )
        self.exits = self._gauge("exits_armed", "protective exits that watch a trade")

    def _market(self) -> None:
        self.quote_age = self._gauge("quote_age_seconds", "age of quotes", "quantile")
        self.quotes = self._gauge("quotes", "quotes since the start, by fate", "result")
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
