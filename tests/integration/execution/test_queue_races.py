"""Who begins is decided once: whoever decides at the same time, never more run than the limits say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis import ids
from chassis.actor import Actor
from chassis.database import Database, Transaction
from chassis.service import open_service
from embedded.nats import Nats
from embedded.postgres import Postgres
from services.execution.composition.engine import REGISTRY
from services.execution.definitions.domain import Definition, Step, Type, Workflow
from services.execution.definitions.store import WORKFLOWS
from services.execution.executions.domain import Execution, ExecutionSpec, Lease, Owner, State
from services.execution.executions.operations import begin_waiting, cancel_execution, start_execution
from services.execution.settings import ExecutionSettings
from services.execution.versions.convert import first
from services.execution.versions.operations import activate_version, create_version
from tests.support.execution_stage import ExecutionStage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = 3
"""Executions of an account that run at a time."""
_WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
NOOP = Definition((Step("a", Type.NOOP),))


@dataclass
class Account:
    """An account, and what is done in it without an engine; `executions` as they were stored."""

    database: Database
    stage: ExecutionStage
    actor: Actor = field(default_factory=lambda: Actor.of_service("execution", ids.new()))
    executions: list[Execution] = field(default_factory=list)

    async def workflow(self, limit: int) -> UUID:
        """Make a workflow of which so many executions may run."""
        said = {"name": "a", "description": "", "tags": (), "definition": NOOP, "max_concurrent_executions": limit}
        made = Workflow(**first(Workflow.ID, self.actor.account_id, ids.new(), datetime.now(UTC)), **said)
        await self.database.write(self.actor, create_version, family=WORKFLOWS, version=made)
        await self.database.write(self.actor, activate_version, family=WORKFLOWS, entity_id=made.workflow_id, etag="")
        return made.workflow_id

    async def start(self, workflow_id: UUID | None = None, priority: int = 0) -> Execution:
        """Store an execution that waits."""
        definition = None if workflow_id else NOOP
        spec = ExecutionSpec(ids.new(), "", workflow_id, definition, {}, timedelta(days=1), priority)
        owner = Owner(Lease(ids.new(), 1), 0, LIMIT)
        made = await self.database.write(self.actor, start_execution, spec=spec, user_id=ids.new(), owner=owner)
        self.executions.append(made)
        return made

    async def begin(self) -> list[Execution]:
        """Let begin what may."""
        return await self.database.write(self.actor, begin_waiting, limit=LIMIT, most=50)

    async def end_one(self) -> None:
        """End one that runs, if any does."""
        for row in await self.running():
            await self.database.write(self.actor, cancel_execution, execution_id=row[0], etag="")
            return

    async def running(self) -> list[tuple[UUID, UUID | None]]:
        """Return what runs, each with its workflow."""
        statement = "SELECT execution_id, workflow_id FROM executions WHERE account_id = $1 AND state = 'RUNNING'"
        return [tuple(row) for row in await self.stage.rows(statement, self.actor.account_id)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(template: Postgres, nats: Nats) -> AsyncIterator[Account]:
    """Return an account of a service in this process, without an engine."""
    async with AsyncExitStack() as stack:
        installation = await stack.enter_async_context(fresh_installation(template, nats, TEMPLATE))
        described = installation.settings("execution", workspace_address="127.0.0.1:1", event_sources="")
        service = await open_service("execution", ExecutionSettings(**described), REGISTRY, stack)
        yield Account(service.database, ExecutionStage(installation))


@pytest.fixture
def account(opened: Account) -> Account:
    """Return a new account of it."""
    return Account(opened.database, opened.stage)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    limits=st.lists(st.integers(0, 2), min_size=1, max_size=2),
    acts=st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 2)), max_size=25),
)
async def test_any_rivals_that_begin_what_waits_keep_every_limit(
    account: Account, limits: list[int], acts: list[tuple[int, int]]
) -> None:
    """Executions of limited workflows and of none come, begin from four sides at once, and end; none is forgotten."""
    account = Account(account.database, account.stage)
    families = [await account.workflow(limit) for limit in limits]
    for act, priority in acts:
        if act < len(families):
            await account.start(families[act], priority)
        elif act == 2:  # as good as any
            await account.start(None, priority)
        elif act == 3:  # as above
            await asyncio.gather(*(account.begin() for _ in range(3)), account.start(None, priority), account.begin())
        else:
            await account.end_one()
        running = await account.running()
        assert len(running) <= LIMIT
        for family, limit in zip(families, limits, strict=True):
            assert sum(workflow_id == family for _, workflow_id in running) <= (limit or LIMIT)
    while await account.begin() or await account.running():
        await account.end_one()
    statement = "SELECT count(*) FROM executions WHERE account_id = $1 AND end_time IS NULL"
    assert (await account.stage.rows(statement, account.actor.account_id))[0][0] == 0


async def test_execution_that_comes_while_others_begin_waits_for_them(account: Account) -> None:
    """Whoever decides second sees what the first has decided, however urgent the newcomer is."""
    for _ in range(LIMIT):
        await account.start()
    decided, commit = asyncio.Event(), asyncio.Event()

    async def slowly(tx: Transaction) -> list[Execution]:
        begun = await begin_waiting(tx, limit=LIMIT, most=50)
        decided.set()
        await commit.wait()
        return begun

    async with asyncio.TaskGroup() as group:
        first = group.create_task(account.database.write(account.actor, slowly))
        await decided.wait()
        await account.start(priority=10)
        second = group.create_task(account.begin())

        async def waits() -> bool:
            return second.done() or bool((await account.stage.rows(_WAITS))[0][0])

        await until(waits)
        assert not second.done()
        commit.set()
    assert ([each.state for each in first.result()], second.result()) == ([State.RUNNING] * LIMIT, [])
