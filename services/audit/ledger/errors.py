"""What can go wrong with the ledger."""

from uuid import UUID

from chassis.errors import NotFound


class AuditLogNotFound(NotFound):
    """There is no audit log entry {auditLogId} in this account."""

    reason = "AUDIT_LOG_NOT_FOUND"

    def __init__(self, audit_log_id: UUID) -> None:
        super().__init__(auditLogId=str(audit_log_id))
