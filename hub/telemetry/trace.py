"""Traces through OpenTelemetry; when no collector is configured, spans cost next to nothing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SpanName = Literal[
    "operation", "identify", "parse", "rule", "plan", "run", "fetch", "emit", "record", "reload"
]
"""One span per room and one per fetch."""

Attribute = Literal[
    "hub.operation_id",
    "hub.outcome",
    "hub.code",
    "hub.door",
    "hub.source",
    "hub.rows",
    "hub.calls",
    "hub.epoch",
]
"""The only attributes; none of them holds a data value."""

_NOTHING: AbstractContextManager[None] = nullcontext()


class Tracing:
    """Makes spans; one per process, handed to those who trace."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._provider = provider
        self._tracer: Tracer | None = None if provider is None else provider.get_tracer("hub")
        self.enabled = provider is not None

    def span(
        self,
        name: SpanName,
        attributes: Mapping[Attribute, str | int] | None = None,
        *,
        parent: str | None = None,
    ) -> AbstractContextManager[object]:
        """A span around a block; `parent` is a caller's `traceparent` header."""
        if self._tracer is None:
            return _NOTHING
        return self._tracer.start_as_current_span(
            name,
            context=_context(parent),
            kind=SpanKind.SERVER if name == "operation" else SpanKind.INTERNAL,
            attributes=None if attributes is None else {str(k): v for k, v in attributes.items()},
            record_exception=False,  # messages may hold data
            set_status_on_exception=False,
        )

    def close(self) -> None:
        """Send what waits and stop."""
        if self._provider is not None:
            self._provider.shutdown()


def open_tracing(
    endpoint: str | None, *, service_name: str = "hub", exporter: SpanExporter | None = None
) -> Tracing:
    """Tracing to an OTLP collector over HTTP; without an endpoint, none."""
    if endpoint is None and exporter is None:
        return Tracing(None)
    if exporter is None:
        # imported only when asked for: it is half of the start-up time of a hub without it
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=endpoint)
    provider = TracerProvider(
        resource=Resource.create({"service.name": service_name}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)


def new_trace() -> str:
    """A fresh trace id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def traceparent(trace: str) -> str:
    """A W3C `traceparent` header within a trace, under a fresh parent id."""
    return f"00-{trace}-{secrets.token_hex(8)}-01"


_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def trace_of(header: str) -> str | None:
    """The trace id of a `traceparent` header; ``None`` if it is none (W3C Trace Context 2)."""
    found = _PARENT.match(header)
    return None if found is None else found.group(1)


def _context(parent: str | None) -> Context | None:
    if parent is None:
        return None
    return TraceContextTextMapPropagator().extract({"traceparent": parent})
