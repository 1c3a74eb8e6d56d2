"""Invocations by whoever shows a deployment's key. The deployment is known before any account."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis import database, ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import CredentialMalformed
from chassis.rpc import credential
from chassis.rpc.call import Call
from chassis.system import SystemDatabase
from services.execution.deployments import operations, queries
from services.execution.deployments.domain import Deployment
from services.execution.deployments.errors import DeploymentNotFound
from services.execution.engine.engine import Engine
from services.execution.executions.domain import Execution, ExecutionSpec
from services.execution.executions.errors import ExecutionNotFound
from services.execution.executions.fitting import expect_fitting
from services.execution.executions.follow import Followers
from services.execution.executions.queries import get_execution
from services.execution.expressions import Evaluation

HEADER = "x-deployment-key"
"""Where the key stands."""

_ACCOUNT = "SELECT account_id FROM deployments WHERE deployment_id = $1 AND delete_time IS NULL"
_NO_STEPS = 2**62  # behind all changes of steps


@dataclass(frozen=True, slots=True)
class Invoking:
    """Starts executions of deployments of all accounts, and waits for their ends."""

    system: SystemDatabase
    database: Database
    evaluation: Evaluation
    engine: Engine
    followers: Followers

    async def invoke(self, call: Call, deployment_id: UUID, given: dict[str, Any], wait: timedelta) -> Execution:
        """Start an execution, or find the one that an earlier call with the request id started, and wait for its end.

        Raises:
            DeploymentNotFound, DeploymentKeyRefused, DeploymentStopped, DeploymentInMaintenance: nothing is taken.
            InvalidInput: it does not fit what is to run.
            DeploymentBusy, TransactionConflict, and what starting an execution raises.
        """
        key, (actor, deployment) = _key(call), await self._admitted(call, deployment_id)
        earlier: Execution | None = await self.database.find_repeated(actor)
        execution = earlier or await self._started(actor, deployment, key, given)
        return await self._awaited(actor, execution, wait) if wait else execution

    async def find(self, call: Call, deployment_id: UUID, execution_id: UUID) -> Execution:
        """Return an execution of a deployment. DeploymentNotFound, DeploymentKeyRefused, ExecutionNotFound."""
        actor, _ = await self._admitted(call, deployment_id)
        execution = await self.database.read(actor, get_execution, execution_id=execution_id)
        if execution.deployment_id != deployment_id:
            raise ExecutionNotFound(execution_id)
        return execution

    async def _admitted(self, call: Call, deployment_id: UUID) -> tuple[Actor, Deployment]:
        account_id = await self._account(deployment_id)
        # Who invokes is nobody we know by name: what the execution does is done for the deployment.
        actor = replace(call.acting_in(account_id), subject=f"deployment:{deployment_id}")
        deployment = await self.database.read(actor, queries.get_deployment, deployment_id=deployment_id)
        deployment.expect_key(_key(call))
        return actor, deployment

    async def _started(
        self, actor: Actor, deployment: Deployment, key: bytes | None, given: dict[str, Any]
    ) -> Execution:
        deployment.expect_running()
        runnable = await self.database.read(actor, queries.get_runnable, deployment=deployment)
        await expect_fitting(runnable.definition, given, self.evaluation.of(actor.account_id), field="input")
        spec = ExecutionSpec(
            execution_id=ids.new(),
            name=deployment.name,
            workflow_id=deployment.workflow_id,
            agent_id=deployment.agent_id,
            definition=None,
            input=given,
            timeout=runnable.timeout,
            deployment_id=deployment.deployment_id,
        )
        execution = await self.database.write(
            actor, operations.invoke, deployment=deployment, key_sha256=key, spec=spec, owner=self.engine.owner
        )
        if execution.execution_id == spec.execution_id:  # else it was started by an earlier call, and is under way
            self.engine.take(execution, runnable.definition)
        return execution

    async def _awaited(self, actor: Actor, execution: Execution, wait: timedelta) -> Execution:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                async for news in self.followers.news(actor, execution.execution_id, _NO_STEPS):
                    execution = news.execution
        return execution

    async def _account(self, deployment_id: UUID) -> UUID:
        try:
            async with self.system.connection() as connection:
                account_id: UUID | None = await connection.fetchval(_ACCOUNT, deployment_id)
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        if account_id is None:
            raise DeploymentNotFound(deployment_id)
        return account_id


def _key(call: Call) -> bytes | None:
    """Return the digest of the key that a caller shows; None of what is no key."""
    try:
        return credential.parse(call.metadata.get(HEADER, "")).secret_sha256
    except CredentialMalformed:
        return None
