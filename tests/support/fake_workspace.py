"""A workspace service that knows one room and its runner."""

from datetime import UTC, datetime
from typing import Any

from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.workspace.v1 import workspace_service_pb2 as pb

from chassis import ids, trace
from chassis.errors import NotFound, WrongState
from chassis.rpc.call import Call
from chassis.service import Service


class FakeWorkspace:
    """Answers GetRunner; nothing else is asked by sessions."""

    def __init__(self) -> None:
        self.runner = pb.Runner()
        self.refusals: list[Exception | None] = []
        """What the next calls are refused with, one after another."""
        self.refusal: Exception | None = None
        self.workspace_id = ids.new()
        self.account_id = ids.new()

    def __getattr__(self, name: str) -> Any:  # a handler nobody calls
        if name.startswith("_"):
            raise AttributeError(name)
        return self._absent

    async def _absent(self, request: Any, call: Call) -> Any:  # any message
        raise AssertionError(call.method.full_name)

    async def GetRunner(self, request: pb.GetRunnerRequest, call: Call) -> pb.Runner:
        """Return the room's runner to its own account."""
        refused = self.refusals.pop(0) if self.refusals else self.refusal
        if refused is not None:
            raise refused
        if (request.workspace_id, request.account_id) != (str(self.workspace_id), str(self.account_id)):
            raise refusal(NotFound, "WORKSPACE_NOT_FOUND")
        return self.runner

    async def put_away(self, service: Service, how: str, time: datetime | None = None) -> str:
        """Record that the room was `archived` or `deleted`, now or at another time; returns the event's id."""
        header = ChangeHeader(
            event_id=str(ids.new()),
            account_id=str(self.account_id),
            entity_type="workspace",
            entity_id=str(self.workspace_id),
            type=how,
            trace_id=trace.trace_id(),
        )
        header.time.FromDatetime(time or datetime.now(UTC))
        statement = "INSERT INTO outbox (account_id, header, salt, payload) VALUES ($1, $2, $3, '')"
        async with service.system.connection() as connection:
            await connection.execute(statement, self.account_id, header.SerializeToString(), bytes(16))
        service.relay.wake()
        return header.event_id


def refusal(kind: type[NotFound] | type[WrongState], reason: str) -> Exception:
    """Return an error of the workspace service without its class, which another test process may have."""
    error = kind()
    error.reason = reason  # type: ignore[misc]  # an instance carries it
    error.args = (reason,)
    return error
