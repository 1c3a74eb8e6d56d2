"""WorkflowService: what executions do, in versions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from stateroom.execution.v1 import workflow_pb2
from stateroom.execution.v1 import workflow_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.execution.definitions import convert, operations, queries
from services.execution.definitions.checking import Checking
from services.execution.definitions.domain import Workflow
from services.execution.definitions.store import WORKFLOWS
from services.execution.versions import operations as versions
from services.execution.versions.convert import filter_from_proto
from services.execution.versions.operations import Transition

TransitionRequest = pb.ActivateWorkflowRequest | pb.DeleteWorkflowRequest | pb.UndeleteWorkflowRequest


@dataclass(frozen=True, slots=True)
class WorkflowServicer:
    """Serves stateroom.execution.v1.WorkflowService."""

    database: Database
    pages: Pages
    checking: Checking

    async def CreateWorkflow(self, request: pb.CreateWorkflowRequest, call: Call) -> workflow_pb2.Workflow:
        """Make a workflow, or only look for problems."""
        user_id = ids.parse(call.principal.subject)
        wanted = convert.workflow_from_proto(request.workflow, call.account_id, user_id, datetime.now(UTC))
        await self.checking.expect_valid(call.actor, wanted.definition, "workflow.definition")
        if request.validate_only:
            return convert.workflow_to_proto(wanted)
        workflow = await self.database.write(call.actor, versions.create_version, family=WORKFLOWS, version=wanted)
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
            wanted=filter_from_proto(request, request.parent_workflow_id, convert.state_from_proto(request.state)),
            is_scheduled=request.is_scheduled,
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
            await self.checking.expect_valid(call.actor, values["definition"], "workflow.definition")
        workflow = await self.database.write(
            call.actor,
            versions.update_version,
            family=WORKFLOWS,
            entity_id=ids.parse(request.workflow_id),
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
        return await self._change(versions.undelete_version, request, call)

    async def _change(
        self, operation: Transition[Workflow], request: TransitionRequest, call: Call
    ) -> workflow_pb2.Workflow:
        workflow_id = ids.parse(request.workflow_id)
        workflow = await self.database.write(
            call.actor, operation, family=WORKFLOWS, entity_id=workflow_id, etag=request.etag
        )
        return convert.workflow_to_proto(workflow)
