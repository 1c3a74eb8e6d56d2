"""Tickets and passes that are over, of all accounts, are forgotten."""

from chassis.retention import Retention
from chassis.system import SystemDatabase

_BATCH = 1_000
_INTERVAL = 3600.0
_KEYS = {"share_tickets": "ticket_id", "preview_passes": "pass_id"}


def forgetting(system: SystemDatabase) -> list[Retention]:
    """Return what forgets them, table by table."""
    return [Retention(system, _statement(table, key), _BATCH, _INTERVAL) for table, key in _KEYS.items()]


def _statement(table: str, key: str) -> str:
    return f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expire_time < now() LIMIT $1)"  # noqa: S608  # names of ours
