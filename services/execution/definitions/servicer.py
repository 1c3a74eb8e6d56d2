"""WorkflowService: what executions do, in versions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from stateroom.execution.v1 import workflow_pb2
from stateroom.execution.v1 import workflow_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database, Transaction
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.execution.definitions import convert, operations, queries
from services.execution.definitions.domain import Workflow
from services.execution.definitions.validation import expect_valid
from services.execution.expressions import Expressions


class Transition(Protocol):
    """An operation that takes a version from one state to another."""

    async def __call__(self, tx: Transaction, *, workflow_id: UUID, etag: str) -> Workflow:
        """Return the version as it is afterwards."""


TransitionRequest = pb.ActivateWorkflowRequest | pb.DeleteWorkflowRequest | pb.UndeleteWorkflowRequest


@dataclass(frozen=True, slots=True)
class WorkflowServicer:
    """Serves stateroom.execution.v1.WorkflowService."""

    database: Database
    pages: Pages
    expressions: Expressions

    async def CreateWorkflow(self, request: pb.CreateWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Make a workflow, or only look for problems."""
        user_id = ids.parse(call.principal.subject)
        wanted = convert.workflow_from_proto(request.workflow, call.account_id, user_id, datetime.now(UTC))
        await expect_valid(wanted.definition, "workflow.definition", self.expressions)
        if request.validate_only:
            return convert.workflow_to_proto(wanted)
        workflow = await self.database.write(call.actor, operations.create_workflow, workflow=wanted)
        return convert.workflow_to_proto(workflow)

    async def GetWorkflow(self, request: pb.GetWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Return a version."""
        workflow_id = ids.parse(request.workflow_id)
        workflow = await self.database.read(call.actor, queries.get_workflow, workflow_id=workflow_id)
        return convert.workflow_to_proto(workflow)

    async def ListWorkflows(self, request: pb.ListWorkflowsRequest, call: Call) -> pb.ListWorkflowsResponse:
        """Return a page of versions."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_workflows,
            parent_workflow_id=ids.parse(request.parent_workflow_id) if request.parent_workflow_id else None,
            name=request.name,
            state=convert.state_from_proto(request.state),
            show_deleted=request.show_deleted,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda workflow: workflow.workflow_id)
        return pb.ListWorkflowsResponse(workflows=map(convert.workflow_to_proto, shown), next_page_token=token)

    async def UpdateWorkflow(self, request: pb.UpdateWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Change a draft, or make the next version."""
        names = masks.fields_to_set(request.workflow, request.update_mask)
        values = convert.values_from_proto(request.workflow, names)
        if "definition" in values:
            await expect_valid(values["definition"], "workflow.definition", self.expressions)
        workflow = await self.database.write(
            call.actor,
            operations.update_workflow,
            workflow_id=ids.parse(request.workflow_id),
            values=values,
            user_id=ids.parse(call.principal.subject),
            etag=request.etag,
        )
        return convert.workflow_to_proto(workflow)

    async def ActivateWorkflow(self, request: pb.ActivateWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Let executions be started from a version."""
        return await self._change(operations.activate_workflow, request, call)

    async def DeleteWorkflow(self, request: pb.DeleteWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Delete a version."""
        return await self._change(operations.delete_workflow, request, call)

    async def UndeleteWorkflow(self, request: pb.UndeleteWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Bring a version back."""
        return await self._change(operations.undelete_workflow, request, call)

    async def _change(self, operation: Transition, request: TransitionRequest, call: Call) -> workflow_pb2.Workflow:
        workflow_id = ids.parse(request.workflow_id)
        workflow = await self.database.write(call.actor, operation, workflow_id=workflow_id, etag=request.etag)
        return convert.workflow_to_proto(workflow)
