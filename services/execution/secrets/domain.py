"""A secret of an account, which is kept sealed."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

LIMIT = 256
"""How many an account has at most."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret under a name. `sealed` opens at its place and nowhere else; it is in no message."""

    secret_id: UUID
    account_id: UUID
    name: str
    sealed: bytes
    user_id: UUID
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The secret's id."""
        return self.secret_id

    def reset(self, now: datetime, sealed: bytes, user_id: UUID) -> "Secret":
        """Return the secret with another value."""
        return replace(self, sealed=sealed, user_id=user_id, version=self.version + 1, update_time=now)


def place_of(account_id: UUID, name: str) -> tuple[str, ...]:
    """Return where the secret of a name is stored, for which alone it is sealed."""
    return "secrets", "sealed", str(account_id), name
