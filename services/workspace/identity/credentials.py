"""CredentialService: what other services may ask about credentials that they have seen."""

from dataclasses import dataclass

from stateroom.workspace.v1 import credential_service_pb2 as pb

from chassis import ids
from chassis.rpc.call import Call
from services.workspace.identity.exchange import CredentialExchange


@dataclass(frozen=True, slots=True)
class CredentialServicer:
    """Serves stateroom.workspace.v1.CredentialService."""

    exchange: CredentialExchange

    async def CheckCredential(self, request: pb.CheckCredentialRequest, _call: Call) -> pb.CheckCredentialResponse:
        """Answer when a credential still works."""
        await self.exchange.check(ids.parse(request.credential_id), ids.parse(request.account_id))
        return pb.CheckCredentialResponse()
