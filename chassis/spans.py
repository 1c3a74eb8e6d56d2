"""Spans for OpenTelemetry: what `chassis.trace` records, sent to the collector that the environment names.

Imported only where an endpoint is set. Everything else is read from the environment by OpenTelemetry itself, such as
OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS.
"""

import asyncio
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, set_span_in_context
from typing_extensions import override

from chassis import trace

FLUSH = 1_000
"""Milliseconds in which the last spans must be gone when the process stops."""


class _Given(IdGenerator):
    """Gives a span the ids that travelled."""

    trace_id = 0
    span_id = 0

    @override
    def generate_span_id(self) -> int:
        return self.span_id

    @override
    def generate_trace_id(self) -> int:
        return self.trace_id


class Spans:
    """The spans of one process. `process` is its name, such as `session`."""

    def __init__(self, process: str) -> None:
        self._ids = _Given()
        resource = Resource.create(
            {"service.namespace": "stateroom", "service.name": process, "service.version": version("stateroom")}
        )
        self._processor = BatchSpanProcessor(OTLPSpanExporter())
        provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("stateroom")
        trace.record_with(self._record)

    async def close(self) -> None:
        """Send what waits, and forget what cannot be sent in a second."""
        trace.record_with(None)
        await asyncio.to_thread(self._processor._batch_processor.shutdown, FLUSH)  # noqa: SLF001  # its public form waits 30 s

    def _record(self, span: trace.Span) -> None:
        trace_id, flags = int(span.traceparent[3:35], 16), TraceFlags(int(span.traceparent[53:], 16))
        self._ids.trace_id, self._ids.span_id = trace_id, int(span.traceparent[36:52], 16)
        above = None
        if span.parent_id:
            parent = SpanContext(trace_id, int(span.parent_id, 16), is_remote=True, trace_flags=flags)
            above = set_span_in_context(NonRecordingSpan(parent))
        made = self._tracer.start_span(
            span.name, above, SpanKind[span.kind.value], span.attributes, start_time=span.begin
        )
        if span.failed:
            made.set_status(StatusCode.ERROR)
        made.end(span.end)
