"""Starting previews: what listens on a port already needs nothing, a command gets a session."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.session.v1 import preview_pb2 as pb

from chassis import faults, ids
from chassis.actor import Actor
from chassis.database import Database
from services.session.previews import convert, operations, queries
from services.session.previews.domain import NewPreview, Preview, PreviewSpec
from services.session.previews.errors import PreviewBusy
from services.session.previews.live.tunnels import Tunnels
from services.session.sessions import queries as session_queries
from services.session.sessions.domain import State
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.live.opening import OWN_NAMES, Opener
from services.session.sessions.spec import SessionSpec

_END_SECONDS = 10.0
"""How long a command may take to end before it is started again: KILL follows TERM after five."""
_POLL = 0.1

_AFTER_DEPLOY = faults.Point("previews.after_deploy", "An action has its preview, whose command nobody has started.")


@dataclass(frozen=True, slots=True)
class _Start:
    """A session for a preview's command, which can be opened."""

    session: SessionSpec
    order: runner_pb.OpenTerminalRequest


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts previews. `wake` is told that a session has to be ended."""

    database: Database
    opener: Opener
    tunnels: Tunnels
    wake: Callable[[], None]
    limit: int
    """Previews an account may have."""

    async def create(self, actor: Actor, wanted: pb.Preview) -> Preview:
        """Create a preview and start its command. The values of the environment go to the runner and nowhere else.

        Raises what a workspace, a command or the account's limits have against it, and then nothing exists; or what
        kept the command from starting all the same, and then the preview is in ERROR.
        """
        repeated: Preview | None = await self.database.find_repeated(actor)
        if repeated is not None:
            return repeated
        new, start = await self._plan(actor, wanted)
        preview = await self.database.write(actor, operations.create_preview, wanted=new)
        await self._begin(actor, preview, start)
        return preview

    async def deploy(self, actor: Actor, action_id: UUID, wanted: pb.Preview) -> None:
        """Create a preview as `create` does, as the run of an action; nothing when that has one, or has ended."""
        runner = await self.tunnels.runners.enter(actor.account_id, ids.parse(wanted.workspace_id))
        new, start = await self._plan(actor, wanted)
        preview = await self.database.write(
            actor, operations.deploy_preview, action_id=action_id, runner_id=runner.runner_id, wanted=new
        )
        if preview is not None:
            _AFTER_DEPLOY.reach()
            await self._begin(actor, preview, start)

    async def resume(self, actor: Actor, preview: Preview) -> None:
        """Start the command of a preview whose creator did not live to do that; a runner does it once."""
        if preview.session_id is None:
            return
        session = await self.database.read(actor, session_queries.get_session, session_id=preview.session_id)
        if session.state is State.STARTING:
            start = await self._prepare(actor, preview, {}, "", preview.session_id)
            with suppress(SessionNotActive):  # somebody else was faster
                await self._begin(actor, preview, start)

    async def restart(self, actor: Actor, preview_id: UUID, environment: Mapping[str, str], etag: str) -> Preview:
        """Start a preview again, once the command that it has is over. Raises as `create` does, and PreviewBusy."""
        repeated: Preview | None = await self.database.find_repeated(actor)
        if repeated is not None:
            return repeated
        once = replace(actor, repeat=None)
        current = await self.database.read(once, queries.get_preview, preview_id=preview_id)
        current.expect_environment(set(environment))
        start = await self._prepare(actor, current, environment, "")
        current = await self.database.write(once, operations.end_command, preview_id=preview_id, etag=etag)
        await self._until_ended(once, current)
        preview = await self.database.write(
            actor,
            operations.restart_preview,
            preview_id=preview_id,
            session=start.session if start else None,
            environment_names=tuple(sorted(environment)),
            copier_process=self.opener.liveness.number,
            session_limit=self.opener.limit,
        )
        await self._begin(actor, preview, start)
        return preview

    async def _plan(self, actor: Actor, wanted: pb.Preview) -> tuple[NewPreview, _Start | None]:
        """Return what a new preview is to be, and what starts its command. Raises what `_prepare` does."""
        workspace_id = ids.parse(wanted.workspace_id)
        port = wanted.port or await self.tunnels.free_port(actor.account_id, workspace_id)
        spec = convert.spec_from_proto(ids.new(), wanted, port)
        start = await self._prepare(actor, spec, wanted.environment, "preview")
        session, process = start.session if start else None, self.opener.liveness.number
        return NewPreview(spec, session, process, self.limit, self.opener.limit), start

    async def _prepare(
        self,
        actor: Actor,
        preview: PreviewSpec | Preview,
        environment: Mapping[str, str],
        asked_in: str,
        session_id: UUID | None = None,
    ) -> _Start | None:
        """Return what starts a preview's command, None without one. Raises what keeps it from starting.

        `session_id` is of the session that it has already, if it is to start in that.
        """
        if not preview.command:
            await self.tunnels.runners.enter(actor.account_id, preview.workspace_id)
            return None
        values = {"PORT": str(preview.port), **environment}
        session = convert.session_of(preview, session_id or ids.new(), {*values, *OWN_NAMES})
        return _Start(session, await self.opener.prepare(actor, session, values, asked_in=asked_in))

    async def _begin(self, actor: Actor, preview: Preview, start: _Start | None) -> None:
        """Start a preview's command, unless another call of the same request does."""
        if start is None or preview.session_id != start.session.session_id:
            return
        once = replace(actor, repeat=None)
        session = await self.database.read(once, session_queries.get_session, session_id=preview.session_id)
        await self.opener.begin(once, session, start.order)

    async def _until_ended(self, actor: Actor, preview: Preview) -> None:
        if preview.session_id is None:
            return
        self.wake()
        try:
            async with asyncio.timeout(_END_SECONDS):
                while not await self._has_ended(actor, preview.session_id):  # noqa: ASYNC110  # other processes end it
                    await asyncio.sleep(_POLL)
        except TimeoutError as exc:
            raise PreviewBusy(preview.preview_id) from exc

    async def _has_ended(self, actor: Actor, session_id: UUID) -> bool:
        session = await self.database.read(actor, session_queries.get_session, session_id=session_id)
        return session.state.final
