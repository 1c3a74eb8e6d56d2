"""Runs actions of type DEPLOY as previews: such an action is over when its preview answers, or does not."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chassis.actor import Actor
from chassis.database import Database
from services.session.conversations.domain import action as actions
from services.session.conversations.domain.action import Action, Failure, Outcome
from services.session.previews import convert, operations, store
from services.session.previews.domain import Preview, State
from services.session.previews.errors import PreviewNotFound
from services.session.previews.live.starting import Starter


@dataclass(frozen=True, slots=True)
class PreviewRunner:
    """An ActionRunner. The preview of an action is made with its assignment, and so never twice."""

    database: Database
    starter: Starter
    base_url: str
    """Below its host previews have their origins."""

    async def start(self, action: Action) -> None:
        """See to it that the preview is there, and its command runs."""
        actor = _actor(action)
        if action.preview_id is None:
            await self.starter.deploy(actor, action.action_id, convert.deployed_by(action))
        else:
            await self.starter.resume(actor, await self._preview(actor, action.preview_id))

    async def look(self, action: Action) -> Outcome | None:
        """Return what the state of the preview says; None while it starts. When the time is up, it is stopped."""
        if action.preview_id is None:
            return None
        preview = await self._preview(_actor(action), action.preview_id)
        if preview.state is State.GENERATING:
            if datetime.now(UTC) < action.create_time + action.timeout:
                return None
            await self.cancel(action)
            return _failed("TIMED_OUT", "its time was up before the server answered")
        if preview.state is State.LIVE:
            deployed = {"preview_id": str(preview.preview_id), "url": convert.url_of(preview, self.base_url)}
            return Outcome(actions.State.COMPLETED, {"deployed_preview": deployed})
        if preview.state is State.STOPPED and action.cancel_requested:
            return Outcome(actions.State.CANCELLED)
        return _failed("PREVIEW_FAILED", preview.state_reason)

    async def cancel(self, action: Action) -> None:
        """Stop the preview."""
        if action.preview_id is None:
            return
        with suppress(PreviewNotFound):  # deleted, and so stopped
            await self.database.write(_actor(action), operations.stop_preview, preview_id=action.preview_id)
        self.starter.wake()

    async def _preview(self, actor: Actor, preview_id: UUID) -> Preview:
        return await self.database.read(actor, store.load_preview, preview_id=preview_id)


def _actor(action: Action) -> Actor:
    return Actor.of_service("session", action.account_id)


def _failed(reason: str, cause: str) -> Outcome:
    return Outcome(actions.State.FAILED, failure=Failure(reason, cause))
