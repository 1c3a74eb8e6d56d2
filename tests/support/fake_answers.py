"""Answers of the fake services that most tests share: echoes of what was asked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, NoReturn

from stateroom.session.v1 import log_pb2, session_pb2
from stateroom.session.v1.attach_pb2 import AttachSessionResponse as Reply
from stateroom.workspace.v1 import identity_service_pb2, workspace_pb2

from chassis.errors import (
    Conflict,
    CredentialInvalid,
    DomainError,
    EtagMismatch,
    LimitExceeded,
    NotFound,
    PermissionDenied,
    WrongState,
)
from chassis.rpc import status


async def abort(context: Any, error: DomainError) -> NoReturn:
    """Fail a call as a service does."""
    context.set_trailing_metadata(((status.DETAILS_KEY, status.details_of(error, "fake")),))
    await context.abort(status.code_of(error), error.message)
    raise AssertionError


class Revocable:
    """The exchange of credentials, which can be switched to refuse."""

    def __init__(self) -> None:
        self.revoked = False
        self.count = 0
        self.token = "eyJ.test.token"  # not a secret

    async def __call__(self, _request: Any, context: Any) -> identity_service_pb2.ExchangeCredentialResponse:
        """Answer with a token, or refuse."""
        self.count += 1
        if self.revoked:
            await abort(context, CredentialInvalid())
        return identity_service_pb2.ExchangeCredentialResponse(token=self.token)


async def get_session(request: Any, _context: Any) -> session_pb2.Session:
    """Answer with the session that was asked for."""
    return session_pb2.Session(session_id=request.session_id, etag='"7"', output_bytes=1 << 40)


async def create_session(request: Any, _context: Any) -> session_pb2.Session:
    """Answer with the session that was sent."""
    session: session_pb2.Session = request.session
    return session


async def delete_workspace(request: Any, context: Any) -> workspace_pb2.Workspace:
    """Refuse any etag but "1"."""
    if request.etag not in {"", "*", '"1"'}:
        await abort(context, EtagMismatch(request.etag))
    return workspace_pb2.Workspace(workspace_id=request.workspace_id)


async def attach_session(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Reply]:
    """Echo: `attach` as `attached`, input as output, a resize as `resized`; an `ack` of 404 fails, any other ends."""
    async for request in requests:
        kind = request.WhichOneof("message")
        if kind == "attach":
            yield Reply(attached=Reply.Attached(offset=request.attach.offset))
        elif kind == "input":
            yield Reply(output=Reply.Output(data=request.input.data))
        elif kind == "resize":
            yield Reply(resized=Reply.Resized(columns=request.resize.columns))
        elif request.ack.offset in ENDINGS:
            await abort(context, ENDINGS[request.ack.offset])
        else:
            return


async def stream_output(request: Any, context: Any) -> AsyncIterator[log_pb2.StreamOutputResponse]:
    """Stream three items; from offset 1 on, fail after the second."""
    for offset in range(3):
        if request.offset and offset == 2:
            await abort(context, SessionGone())
        yield log_pb2.StreamOutputResponse(offset=offset, data=b"x")


class SessionGone(NotFound):
    """The session is gone."""

    reason = "TEST_GONE"


class Forbidden(PermissionDenied):
    """It is forbidden."""

    reason = "TEST_FORBIDDEN"


class TooMuch(LimitExceeded):
    """It is too much."""

    reason = "TEST_TOO_MUCH"

    def __init__(self) -> None:
        super().__init__(retry_after=timedelta(seconds=3))


class Clash(Conflict):
    """It clashes."""

    reason = "TEST_CLASH"


class Wrong(WrongState):
    """It is in the wrong state."""

    reason = "TEST_WRONG"


ENDINGS: dict[int, DomainError] = {400: Wrong(), 403: Forbidden(), 404: SessionGone(), 409: Clash(), 429: TooMuch()}
"""An acknowledged offset → how the stream ends."""
