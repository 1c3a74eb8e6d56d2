"""SecretService: secrets that no log of a session holds."""

from dataclasses import dataclass, replace

from stateroom.session.v1 import secret_service_pb2 as pb
from stateroom.session.v1 import session_pb2

from chassis import ids
from chassis.errors import InvalidField, Violation
from chassis.rpc.call import Call
from services.session.secrets.registration import Registration
from services.session.sessions import convert


@dataclass(frozen=True, slots=True)
class SecretServicer:
    """Serves stateroom.session.v1.SecretService."""

    registration: Registration

    async def RegisterSecret(self, request: pb.RegisterSecretRequest, call: Call) -> session_pb2.Session:
        """Mask a secret in what a live session prints."""
        if not request.value.strip():
            raise InvalidField(Violation("value", "is nothing but blanks, which no log could be without"))
        actor = replace(call.actor, repeat=None)
        session_id = ids.parse(request.session_id)
        return convert.session_to_proto(
            await self.registration.register(actor, session_id, request.name, request.value)
        )
