"""The record of a service's changes, as its consumers read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stateroom.event.v1 import change_service_pb2 as pb

from chassis.database import FAILURES, translated
from chassis.errors import DatabaseUnavailable
from chassis.relay import to_change
from chassis.rpc.call import Call
from chassis.system import Connection, SystemDatabase

DEFAULT_PAGE = 500

_HEAD = """
SELECT epoch, position, epoch_base, relay_head.timeline_id <> now.timeline_id AS restored
FROM relay_head, pg_control_checkpoint() AS now
"""
_PAGE_BYTES = 8 << 20
"""Bytes of changes in one answer, unless the first alone has more; half of what a client takes."""

_AFTER = """
SELECT * FROM (
    SELECT *, sum(length(header) + length(payload)) OVER (ORDER BY position) AS bytes FROM (
        SELECT * FROM changes WHERE position > $1 ORDER BY position LIMIT $2
    ) AS page
) AS measured
WHERE bytes <= $3 OR position = $1 + 1
ORDER BY position
"""


class ChangeServicer:
    """Serves stateroom.event.v1.ChangeService for one source."""

    def __init__(self, source: str, database: SystemDatabase) -> None:
        self._source = source
        self._database = database

    async def ListChanges(self, request: pb.ListChangesRequest, _call: Call) -> pb.ListChangesResponse:
        """Return the changes after a position."""
        async with self._connection() as connection:
            limit = request.page_size or DEFAULT_PAGE
            rows = await connection.fetch(_AFTER, request.after_position, limit, _PAGE_BYTES)
            head = await _head(connection)
        return pb.ListChangesResponse(changes=[to_change(self._source, row) for row in rows], head=head)

    async def GetHead(self, _request: pb.GetHeadRequest, _call: Call) -> pb.Head:
        """Return the end of the record."""
        async with self._connection() as connection:
            return await _head(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with self._database.connection() as connection:
                yield connection
        except FAILURES as exc:
            raise translated(exc) from exc


async def _head(connection: Connection) -> pb.Head:
    row = await connection.fetchrow(_HEAD)
    if row["restored"]:
        # The relay has not begun the new epoch yet; in the old one the record would seem to have gone back.
        raise DatabaseUnavailable
    return pb.Head(epoch=row["epoch"], position=row["position"], epoch_base=row["epoch_base"])
