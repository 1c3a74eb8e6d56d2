"""Who changes something, and why: what a change event says about its cause."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """What makes a repeated mutation harmless: the client's request id, bound to one method and one content."""

    request_id: UUID
    method: str
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Actor:
    """The cause of a change, acting in exactly one account.

    `subject` is a user id or `service:<name>`. `correlation_id` names the request for people and logs;
    `repeat` is present when the client sent a request id.
    """

    account_id: UUID
    subject: str
    credential_id: str = ""
    correlation_id: str = ""
    cause_event_id: str = ""
    ip_address: str = ""
    user_agent: str = ""
    repeat: RepeatKey | None = None

    @classmethod
    def of_service(cls, name: str, account_id: UUID, *, correlation_id: str = "", cause_event_id: str = "") -> Self:
        """Return a service that acts for itself in an account."""
        return cls(account_id, f"service:{name}", correlation_id=correlation_id, cause_event_id=cause_event_id)
