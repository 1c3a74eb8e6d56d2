"""People and keys, and the rules of a key's life."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from services.workspace.identity.errors import ApiKeyNotFound, ApiKeyRevoked


@dataclass(frozen=True, slots=True)
class User:
    """A person; `user_id` is also the id of their own account."""

    user_id: UUID
    account_id: UUID
    handle: str
    email: str
    display_name: str
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The user's id."""
        return self.user_id


class State(Enum):
    """Whether a key works. REVOKED is final."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential for programs, without its secret."""

    api_key_id: UUID
    account_id: UUID
    user_id: UUID
    name: str
    key_prefix: str
    secret_sha256: bytes
    scopes: tuple[str, ...]
    state: State
    expire_time: datetime | None
    last_used_time: datetime | None
    revoke_time: datetime | None
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The key's id."""
        return self.api_key_id

    def revoke(self, now: datetime) -> "ApiKey":
        """Return the key revoked. ApiKeyRevoked when it is already."""
        if self.state is State.REVOKED:
            raise ApiKeyRevoked(self.api_key_id)
        return replace(self, state=State.REVOKED, revoke_time=now, update_time=now, version=self.version + 1)

    def works_at(self, now: datetime) -> bool:
        """Whether the key is accepted at an instant."""
        return self.state is State.ACTIVE and (self.expire_time is None or now < self.expire_time)

    def expect_owner(self, user_id: UUID) -> None:
        """Raise ApiKeyNotFound unless the key is the user's: others may not know of it."""
        if self.user_id != user_id:
            raise ApiKeyNotFound(self.api_key_id)
