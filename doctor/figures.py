"""What the metrics of a process say is wrong with it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from doctor.finding import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Limit:
    """Up to which value a figure is good; `said` and `advice` may hold `{value}` and the figure's labels."""

    most: float
    verdict: Verdict
    said: str
    advice: str


LIMITS = {
    "stateroom_consumer_stopped": Limit(
        0,
        Verdict.MISSING,
        "it stopped following {source}, whose record went back",
        "the database of {source} was restored or changed behind its back: find out how before anything else",
    ),
    "stateroom_consumer_lag_changes": Limit(
        1_000, Verdict.DEGRADED, "it is {value:,.0f} changes behind {source}", "see its log for `consumer`"
    ),
    "stateroom_relay_unnumbered_changes": Limit(
        10_000, Verdict.DEGRADED, "{value:,.0f} changes have no position yet", "see its log for `relay`"
    ),
    "stateroom_relay_lag_seconds": Limit(
        30, Verdict.DEGRADED, "its oldest unpublished change is {value:.0f} s old", "see whether NATS answers"
    ),
    "stateroom_reconcile_oldest_seconds": Limit(
        60,
        Verdict.DEGRADED,
        "work on {table} has waited for {value:.0f} s",
        "see its log for `reconcile`; a runner or a neighbour may not answer",
    ),
    "stateroom_database_connections_waiting": Limit(
        0, Verdict.DEGRADED, "{value:.0f} callers wait for a connection of the pool {pool}", "raise DATABASE_POOL_SIZE"
    ),
    "stateroom_executions_overdue": Limit(
        0, Verdict.DEGRADED, "nobody looks at {value:.0f} executions that are due", "see whether an engine answers"
    ),
    "stateroom_schedules_overdue": Limit(
        0, Verdict.DEGRADED, "nobody has decided about {value:.0f} schedules", "see its log for `schedule`"
    ),
}
"""As the alerts in docs/operations.md have them."""

_OLD = 60.0  # seconds after which a time stamp says that nobody looks any more
_STAMPS = {
    "stateroom_sample_timestamp_seconds": ("it has not asked its database for {age:.0f} s", "see its log"),
    "stateroom_consumer_head_timestamp_seconds": (
        "{source} has not told its head for {age:.0f} s",
        "see whether {source} answers",
    ),
}
_FILES = 0.8  # of the open files that a process may have


def judged(part: str, page: str) -> Iterator[Finding]:
    """Yield what is wrong with a process by its page of metrics; nothing when all is well."""
    now, values = time.time(), dict[str, float]()
    try:
        families = list(text_string_to_metric_families(page))
    except ValueError:
        yield Finding.degraded(part, "what stands where its metrics should be are none", "see who listens there")
        return
    for family in families:
        for sample in family.samples:
            values[sample.name] = sample.value
            limit, stamp = LIMITS.get(sample.name), _STAMPS.get(sample.name)
            if limit is not None and sample.value > limit.most:
                known = {"value": sample.value, **sample.labels}
                yield Finding(part, limit.verdict, limit.said.format(**known), limit.advice.format(**known))
            if stamp is not None and 0 < sample.value < now - _OLD:
                known = {"age": now - sample.value, **sample.labels}
                yield Finding.degraded(part, stamp[0].format(**known), stamp[1].format(**known))
    opened, most = values.get("process_open_fds", 0.0), values.get("process_max_fds", 0.0)
    if most and opened > _FILES * most:
        advice = "raise the limit of open files (`ulimit -n`, LimitNOFILE)"
        yield Finding.degraded(part, f"{opened:.0f} of {most:.0f} files that it may have are open", advice)
