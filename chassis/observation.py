"""What the metrics of a service show: its calls, errors, pools and consumers, and samples of its database."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from chassis.metrics import Metrics
from chassis.samples import Samples

if TYPE_CHECKING:
    from chassis.consumer import Consumer
    from chassis.errors import DomainError
    from chassis.pool import PoolUse
    from chassis.rpc.call import Call
    from chassis.rpc.chain import NoteRefusal
    from chassis.rpc.server import Server
    from chassis.service import Service


class Observation:
    """The metrics of one service. `name` is the service's."""

    def __init__(self, name: str) -> None:
        self._metrics = Metrics(name)
        self._call = self._metrics.durations(
            "stateroom_rpc_duration_seconds", "Calls, when they end; a stream lasts while it is open.", "method", "code"
        )
        self._error = self._metrics.counter("stateroom_rpc_errors", "Errors that callers got.", "reason")

    def note_call(self, call: "Call", seconds: float) -> None:
        """Count a call that ended."""
        self._call((call.method.full_name.removeprefix("/"), call.code), seconds)

    def counting(self, note: "NoteRefusal") -> "NoteRefusal":
        """Return what counts an error and then notes it."""

        def both(call: "Call", error: "DomainError") -> None:
            self._error(error.reason)
            note(call, error)

        return both

    def serve(self, service: "Service", server: "Server") -> Callable[[], None]:
        """Serve the metrics at the address in the service's settings. Returns what ends it."""
        metrics = self._metrics
        metrics.reading("stateroom_rpc_open", "Calls under way, streams among them.", lambda: server.open_calls)
        metrics.reading("stateroom_ready", "1 when the service should be called.", lambda: server.ready)
        self._show_pool("own", service.database.pool_use)
        self._show_pool("system", service.system.pool_use)
        for consumer in service.consumers:
            self._show_consumer(consumer)
        service.loops.append(Samples(metrics, service.system, service.reconcilers, service.counts).run)
        return metrics.serve(service.settings.metrics_listen)

    def _show_consumer(self, consumer: "Consumer") -> None:
        show, source = self._metrics.reading, consumer.source.name
        show("stateroom_consumer_position", "The last change applied.", lambda: consumer.position, source=source)
        show("stateroom_consumer_lag_changes", "What the source has more.", lambda: consumer.behind, source=source)
        show("stateroom_consumer_stopped", "1 after the record went back.", lambda: consumer.stopped, source=source)
        show(
            "stateroom_consumer_head_timestamp_seconds",
            "When the source last told its head.",
            lambda: consumer.asked_at,
            source=source,
        )

    def _show_pool(self, pool: str, use: "Callable[[], PoolUse]") -> None:
        name = "stateroom_database_connections"
        self._metrics.reading(f"{name}_limit", "Connections the pool may have.", lambda: use().size, pool=pool)
        self._metrics.reading(f"{name}_in_use", "Connections in use.", lambda: use().in_use, pool=pool)
        self._metrics.reading(f"{name}_waiting", "Callers that wait for one.", lambda: use().waiting, pool=pool)
