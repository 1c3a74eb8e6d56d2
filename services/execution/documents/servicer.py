"""WorkflowLifeService: what becomes of versions of workflows, and how they are shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from google.api.httpbody_pb2 import HttpBody
from stateroom.execution.v1 import workflow_life_service_pb2 as pb
from stateroom.execution.v1 import workflow_pb2

from chassis import ids
from chassis.database import Database
from chassis.rpc.call import Call
from services.execution.definitions import queries
from services.execution.definitions.convert import workflow_to_proto
from services.execution.definitions.domain import Workflow
from services.execution.definitions.store import WORKFLOWS
from services.execution.documents import convert
from services.execution.versions import operations
from services.execution.versions.operations import Transition


@dataclass(frozen=True, slots=True)
class WorkflowLifeServicer:
    """Serves stateroom.execution.v1.WorkflowLifeService."""

    database: Database

    async def DeactivateWorkflow(self, request: pb.DeactivateWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Let no execution be started from a version."""
        return await self._change(operations.deactivate_version, request, call)

    async def ArchiveWorkflow(self, request: pb.ArchiveWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Only keep a version."""
        return await self._change(operations.archive_version, request, call)

    async def ExportWorkflow(self, request: pb.ExportWorkflowRequest, call: Call) -> AsyncIterator[HttpBody]:
        """Return a version as a file."""
        workflow_id = ids.parse(request.workflow_id)
        workflow = await self.database.read(call.actor, queries.get_workflow, workflow_id=workflow_id)
        yield convert.file_of(workflow)

    async def GetWorkflowGraph(self, request: pb.GetWorkflowGraphRequest, call: Call) -> pb.WorkflowGraph:
        """Return a version as a graph."""
        workflow_id = ids.parse(request.workflow_id)
        workflow = await self.database.read(call.actor, queries.get_workflow, workflow_id=workflow_id)
        return convert.graph_of(workflow)

    async def _change(
        self,
        operation: Transition[Workflow],
        request: pb.DeactivateWorkflowRequest | pb.ArchiveWorkflowRequest,
        call: Call,
    ) -> workflow_pb2.Workflow:
        workflow_id = ids.parse(request.workflow_id)
        workflow = await self.database.write(
            call.actor, operation, family=WORKFLOWS, entity_id=workflow_id, etag=request.etag
        )
        return workflow_to_proto(workflow)
