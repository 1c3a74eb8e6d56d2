"""Changes of people and keys."""

from datetime import datetime
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from chassis.errors import CredentialInvalid, InvalidField, Violation
from chassis.rpc.auth import EVERYTHING
from chassis.rpc.credential import Credential
from services.workspace.identity import store
from services.workspace.identity.domain import ApiKey, State, User
from services.workspace.identity.errors import AccountNotAllowed


async def create_user(
    tx: Transaction, *, handle: str, email: str, display_name: str, credential: Credential, bootstrap: bytes | None
) -> tuple[User, ApiKey]:
    """Create a user with a first key that may do everything in the user's own account.

    Args:
        tx: of the new account, whose id becomes the user's.
        handle: unique among all users.
        email: unique among all users that have one; may be empty.
        display_name: for people.
        credential: the first key, minted beforehand.
        bootstrap: digest of a right bootstrap token, which is used up; None where sign-up is open.

    Raises:
        BootstrapTokenRefused: the token was used before.
        UserAlreadyExists: the handle or the address is taken.
    """
    if bootstrap is not None:
        await store.claim_bootstrap(tx.connection, bootstrap, tx.account_id, tx.now)
    user = User(
        user_id=tx.account_id,
        account_id=tx.account_id,
        handle=handle,
        email=email,
        display_name=display_name,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
    )
    await store.insert_user(tx.connection, user)
    tx.record("created", after=user)
    api_key = await create_api_key(
        tx, user_id=user.user_id, name="first key", scopes=(EVERYTHING,), expire_time=None, credential=credential
    )
    return user, api_key


async def derive_api_key(
    tx: Transaction,
    *,
    user_id: UUID,
    name: str,
    scopes: tuple[str, ...],
    expire_time: datetime | None,
    credential: Credential,
) -> ApiKey:
    """Create a key by means of the caller's own, which it does not outlive.

    The caller's key is read here once more, and whether they belong to the acting team: what was exchanged before is
    believed for some seconds.

    Raises:
        AccountNotAllowed: the caller belongs to the team no more.
        CredentialInvalid: the caller's key works no more.
        InvalidField: `expire_time` is later than that of the caller's key.
    """
    if user_id != tx.account_id and not await store.hold_membership(tx.connection, tx.account_id, user_id):
        raise AccountNotAllowed(str(tx.account_id))
    own = await _own_key(tx)
    if not own.works_at(tx.now):
        raise CredentialInvalid
    if expire_time is not None and own.expire_time is not None and expire_time > own.expire_time:
        raise InvalidField(Violation("api_key.expire_time", "must not be later than that of the key that makes it"))
    return await create_api_key(
        tx,
        user_id=user_id,
        name=name,
        scopes=scopes,
        expire_time=expire_time or own.expire_time,
        credential=credential,
    )


async def revoke_api_keys(tx: Transaction, *, user_id: UUID) -> None:
    """Revoke all keys that a user has made in the acting account."""
    for api_key_id in await store.list_working(tx.connection, user_id):
        current = await store.lock_api_key(tx.connection, api_key_id)
        if current.state is State.ACTIVE:
            await _revoke(tx, current)


async def create_api_key(
    tx: Transaction,
    *,
    user_id: UUID,
    name: str,
    scopes: tuple[str, ...],
    expire_time: datetime | None,
    credential: Credential,
) -> ApiKey:
    """Create a key for a user in the acting account."""
    api_key = ApiKey(
        api_key_id=credential.credential_id,
        account_id=tx.account_id,
        user_id=user_id,
        name=name,
        key_prefix=credential.prefix,
        secret_sha256=credential.secret_sha256,
        scopes=scopes,
        state=State.ACTIVE,
        expire_time=expire_time,
        last_used_time=None,
        revoke_time=None,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
    )
    await store.insert_api_key(tx.connection, api_key)
    tx.record("created", after=api_key)
    return api_key


async def revoke_api_key(tx: Transaction, *, api_key_id: UUID, user_id: UUID, etag: str) -> ApiKey:
    """Revoke a key for ever.

    Raises:
        ApiKeyNotFound: no such key of this user in the account.
        EtagMismatch: it changed since it was read.
        ApiKeyRevoked: it is revoked already.
    """
    current = await store.lock_api_key(tx.connection, api_key_id)
    current.expect_owner(user_id)
    tags.expect(current, etag)
    return await _revoke(tx, current)


async def _revoke(tx: Transaction, current: ApiKey) -> ApiKey:
    revoked = current.revoke(tx.now)
    await store.update_api_key(tx.connection, revoked)
    tx.record("revoked", before=current, after=revoked)
    return revoked


async def _own_key(tx: Transaction) -> ApiKey:
    """Return the caller's key, which nobody changes meanwhile: one of the acting account, or of the caller's own."""
    api_key_id, own_account = UUID(tx.actor.credential_id), UUID(tx.actor.subject)
    found = await store.find_api_key(tx.connection, api_key_id)
    if found is None:
        async with tx.within(own_account):
            return await store.use_api_key(tx.connection, api_key_id)
    return found
