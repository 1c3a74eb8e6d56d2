"""Who is attached to a session."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AttachedDevice:
    """A device at a session, as others see it; `person` is what `subject` is called, size 0 means it told none."""

    attachment_id: UUID
    session_id: UUID
    subject: str
    person: str
    device: str
    columns: int
    rows: int
    acknowledged_offset: int
    attach_time: datetime
    controls: bool
