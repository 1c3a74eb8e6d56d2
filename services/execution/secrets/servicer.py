"""SecretService: secrets that steps use by name."""

from dataclasses import dataclass, replace

from stateroom.execution.v1 import secret_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from chassis.sealing import Sealer
from services.execution.secrets import convert, operations, queries
from services.execution.secrets.domain import place_of


@dataclass(frozen=True, slots=True)
class SecretServicer:
    """Serves stateroom.execution.v1.SecretService."""

    database: Database
    pages: Pages
    sealer: Sealer

    async def SetSecret(self, request: pb.SetSecretRequest, call: Call) -> pb.Secret:
        """Keep a value under a name."""
        secret = await self.database.write(
            replace(call.actor, repeat=None),  # it would be a digest of the value
            operations.set_secret,
            name=request.name,
            sealed=self.sealer.seal(request.value.encode(), *place_of(call.account_id, request.name)),
            user_id=ids.parse(call.principal.subject),
            etag=request.etag,
        )
        return convert.secret_to_proto(secret)

    async def ListSecrets(self, request: pb.ListSecretsRequest, call: Call) -> pb.ListSecretsResponse:
        """Return a page of secrets."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(call.actor, queries.list_secrets, limit=page.limit, after=page.after)
        shown, token = page.cut(rows, key=lambda secret: secret.name)
        return pb.ListSecretsResponse(secrets=map(convert.secret_to_proto, shown), next_page_token=token)

    async def DeleteSecret(self, request: pb.DeleteSecretRequest, call: Call) -> pb.Secret:
        """Destroy a secret."""
        actor = replace(call.actor, repeat=None)  # what it returned is not there to be returned again
        deleted = await self.database.write(actor, operations.delete_secret, name=request.name, etag=request.etag)
        return convert.secret_to_proto(deleted)
