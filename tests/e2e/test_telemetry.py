"""Spans of a trade reach a collector in one trace, with names and outcomes and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.desk import Desk
from tests.e2e.changing import changes
from tests.exchange import Exchange
from tests.tools.market import PATIENT, until

CONDOR = "iron_condor_30_delta"
ATTRIBUTES = {"tool", "outcome", "client_order_id"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER: Any = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@dataclass
class Collector:
    """What an OpenTelemetry collector hears, over HTTP on a socket."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator[Collector]:
        """Listen while the block lasts."""
        collector = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    collector.bodies.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            collector.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield collector
            server.shutdown()
            thread.join()

    def spans(self) -> list[Any]:
        """Return every span heard so far."""
        return [
            span
            for body in list(self.bodies)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Any]:
        """Return the spans of a name, oldest first."""
        found = [span for span in self.spans() if span.name == name]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange.start(folder, clock="stepped", day="2026-12-08", at="10:05", seed=7) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector.listening() as collector:
        yield collector


@pytest.fixture(scope="module")
def desk(
    exchange: Exchange, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    settings = {**PATIENT, "otel_exporter_otlp_endpoint": collector.url}
    with Desk.start(tmp_path_factory.mktemp("state"), exchange, **settings) as desk:
        yield desk


def told(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


@changes("otel_exporter_otlp_endpoint")
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_trade_is_one_trace_from_the_tool_to_the_fill(
    desk: Desk, collector: Collector, era: Any
) -> None:
    collector.bodies.clear()
    async with desk.client(era=era) as client:
        await client.ready()
        order = await client.confirmed(CONDOR, await client.ask(CONDOR, width=1), width=1)
        order_id = order["client_order_id"]
        assert (await client.ended(order_id))["status"] == "filled"
        await client.ask("flatten_all")

    async def heard() -> bool:
        fills = [told(one).get("client_order_id") for one in collector.named("fill")]
        return order_id in fills and len(collector.named("tool flatten_all")) > 0

    await until(heard, "no fill was told")
    [submit] = [s for s in collector.named("submit") if told(s)["client_order_id"] == order_id]
    [fill] = [s for s in collector.named("fill") if told(s)["client_order_id"] == order_id][-1:]
    assert fill.parent_span_id == submit.span_id
    assert told(fill)["outcome"] == "filled"
    tools = {span.span_id: span for span in collector.named(f"tool {CONDOR}")}
    risks = [tools.get(span.parent_span_id) for span in collector.named("risk")]
    sending = tools[submit.parent_span_id]
    assert sending in risks
    assert {span.trace_id for span in (fill, submit, sending)} == {sending.trace_id}
    previews = collector.named("preview")
    assert previews[0].parent_span_id in tools
    assert told(sending) == {"tool": CONDOR, "outcome": "ok"}


async def test_a_refusal_has_its_code_and_a_caller_its_own_trace(
    desk: Desk, collector: Collector
) -> None:
    collector.bodies.clear()
    async with desk.client() as client:
        await client.ready()
        await client.mcp.call_tool("get_order_status", {"order_id": "canary"})
        await client.mcp.call_tool("get_positions", {}, meta=CALLER)
        await client.mcp.call_tool("canary_tool", {"canary": 1})
        await client.mcp.call_tool("get_market_clock", {})

    async def heard() -> bool:
        return len(collector.named("tool get_market_clock")) > 0

    await until(heard, "nothing was told")
    [refused] = collector.named("tool get_order_status")
    assert told(refused) == {"tool": "get_order_status", "outcome": "order_not_found"}
    [joined] = collector.named("tool get_positions")
    assert joined.trace_id.hex() == TRACE
    spans = collector.spans()
    assert {key for span in spans for key in told(span)} <= ATTRIBUTES
    assert not any(span.events or span.status.message for span in spans)
    heard_of = b"".join(collector.bodies)
    for secret in (b"canary", desk.token().encode(), *(exchange_keys(desk))):
        assert secret not in heard_of


def exchange_keys(desk: Desk) -> tuple[bytes, bytes]:
    settings = desk.settings
    return settings["alpaca_api_key"].encode(), settings["alpaca_secret_key"].encode()
