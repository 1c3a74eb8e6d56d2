"""Starting an execution: stored as owned by the engine of this process, which begins it at once."""

from dataclasses import dataclass, replace
from uuid import UUID

from chassis import faults, ids
from chassis.database import Database
from chassis.rpc.call import Call
from services.execution.agents import queries as agents
from services.execution.agents.domain import Agent
from services.execution.agents.errors import InputDoesNotFit
from services.execution.agents.parameters import problems_with
from services.execution.definitions import queries as definitions
from services.execution.definitions.checking import Checking
from services.execution.definitions.domain import Definition
from services.execution.engine.engine import FIRST_EPOCH, LEASE, Engine
from services.execution.executions.domain import Execution, Lease
from services.execution.executions.operations import ExecutionSpec, start_execution
from services.execution.expressions import Expressions

_AFTER_START = faults.Point("engine.after_start", "An execution is stored and owned, and has not begun.")


@dataclass(frozen=True, slots=True)
class Starting:
    """Starts executions on one engine."""

    database: Database
    engine: Engine
    expressions: Expressions

    async def start(self, call: Call, spec: ExecutionSpec) -> Execution:
        """Start an execution, or return the one that an earlier call of the same request id started."""
        if spec.agent_id is not None:
            agent = await self.database.read(call.actor, agents.get_agent, agent_id=spec.agent_id)
            spec = await within(agent, spec, self.expressions)
            definition = agent.definition
        else:
            definition = await self._definition(call, spec)
        execution = await self.database.write(
            call.actor,
            start_execution,
            spec=spec,
            user_id=ids.parse(call.principal.subject),
            lease=Lease(self.engine.engine_id, FIRST_EPOCH),
            seconds=LEASE,
        )
        _AFTER_START.reach()
        if execution.execution_id == spec.execution_id:  # else it was started by an earlier call, and is under way
            self.engine.take(execution, definition)
        return execution

    def drop(self, execution_id: UUID) -> None:
        """End what runs of an execution that was cancelled, and have who waits for its end look."""
        self.engine.drop(execution_id)
        self.engine.awake.set()

    async def _definition(self, call: Call, spec: ExecutionSpec) -> Definition:
        if spec.definition is not None:
            checking = Checking(self.database, self.expressions)
            await checking.expect_valid(call.actor, spec.definition, "execution.definition")
            return spec.definition
        if spec.workflow_id is None:
            msg = "an execution of nothing"
            raise ValueError(msg)
        workflow = await self.database.read(call.actor, definitions.get_workflow, workflow_id=spec.workflow_id)
        return workflow.definition


async def within(agent: Agent, spec: ExecutionSpec, expressions: Expressions) -> ExecutionSpec:
    """Return what somebody wants of an agent, for no longer than the agent may take. InputDoesNotFit."""
    if problems := await problems_with(agent.parameters, spec.input, "execution.input", expressions):
        raise InputDoesNotFit(*problems)
    return replace(spec, name=spec.name or agent.name, timeout=min(spec.timeout, agent.max_execution_duration))
