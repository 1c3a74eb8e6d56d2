"""One of everything that belongs to executions, and a second of what lists show."""

from typing import Any

from stateroom.execution.v1 import execution_pb2, workflow_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb
from stateroom.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub
from stateroom.execution.v1.workflow_service_pb2_grpc import WorkflowServiceStub

from tests.support.execution_stage import definition
from tests.support.people import Person, connected

_FAILS: dict[str, Any] = {"data": {}, "inputs": {"n": "inputs.nothing"}, "onError": "CONTINUE"}
_STEPS = definition([{"key": "a", **_FAILS}, {"key": "b", **_FAILS}, {"key": "ask", "approval": {"message": "Go on?"}}])


async def executions(owner: Person) -> dict[str, str]:
    """Make it; returns the ids by field name. The executions wait, with steps that have failed and one that asks."""
    async with connected(owner.product, "execution") as channel:
        workflows: Any = WorkflowServiceStub(channel)
        running: Any = ExecutionServiceStub(channel)
        sent: dict[str, Any] = {"metadata": owner.metadata, "timeout": 20, "wait_for_ready": True}
        create = workflow_pb.CreateWorkflowRequest(workflow=workflow_pb2.Workflow(name="a", definition=_STEPS))
        _, made = [await workflows.CreateWorkflow(create, **sent) for _ in range(2)]
        await workflows.ActivateWorkflow(workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id), **sent)
        start = pb.StartExecutionRequest(execution=execution_pb2.Execution(workflow_id=made.workflow_id))
        _, started = [await running.StartExecution(start, **sent) for _ in range(2)]
        async for news in running.WatchExecution(pb.WatchExecutionRequest(execution_id=started.execution_id), **sent):
            if news.sequence > 2:
                break
    return {"workflow_id": made.workflow_id, "execution_id": started.execution_id}
