"""AuditService: the ledger, read by account."""

from dataclasses import dataclass

from stateroom.audit.v1 import audit_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import MAXIMUM_LOG_SIZE, Pages
from chassis.rpc.call import Call
from services.audit.ledger import convert, queries


@dataclass(frozen=True, slots=True)
class AuditServicer:
    """Serves stateroom.audit.v1.AuditService."""

    database: Database
    pages: Pages

    async def ListAuditLogs(self, request: pb.ListAuditLogsRequest, call: Call) -> pb.ListAuditLogsResponse:
        """Return a page of entries, newest first."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        rows = await self.database.read(
            call.actor,
            queries.list_entries,
            account_id=call.account_id,
            wanted=convert.audit_logs_filter(request),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda entry: entry.audit_log_id)
        return pb.ListAuditLogsResponse(audit_logs=map(convert.audit_log_to_proto, shown), next_page_token=token)

    async def GetAuditLog(self, request: pb.GetAuditLogRequest, call: Call) -> pb.AuditLog:
        """Return an entry with its bytes."""
        entry = await self.database.read(
            call.actor, queries.get_entry, account_id=call.account_id, audit_log_id=ids.parse(request.audit_log_id)
        )
        audit_log = convert.audit_log_to_proto(entry)
        audit_log.change.CopyFrom(convert.change_of(entry))
        return audit_log

    async def ListChangeEvents(self, request: pb.ListChangeEventsRequest, call: Call) -> pb.ListChangeEventsResponse:
        """Return a page of changes with their content: newest first, or one entity's history in order."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        rows = await self.database.read(
            call.actor,
            queries.list_changes,
            account_id=call.account_id,
            wanted=convert.change_events_filter(request),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda entry: entry.audit_log_id)
        return pb.ListChangeEventsResponse(
            change_events=map(convert.change_event_to_proto, shown), next_page_token=token
        )
