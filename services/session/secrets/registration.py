"""A secret on its way to the runner, which is told before anybody is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stateroom.runner.v1 import secret_service_pb2 as pb
from stateroom.runner.v1.secret_service_pb2_grpc import SecretServiceStub

from chassis.actor import Actor
from chassis.database import Database
from services.session.secrets import operations
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import Runner, Runners


@dataclass(frozen=True, slots=True)
class Registration:
    """Has secrets masked."""

    database: Database
    runners: Runners

    async def register(self, actor: Actor, session_id: UUID, name: str, value: bytes) -> Session:
        """Mask a secret from now on. Nothing of its value is kept here, not even the digest of a repeatable request.

        Raises:
            SessionNotFound, SessionNotActive, SecretLimitReached: it cannot be.
        """
        session = await self.database.read(actor, queries.get_session, session_id=session_id)
        session.add_secret(datetime.now(UTC), name)
        request = pb.RegisterTerminalSecretRequest(session_id=str(session_id), name=name, value=value)
        await self.runners.ask(session, _register, request)
        return await self.database.write(actor, operations.note_secret, session_id=session_id, name=name)


def _register(runner: Runner) -> Any:  # a method of a stub on an asynchronous channel, of which its type knows nothing
    return SecretServiceStub(runner.peer.channel).RegisterTerminalSecret
