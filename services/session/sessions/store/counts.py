"""What the metrics of the session service count."""

from chassis.samples import Count

COUNTS = (
    Count(
        "stateroom_sessions_live",
        "Sessions that have not ended.",
        "SELECT count(*) FROM sessions WHERE end_time IS NULL",
    ),
    Count(
        "stateroom_sessions_lost",
        "Sessions whose runner was lost within the last hour.",
        "SELECT count(*) FROM sessions WHERE state = 'LOST' AND end_time > now() - interval '1 hour'",
    ),
    Count("stateroom_attachments", "Devices attached to sessions.", "SELECT count(*) FROM session_attachments"),
)
