"""The look at a session that lives, whether something works in it: a job that one process does at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from stateroom.runner.v1 import terminal_service_pb2 as runner_pb

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from chassis.reconcile import Claim
from services.session.idleness import operations, queries
from services.session.idleness.domain import IdlePolicy, Verdict, Watched
from services.session.sessions.domain import Kind, State
from services.session.sessions.live.runners import Runners

_TOGETHER = 16
"""Runners that are asked at once."""


@dataclass(frozen=True, slots=True)
class IdleWatch:
    """Looks at sessions, and ends those that are idle."""

    database: Database
    runners: Runners
    wake_sessions: Callable[[], None]

    async def reconcile(self, claim: Claim) -> float | None:
        """Look at a session. What keeps its runner from answering is raised: it is asked again, and nothing ends."""
        actor, session_id = claim.actor, claim.entity_id
        policy = await self.database.read(actor, queries.policy_of, account_id=actor.account_id)
        watched = await self.database.read(actor, queries.find_watched, session_id=session_id)
        if watched is None:
            return None
        counts = watched.state is State.ACTIVE and not policy.off
        used = await self._used(actor, watched) if counts else None
        again = await self.database.write(actor, operations.look, session_id=session_id, policy=policy, used=used)
        if again is None:
            self.wake_sessions()
            return None
        return max((again - datetime.now(UTC)).total_seconds(), 0.0)

    async def clean_up(self, actor: Actor, *, dry_run: bool) -> list[tuple[Watched, Verdict]]:
        """Return what becomes of each session of an account that lives, and have those that are idle ended."""
        actor = replace(actor, repeat=None)
        policy = await self.database.read(actor, queries.policy_of, account_id=actor.account_id)
        found = await self.database.read(actor, queries.list_watched)
        turns = asyncio.Semaphore(_TOGETHER)

        async def judged(watched: Watched) -> tuple[Watched, Verdict]:
            async with turns:
                return watched, await self._judge(actor, policy, watched, dry_run=dry_run)

        verdicts = await asyncio.gather(*map(judged, found))
        self.wake_sessions()
        return verdicts

    async def _judge(self, actor: Actor, policy: IdlePolicy, watched: Watched, *, dry_run: bool) -> Verdict:
        now = datetime.now(UTC)
        if watched.judge(policy, now, watched.cpu_milliseconds) is not Verdict.ENDS:
            return watched.judge(policy, now, None)
        try:
            used = await self._used(actor, watched)
        except DomainError:
            return Verdict.UNKNOWN
        if dry_run:
            return watched.judge(policy, now, used)
        return await self.database.write(
            actor, operations.end_idle, session_id=watched.session_id, policy=policy, used=used
        )

    async def _used(self, actor: Actor, watched: Watched) -> int:
        """Return the processor time of a session in milliseconds; an editor uses none."""
        if watched.kind is Kind.EDITOR:
            return 0
        runner = await self.runners.find(actor.account_id, watched.workspace_id)
        request = runner_pb.GetUsageRequest(session_id=str(watched.session_id))
        try:
            usage: runner_pb.Usage = await runner.call(runner.terminals.GetUsage, request)
        except DomainError:
            self.runners.forget(watched.workspace_id)
            raise
        return usage.cpu_milliseconds
