"""What the metrics of the session service count."""

from chassis.samples import Count

COUNTS = (
    Count(
        "stateroom_sessions_live",
        "Sessions that have not ended.",
        "SELECT count(*) FROM sessions WHERE end_time IS NULL",
    ),
    Count("stateroom_attachments", "Devices attached to sessions.", "SELECT count(*) FROM session_attachments"),
)
