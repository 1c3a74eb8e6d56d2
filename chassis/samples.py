"""What a service's database tells of its work, sampled every few seconds: a look at the metrics costs it nothing."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stateroom.event.v1.change_pb2 import ChangeHeader

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.reconcile import Reconciler
from chassis.system import Connection, SystemDatabase

if TYPE_CHECKING:  # a process without metrics does not load what makes them
    from prometheus_client import Gauge

    from chassis.metrics import Metrics

INTERVAL = 5.0
"""Seconds between two samples."""

_COUNTED = 100_000  # rows of the outbox; more are as alarming, and counting them would cost more
_RELAY = f"""
SELECT position, published_position,
    (SELECT count(*) FROM (SELECT FROM outbox LIMIT {_COUNTED}) AS waiting) AS unnumbered,
    (SELECT header FROM outbox ORDER BY id LIMIT 1) AS oldest_unnumbered,
    (SELECT header FROM changes WHERE position > published_position ORDER BY position LIMIT 1) AS oldest_unpublished
FROM relay_head
"""  # noqa: S608  # a number of ours
_DUE = """
SELECT count(*) AS due, COALESCE(extract(epoch FROM now() - min(reconcile_time)), 0)::float AS oldest
FROM {table} WHERE reconcile_time <= now()
"""

_log = logs.get("samples")


@dataclass(frozen=True, slots=True)
class Count:
    """A number that a service shows: what one statement answers over all accounts, such as how many sessions live."""

    name: str
    description: str
    statement: str


class Samples:
    """Samples of one service."""

    def __init__(
        self,
        metrics: "Metrics",
        database: SystemDatabase,
        reconcilers: Sequence[Reconciler],
        counts: Sequence[Count],
    ) -> None:
        self._database = database
        self._relay = _relay_gauges(metrics)
        self._sampled = metrics.gauge("stateroom_sample_timestamp_seconds", "When the database was last sampled.")
        self._due = {
            reconciler.table: (
                metrics.gauge("stateroom_reconcile_due", "Rows whose time has come.", table=reconciler.table),
                metrics.gauge(
                    "stateroom_reconcile_oldest_seconds", "How long the longest has waited.", table=reconciler.table
                ),
            )
            for reconciler in reconcilers
        }
        self._counts = [(count.statement, metrics.gauge(count.name, count.description)) for count in counts]

    async def run(self) -> None:
        """Sample until cancelled; what the database does not tell now it tells the next time."""
        while True:
            cancellation.heed()
            try:
                async with self._database.connection() as connection:
                    await self.sample(connection)
                self._sampled.set(time.time())
            except FAILURES as exc:
                _log.warning("sampling failed, trying again", error=repr(exc))
            await asyncio.sleep(INTERVAL)

    async def sample(self, connection: Connection) -> None:
        """Sample once."""
        relay = await connection.fetchrow(_RELAY)
        self._relay["position"].set(relay["position"])
        self._relay["unnumbered"].set(relay["unnumbered"])
        self._relay["unpublished"].set(relay["position"] - relay["published_position"])
        self._relay["lag"].set(max(_age(relay["oldest_unnumbered"]), _age(relay["oldest_unpublished"])))
        for table, (due, oldest) in self._due.items():
            row = await connection.fetchrow(_DUE.format(table=table))
            due.set(row["due"])
            oldest.set(row["oldest"])
        for statement, gauge in self._counts:
            gauge.set(await connection.fetchval(statement))


def _relay_gauges(metrics: "Metrics") -> "Mapping[str, Gauge]":
    return {
        "position": metrics.gauge("stateroom_relay_position", "Position of the newest numbered change."),
        "unnumbered": metrics.gauge("stateroom_relay_unnumbered_changes", "Committed changes without a position."),
        "unpublished": metrics.gauge("stateroom_relay_unpublished_changes", "Numbered changes not yet published."),
        "lag": metrics.gauge("stateroom_relay_lag_seconds", "Age of the oldest change that is not yet published."),
    }


def _age(header: bytes | None) -> float:
    """Return the seconds since a change, 0 for none."""
    if header is None:
        return 0.0
    return (datetime.now(UTC) - ChangeHeader.FromString(header).time.ToDatetime(UTC)).total_seconds()
