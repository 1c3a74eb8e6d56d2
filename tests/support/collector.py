"""A collector of spans that speaks the real protocol (OTLP over gRPC) on a free port, and keeps what it gets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Collected:
    """A span and the process that it came from."""

    process: str
    span: Span

    @property
    def trace_id(self) -> str:
        """The trace, in hexadecimal digits as everywhere in our records."""
        return self.span.trace_id.hex()

    @property
    def attributes(self) -> dict[str, str]:
        """What it says of itself."""
        return {pair.key: pair.value.string_value for pair in self.span.attributes}


class Collector(TraceServiceServicer):
    """Keeps every span."""

    def __init__(self) -> None:
        self.address = ""
        self.collected: list[Collected] = []

    @override
    async def Export(self, request: pb.ExportTraceServiceRequest, context: Any) -> pb.ExportTraceServiceResponse:
        """Take spans, as OTLP calls it."""
        for resource in request.resource_spans:
            named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.collected += [Collected(named["service.name"], span) for span in scope.spans]
        return pb.ExportTraceServiceResponse()

    def of(self, trace_id: str) -> list[Collected]:
        """Return the spans of one trace."""
        return [one for one in self.collected if one.trace_id == trace_id]


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    """Run a collector until the block ends."""
    collector, server = Collector(), grpc.aio.server()
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # generated without types
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield collector
    await server.stop(0)
