"""What steps said is kept for a while after their execution has ended, and then forgotten."""

from chassis.retention import Retention
from chassis.system import SystemDatabase

_BATCH = 2000  # lines of up to 8 KiB
_INTERVAL = 3600.0


def forgetting(system: SystemDatabase, days: float) -> Retention:
    """Return what forgets the logs of executions that ended so many days ago."""
    return Retention(system, statement_for(days), _BATCH, _INTERVAL)


def statement_for(days: float) -> str:
    """Return what deletes at most `$1` lines."""
    # A line is older than the end of its execution, and lines are found by their time.
    cutoff = f"now() - interval '{days * 86400:f} seconds'"
    return f"""
    DELETE FROM execution_logs WHERE (execution_id, position) IN (
        SELECT execution_id, position FROM execution_logs JOIN executions USING (execution_id)
        WHERE log_time < {cutoff} AND end_time < {cutoff} LIMIT $1
    )
    """  # noqa: S608  # a number of ours
