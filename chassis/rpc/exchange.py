"""Exchange of a credential for a token, asked of the workspace service."""

from stateroom.workspace.v1 import identity_service_pb2 as identity
from stateroom.workspace.v1.identity_service_pb2_grpc import IdentityServiceStub

from chassis.rpc.channels import Neighbour


class RemoteExchange:
    """Asks the workspace service for tokens."""

    def __init__(self, workspace: Neighbour) -> None:
        self._workspace = workspace
        self._stub = IdentityServiceStub(workspace.channel)

    async def __call__(self, text: str, account: str) -> str:
        """Return a token of at most 60 seconds; raises what the workspace service answered."""
        request = identity.ExchangeCredentialRequest(credential=text, account=account)
        response = await self._workspace.call(self._stub.ExchangeCredential, request)
        return response.token
