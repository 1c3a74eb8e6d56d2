"""Every type of step, and what runs it."""

from collections.abc import Mapping

from chassis.database import Database
from services.execution.code.rooms import Rooms
from services.execution.definitions.domain import Type
from services.execution.egress import Egress
from services.execution.engine.steps.agent import Agent
from services.execution.engine.steps.api import Api
from services.execution.engine.steps.approval import Approval
from services.execution.engine.steps.code import Code
from services.execution.engine.steps.flow import Condition, Data, Loop, Noop, Parallel, Wait
from services.execution.engine.steps.port import StepType
from services.execution.engine.steps.workflow import Workflow
from services.execution.expressions import Expressions


def step_types(expressions: Expressions, database: Database, rooms: Rooms, egress: Egress) -> Mapping[Type, StepType]:
    """Return what runs steps, by type."""
    return {
        Type.NOOP: Noop(),
        Type.DATA: Data(),
        Type.CONDITION: Condition(expressions),
        Type.LOOP: Loop(expressions),
        Type.PARALLEL: Parallel(),
        Type.WAIT: Wait(),
        Type.APPROVAL: Approval(database),
        Type.WORKFLOW: Workflow(database),
        Type.CODE: Code(database, rooms),
        Type.API: Api(expressions, egress),
        Type.AGENT: Agent(database, expressions),
    }
