"""Starting an execution: stored as owned by the engine of this process, which begins it at once."""

from dataclasses import dataclass, replace
from uuid import UUID

from chassis import faults, ids
from chassis.database import Database
from chassis.rpc.call import Call
from services.execution.agents import queries as agents
from services.execution.agents.domain import Agent
from services.execution.definitions import queries as definitions
from services.execution.definitions.checking import Checking
from services.execution.definitions.domain import Definition
from services.execution.engine.engine import Engine
from services.execution.executions.domain import Execution, ExecutionSpec
from services.execution.executions.fitting import expect_fitting
from services.execution.executions.forks import Fork
from services.execution.executions.operations import start_execution, start_fork
from services.execution.expressions import Evaluation

_AFTER_START = faults.Point("engine.after_start", "An execution is stored and owned, and has not begun.")


@dataclass(frozen=True, slots=True)
class Starting:
    """Starts executions on one engine."""

    database: Database
    engine: Engine
    evaluation: Evaluation

    async def start(self, call: Call, spec: ExecutionSpec) -> Execution:
        """Start an execution, or return the one that an earlier call of the same request id started."""
        if spec.agent_id is not None:
            agent = await self.database.read(call.actor, agents.get_agent, agent_id=spec.agent_id)
            spec, definition = within(agent, spec), agent.definition
        else:
            definition = await self._definition(call, spec)
        await expect_fitting(definition, spec.input, self.evaluation.of(call.account_id))
        execution = await self.database.write(
            call.actor,
            start_execution,
            spec=spec,
            user_id=ids.parse(call.principal.subject),
            owner=self.engine.owner,
        )
        _AFTER_START.reach()
        if execution.execution_id == spec.execution_id:  # else it was started by an earlier call, and is under way
            self.engine.take(execution, definition)
        return execution

    async def fork(self, call: Call, fork: Fork) -> Execution:
        """Start an execution that goes on from another, or return the one that an earlier call started."""
        execution = await self.database.write(
            call.actor, start_fork, fork=fork, user_id=ids.parse(call.principal.subject), limit=self.engine.limit
        )
        self.engine.queue.look()
        self.engine.awake.set()
        return execution

    def drop(self, execution_id: UUID) -> None:
        """End what runs of an execution that was cancelled, and have who waits for its end look."""
        self.engine.drop(execution_id)
        self.engine.awake.set()

    async def _definition(self, call: Call, spec: ExecutionSpec) -> Definition:
        if spec.definition is not None:
            checking = Checking(self.database, self.evaluation)
            await checking.expect_valid(call.actor, spec.definition, "execution.definition")
            return spec.definition
        if spec.workflow_id is None:
            msg = "an execution of nothing"
            raise ValueError(msg)
        workflow = await self.database.read(call.actor, definitions.get_workflow, workflow_id=spec.workflow_id)
        return workflow.definition


def within(agent: Agent, spec: ExecutionSpec) -> ExecutionSpec:
    """Return what somebody wants of an agent, for no longer than the agent may take."""
    return replace(spec, name=spec.name or agent.name, timeout=min(spec.timeout, agent.max_execution_duration))
