"""IdentityService: people, keys, and the exchange of credentials."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from stateroom.workspace.v1 import identity_service_pb2 as pb

from chassis import ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import InvalidField, Violation
from chassis.pages import Pages
from chassis.rpc import credential
from chassis.rpc.auth import EVERYTHING
from chassis.rpc.call import Call
from services.workspace.identity import convert, operations, queries
from services.workspace.identity.errors import BootstrapTokenRefused, ScopeNotHeld
from services.workspace.identity.exchange import CredentialExchange


@dataclass(frozen=True, slots=True)
class IdentityServicer:
    """Serves stateroom.workspace.v1.IdentityService."""

    database: Database
    pages: Pages
    exchange: CredentialExchange
    bootstrap_token: str
    """The token that lets the first user in; empty for none."""
    open_sign_up: bool

    async def CreateUser(self, request: pb.CreateUserRequest, call: Call) -> pb.CreateUserResponse:
        """Create a user with a first key."""
        bootstrap = self._admit(request.bootstrap_token)
        minted = credential.mint(credential.API_KEY, ids.new())
        user, api_key = await self.database.write(
            call.acting_in(ids.new()),
            operations.create_user,
            handle=request.user.handle,
            email=request.user.email,
            display_name=request.user.display_name or request.user.handle,
            credential=minted,
            bootstrap=bootstrap,
        )
        return pb.CreateUserResponse(
            user=convert.user_to_proto(user), api_key=convert.api_key_to_proto(api_key), secret=minted.text
        )

    async def GetCurrentUser(self, _request: pb.GetCurrentUserRequest, call: Call) -> pb.User:
        """Return the caller."""
        user_id = _user_id(call.actor)
        user = await self.database.read(call.acting_in(user_id), queries.get_user, user_id=user_id)
        return convert.user_to_proto(user)

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, call: Call) -> pb.CreateApiKeyResponse:
        """Create a key that may do no more than the caller's own."""
        wanted = request.api_key
        minted = credential.mint(credential.API_KEY, ids.new())
        api_key = await self.database.write(
            call.actor,
            operations.derive_api_key,
            user_id=_user_id(call.actor),
            name=wanted.name,
            expire_time=_expire_time(wanted),
            scopes=_grantable(tuple(wanted.scopes), call),
            credential=minted,
        )
        secret = minted.text if api_key.secret_sha256 == minted.secret_sha256 else ""
        return pb.CreateApiKeyResponse(api_key=convert.api_key_to_proto(api_key), secret=secret)

    async def GetApiKey(self, request: pb.GetApiKeyRequest, call: Call) -> pb.ApiKey:
        """Return one of the caller's keys."""
        api_key = await self.database.read(
            call.actor, queries.get_api_key, api_key_id=ids.parse(request.api_key_id), user_id=_user_id(call.actor)
        )
        return convert.api_key_to_proto(api_key)

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, call: Call) -> pb.ListApiKeysResponse:
        """Return a page of the caller's keys."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_api_keys,
            user_id=_user_id(call.actor),
            state=convert.state_from_proto(request.state),
            key_prefix=request.key_prefix,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda api_key: api_key.api_key_id)
        return pb.ListApiKeysResponse(api_keys=map(convert.api_key_to_proto, shown), next_page_token=token)

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, call: Call) -> pb.ApiKey:
        """Revoke one of the caller's keys."""
        api_key = await self.database.write(
            call.actor,
            operations.revoke_api_key,
            api_key_id=ids.parse(request.api_key_id),
            user_id=_user_id(call.actor),
            etag=request.etag,
        )
        return convert.api_key_to_proto(api_key)

    async def ExchangeCredential(
        self, request: pb.ExchangeCredentialRequest, _call: Call
    ) -> pb.ExchangeCredentialResponse:
        """Return a token for a credential."""
        token, expiry = await self.exchange.exchange(request.credential, request.account)
        response = pb.ExchangeCredentialResponse(token=token)
        response.expire_time.FromSeconds(int(expiry))
        return response

    def _admit(self, token: str) -> bytes | None:
        """Return the digest of the bootstrap token to use up; None where anybody may sign up."""
        if self.open_sign_up and not token:
            return None
        if not self.bootstrap_token or not hmac.compare_digest(token.encode(), self.bootstrap_token.encode()):
            raise BootstrapTokenRefused
        return sha256(token.encode()).digest()


def _user_id(actor: Actor) -> UUID:
    return UUID(actor.subject)


def _expire_time(wanted: pb.ApiKey) -> datetime | None:
    """Return until when a key is to work; None for ever. InvalidField when that is over."""
    if not wanted.HasField("expire_time"):
        return None
    expire_time = wanted.expire_time.ToDatetime(UTC)
    if expire_time <= datetime.now(UTC):
        raise InvalidField(Violation("api_key.expire_time", "must lie in the future"))
    return expire_time


def _grantable(scopes: tuple[str, ...], call: Call) -> tuple[str, ...]:
    held = call.principal.scopes
    if not scopes:
        return tuple(sorted(held))
    for scope in scopes:
        if scope not in held and EVERYTHING not in held:
            raise ScopeNotHeld(scope)
    return scopes
