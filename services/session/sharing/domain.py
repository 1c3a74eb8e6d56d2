"""A link to a session. It works until it expires or is revoked, and nothing brings it back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.session.sharing.errors import ShareLinkOver

LIFETIME = timedelta(hours=24)
"""How long a link works when nobody says."""
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link to a session: `controls` says whether its holders may type. Of its secret there is only the SHA-256."""

    share_link_id: UUID
    account_id: UUID
    session_id: UUID
    controls: bool
    label: str
    secret_sha256: bytes
    expire_time: datetime
    revoke_time: datetime | None
    open_count: int
    last_open_time: datetime | None
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The link's id."""
        return self.share_link_id

    def open(self, now: datetime) -> "ShareLink":
        """Return the link opened once more. ShareLinkOver."""
        if self.revoke_time is not None or now >= self.expire_time:
            raise ShareLinkOver(self.share_link_id)
        return self._changed(now, open_count=self.open_count + 1, last_open_time=now)

    def revoke(self, now: datetime) -> "ShareLink":
        """Return the link revoked; itself when it was."""
        return self if self.revoke_time is not None else self._changed(now, revoke_time=now)

    def _changed(self, now: datetime, **values: object) -> "ShareLink":
        return replace(self, update_time=now, version=self.version + 1, **values)  # type: ignore[arg-type]


def expiry(now: datetime, wanted: datetime | None) -> datetime:
    """Return until when a new link works. InvalidField when that is over, or too far ahead."""
    if wanted is None:
        return now + LIFETIME
    if not now < wanted <= now + LONGEST:
        raise InvalidField(Violation("share_link.expire_time", "must lie in the future, by 30 days at most"))
    return wanted
