"""Secrets to be masked, for callers of the runner."""

from dataclasses import dataclass

from stateroom.runner.v1 import secret_service_pb2 as pb

from chassis.rpc.call import Call
from runner.terminals import Terminals


@dataclass(frozen=True, slots=True)
class SecretServicer:
    """Serves stateroom.runner.v1.SecretService."""

    terminals: Terminals

    async def RegisterTerminalSecret(
        self, request: pb.RegisterTerminalSecretRequest, _call: Call
    ) -> pb.RegisterTerminalSecretResponse:
        """Mask a secret."""
        self.terminals.live(request.session_id).register_secret(request.name, request.value)
        return pb.RegisterTerminalSecretResponse()
