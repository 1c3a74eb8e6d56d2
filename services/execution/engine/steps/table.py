"""Every type of step, and what runs it."""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.database import Database
from services.execution.code.rooms import Rooms
from services.execution.definitions.domain import Type
from services.execution.egress import Egress
from services.execution.engine.steps.agent import Agent
from services.execution.engine.steps.api import Api
from services.execution.engine.steps.approval import Approval
from services.execution.engine.steps.code import Code
from services.execution.engine.steps.flow import Condition, Data, Loop, Noop, Parallel, Wait
from services.execution.engine.steps.llm import Llm
from services.execution.engine.steps.port import StepType
from services.execution.engine.steps.requests import Sender
from services.execution.engine.steps.secrecy import Secretive
from services.execution.engine.steps.workflow import Workflow
from services.execution.expressions import Evaluation
from services.execution.secrets.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What steps work with."""

    evaluation: Evaluation
    database: Database
    rooms: Rooms
    egress: Egress
    keyring: Keyring


def step_types(around: Surroundings) -> Mapping[Type, StepType]:
    """Return what runs steps, by type."""
    evaluation, database, keyring = around.evaluation, around.database, around.keyring
    sender = Sender(around.egress)
    code = Secretive(keyring, Code(database, around.rooms))
    api = Secretive(keyring, Api(evaluation, sender))
    llm = Llm(evaluation, sender, database, {Type.CODE: code, Type.API: api})
    return {
        Type.NOOP: Noop(),
        Type.DATA: Data(evaluation),
        Type.CONDITION: Condition(evaluation),
        Type.LOOP: Loop(evaluation),
        Type.PARALLEL: Parallel(),
        Type.WAIT: Wait(),
        Type.APPROVAL: Approval(database),
        Type.WORKFLOW: Workflow(database),
        Type.CODE: code,
        Type.API: api,
        Type.LLM: Secretive(keyring, llm),
        Type.AGENT: Agent(database),
    }
