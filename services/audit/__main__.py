"""`python -m services.audit`: records the changes of the other services and shows them."""

from contextlib import AsyncExitStack

from stateroom.audit.v1 import audit_service_pb2

from chassis.changes import Registry
from chassis.rpc.server import Server
from chassis.service import Service, open_service, run
from services.audit.ledger import record
from services.audit.ledger.servicer import AuditServicer
from services.audit.settings import AuditSettings


async def open_audit(settings: AuditSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    service = await open_service("audit", settings, Registry(), stack)
    for source in settings.audit_sources:
        service.consume(service.neighbour(source), record.record_changes, record.record_rollback)
    server = service.server()
    contract = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"]
    server.add(contract, AuditServicer(service.database, service.pages))
    return service, server


if __name__ == "__main__":
    run(AuditSettings, open_audit)
