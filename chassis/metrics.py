"""Metrics of this process in the form of Prometheus, served on an address of their own.

Imported only where that address is set. No label ever holds an id: methods, codes, reasons, sources and tables are
those of the contracts and the code.
"""

from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

from chassis import logs, settings

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; a call is answered within 30."""

_log = logs.get("metrics")


class Metrics:
    """What one process tells of itself. `process` is its name, such as `session`."""

    def __init__(self, process: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # without types there
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        ProcessCollector(registry=self.registry)
        build = Info("stateroom_build", "What runs here.", registry=self.registry)
        build.info({"version": version("stateroom"), "process": process})

    def durations(self, name: str, description: str, *labels: str) -> Callable[[tuple[str, ...], float], None]:
        """Return what counts a duration in seconds, given the values of the labels."""
        histogram = Histogram(name, description, labels, buckets=BUCKETS, registry=self.registry)
        children: dict[tuple[str, ...], Histogram] = {}

        def observe(values: tuple[str, ...], seconds: float) -> None:
            child = children.get(values)
            if child is None:
                child = children[values] = histogram.labels(*values)
            child.observe(seconds)

        return observe

    def counter(self, name: str, description: str, label: str) -> Callable[[str], None]:
        """Return what counts one more, given the value of the label."""
        counter = Counter(name, description, (label,), registry=self.registry)
        return lambda value: counter.labels(value).inc()

    def gauge(self, name: str, description: str, **labels: str) -> Gauge:
        """Return a gauge with these labels; other values of the same labels make other gauges of one name."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, description, tuple(labels), registry=self.registry)
        return self._gauges[name].labels(**labels) if labels else self._gauges[name]

    def reading(self, name: str, description: str, read: Callable[[], float], **labels: str) -> None:
        """Show what a function returns at each look. It is called by another thread, and must not wait."""
        self.gauge(name, description, **labels).set_function(read)

    def serve(self, listen: str) -> Callable[[], None]:
        """Serve at `host:port`, port 0 takes a free one; exits when it cannot be had. Returns what ends it."""
        host, _, port = listen.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host.strip("[]"), self.registry)
        except OSError as exc:
            settings.refuse(f"METRICS_LISTEN: {listen}: {exc.strerror}")
        _log.info("metrics served", address=f"http://{host}:{server.server_port}/metrics")

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end
