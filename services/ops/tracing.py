"""Spans of a call's way: tool, preview, risk, submit, fill. Free until an exporter is set.

A span says what was done and how it ended: its name, an outcome and at most a client order
id. No argument, no amount and no secret goes into one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    ProxyTracerProvider,
    Span,
    SpanContext,
    get_current_span,
    get_tracer,
    get_tracer_provider,
    set_span_in_context,
)

from common.errors import TradingError
from common.ids import ClientOrderId

KEPT: Final = 1_000  # orders whose fills find their way back to what sent them
OUTCOME: Final = "outcome"
ORDER: Final = "client_order_id"
_TRACER = get_tracer("zero-dte-desk")


def traced() -> bool:
    """Tell whether spans go anywhere: whether an exporter was set in this process."""
    return not isinstance(get_tracer_provider(), ProxyTracerProvider)


@contextmanager
def span(name: str, client_order_id: ClientOrderId | None = None) -> Iterator[Span]:
    """Measure the block; its outcome is ok, what the block says, or the code of what it raised."""
    if not traced():
        yield INVALID_SPAN
        return
    with _TRACER.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as made:
        if client_order_id is not None:
            made.set_attribute(ORDER, client_order_id)
        made.set_attribute(OUTCOME, "ok")
        try:
            yield made
        except BaseException as e:
            made.set_attribute(OUTCOME, e.code if isinstance(e, TradingError) else "error")
            raise


class OrderTraces:
    """Joins a fill, which comes when it comes, to the trace of the call that sent the order."""

    def __init__(self) -> None:
        self._sent: OrderedDict[ClientOrderId, SpanContext] = OrderedDict()

    def sent(self, client_order_id: ClientOrderId) -> None:
        """Note that an order leaves in the current span."""
        here = get_current_span().get_span_context()
        if not here.is_valid:
            return
        self._sent[client_order_id] = here
        while len(self._sent) > KEPT:
            self._sent.popitem(last=False)

    def filled(self, client_order_id: ClientOrderId, status: str) -> None:
        """Make the span of a fill, below the one that sent the order."""
        sent = self._sent.get(client_order_id)
        if sent is None:
            return
        with _TRACER.start_as_current_span(
            "fill",
            context=set_span_in_context(NonRecordingSpan(sent)),
            attributes={ORDER: client_order_id, OUTCOME: status},
        ):
            return
