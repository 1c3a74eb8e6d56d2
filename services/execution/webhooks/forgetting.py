"""Deliveries of all accounts are kept for a while, and then forgotten. What was decided about them stays."""

from datetime import timedelta

from chassis.retention import Retention
from chassis.system import SystemDatabase

KEPT = timedelta(days=30)

_BATCH = 200  # with a body of up to 1 MiB each
_INTERVAL = 3600.0
_FORGET = f"""
DELETE FROM deliveries WHERE delivery_id IN (
    SELECT delivery_id FROM deliveries WHERE receive_time < now() - interval '{KEPT.days} days' LIMIT $1
)
"""  # noqa: S608  # a number of ours


def forgetting(system: SystemDatabase) -> Retention:
    """Return what forgets deliveries."""
    return Retention(system, _FORGET, _BATCH, _INTERVAL)
