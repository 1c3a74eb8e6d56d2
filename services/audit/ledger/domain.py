"""What an entry of the ledger is, and what narrows a list of entries."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one service, as it was recorded.

    The fields up to `has_content` are read out of `header` and `payload` so that entries can be found; the bytes are
    the evidence. `has_content` stays true when the payload is erased. `outcome` is a number of ChangeHeader.Outcome.
    `orphaned` says that the source was restored from a backup that no longer has the change.
    """

    source: str
    epoch: int
    position: int
    account_id: UUID
    audit_log_id: UUID
    entity_type: str
    entity_id: UUID
    entity_version: int
    type: str
    outcome: int
    actor_id: str
    credential_id: str
    cause_event_id: str
    request_id: str
    trace_id: str
    time: datetime
    has_content: bool
    header: bytes
    salt: bytes
    payload: bytes
    digest: bytes
    record_time: datetime
    orphaned: bool = False

    @property
    def action(self) -> str:
        """What was done, `<entity>.<type>`."""
        return f"{self.entity_type}.{self.type}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; None leaves that side open. `start_time` is included, `end_time` is not."""

    source: str | None = None
    action: str | None = None
    entity_type: str | None = None
    entity_id: UUID | None = None
    type: str | None = None
    actor_id: str | None = None
    request_id: str | None = None
    outcome: int | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
