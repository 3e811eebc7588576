"""Sending spans to a collector, where one is configured; nothing is loaded where none is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.config import VERSION, Settings

PATIENCE = 2.0  # seconds of one delivery; a collector that is gone holds nothing up


@asynccontextmanager
async def exported(settings: Settings) -> AsyncIterator[None]:
    """Export spans by OTLP over HTTP while the block lasts; once in a process."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import set_tracer_provider

    told = {
        "service.name": "zero-dte-desk",
        "service.version": VERSION,
        "deployment.environment.name": settings.mode.value,
    }
    provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
    set_tracer_provider(provider)
    try:
        yield
    finally:
        await asyncio.to_thread(provider.shutdown)
