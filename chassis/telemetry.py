"""Whether spans are recorded: only where the settings name a collector."""

from contextlib import AsyncExitStack

from chassis.settings import TrustSettings


def open_spans(settings: TrustSettings, process: str, stack: AsyncExitStack) -> None:
    """Send spans to the collector that the settings name, if they do. The stack sends the last of them."""
    if settings.otel_exporter_otlp_endpoint:
        from chassis.spans import Spans  # noqa: PLC0415  # 14 MB that only who asks for spans pays

        stack.push_async_callback(Spans(process).close)
