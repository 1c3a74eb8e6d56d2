"""What callers did and were told, and what the installation recorded: all that a checker needs to judge a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import asyncpg
from stateroom.event.v1.change_pb2 import ChangeHeader

from tests.support.source import query

_COMMITTED = "SELECT epoch, position, header, salt, payload FROM {source}.changes ORDER BY position"
_RECORDED = """
SELECT epoch, position, header, salt, payload FROM audit.entries WHERE source = $1 AND NOT orphaned ORDER BY position
"""


class Outcome(StrEnum):
    """What a caller was told. Of INFO, no answer, nothing may be concluded."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(slots=True)
class Operation:
    """One wish of a caller, however often it was repeated: `request_id` went with all of its calls.

    `change` is what it makes of its entity, such as `api_key.created`. The outcome is INFO until an answer came.
    """

    request_id: str
    change: str
    outcome: Outcome = Outcome.INFO
    entity_id: str = ""


@dataclass(slots=True)
class History:
    """The operations of all callers, in the order of their beginning."""

    operations: list[Operation] = field(default_factory=list)

    def invoke(self, request_id: str, change: str) -> Operation:
        """Note that somebody begins to want something."""
        self.operations.append(Operation(request_id, change))
        return self.operations[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """A change as it lies in a service's record or in the ledger."""

    epoch: int
    position: int
    header: bytes
    salt: bytes
    payload: bytes

    @property
    def head(self) -> ChangeHeader:
        """The parsed header."""
        return ChangeHeader.FromString(self.header)


async def committed(admin_url: str, source: str) -> list[Row]:
    """Return what a service committed and numbered, by position."""
    return _rows(await query(admin_url, _COMMITTED.format(source=source)))


async def recorded(admin_url: str, source: str) -> list[Row]:
    """Return what the ledger has of a service, by position."""
    return _rows(await query(admin_url, _RECORDED, source))


async def lag(admin_url: str, source: str) -> int:
    """Return how many changes of a service are not numbered or not in the ledger."""
    rows = await query(
        admin_url,
        f"SELECT (SELECT count(*) FROM {source}.outbox) + (SELECT position FROM {source}.relay_head)"  # noqa: S608  # a service's name
        " - COALESCE((SELECT position FROM audit.cursors WHERE source = $1), 0)",
        source,
    )
    return int(rows[0][0])


def _rows(rows: Sequence[asyncpg.Record]) -> list[Row]:
    return [Row(**dict(row)) for row in rows]
