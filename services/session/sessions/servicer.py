"""SessionService: terminals that outlive every connection."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace

from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.session.v1 import attach_pb2, exec_pb2, session_pb2, update_pb2
from stateroom.session.v1 import session_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database
from chassis.errors import DomainError, InvalidField, Violation
from chassis.pages import MAXIMUM_LOG_SIZE, Pages
from chassis.rpc.call import Call
from services.session.sessions import convert, operations, queries
from services.session.sessions.domain import Kind, Session, StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.live.attachment import Attachments
from services.session.sessions.live.opening import OWN_NAMES, Opener
from services.session.sessions.live.runners import OVER, Runners
from services.session.sessions.operations import Wish
from services.session.sessions.store import leases

DEFAULT_SHELL = "bash"
DEFAULT_COLUMNS, DEFAULT_ROWS = 80, 24


@dataclass(frozen=True, slots=True)
class SessionServicer:
    """Serves stateroom.session.v1.SessionService."""

    database: Database
    pages: Pages
    runners: Runners
    opener: Opener
    attachments: Attachments
    wake_reconciler: Callable[[], None]

    async def CreateSession(self, request: pb.CreateSessionRequest, call: Call) -> session_pb2.Session:
        """Open a shell, or run a command, and return its session once it runs."""
        wish = _wish(request.session, request.session.environment)
        session = await self.opener.open(call.actor, wish, request.session.environment, asked_in="session")
        return convert.session_to_proto(session)

    async def ExecCommand(
        self, request: exec_pb2.ExecCommandRequest, call: Call
    ) -> AsyncIterator[exec_pb2.ExecCommandResponse]:
        """Run a command and stream what it prints, or join the run that an earlier call began."""
        wanted = session_pb2.Session(
            workspace_id=request.workspace_id,
            kind=session_pb2.Session.COMMAND,
            command=request.command,
            working_directory=request.working_directory,
            timeout=request.timeout if request.HasField("timeout") else None,
        )
        session = await self.opener.open(call.actor, _wish(wanted, request.environment), request.environment)
        yield exec_pb2.ExecCommandResponse(started=convert.session_to_proto(session))
        async for part in self.attachments.stream(call, session, 0):
            yield exec_pb2.ExecCommandResponse(
                output=exec_pb2.ExecCommandResponse.Output(offset=part.offset, data=part.data)
            )
        ended = await self._session(str(session.session_id), call)
        yield exec_pb2.ExecCommandResponse(ended=convert.session_to_proto(ended))

    async def GetSession(self, request: pb.GetSessionRequest, call: Call) -> session_pb2.Session:
        """Return a session."""
        return convert.session_to_proto(await self._session(request.session_id, call))

    async def ListSessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        """Return a page of the account's sessions."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_sessions,
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
            state=convert.state_from_proto(request.state),
            kind=convert.kind_from_proto(request.kind),
            limit=page.limit + 1,
            after=page.after_id,
        )
        shown, token = self.pages.cut(request, call.account_id, page, rows, key=lambda session: session.session_id)
        return pb.ListSessionsResponse(sessions=map(convert.session_to_proto, shown), next_page_token=token)

    async def UpdateSession(self, request: update_pb2.UpdateSessionRequest, call: Call) -> session_pb2.Session:
        """Change what people say of a session."""
        names = masks.fields_to_set(request.session, request.update_mask)
        session = await self.database.write(
            call.actor,
            operations.update_session,
            session_id=ids.parse(request.session_id),
            values=convert.values_from_proto(request.session, names),
            etag=request.etag,
        )
        return convert.session_to_proto(session)

    async def ReportActivity(
        self, request: update_pb2.ReportActivityRequest, call: Call
    ) -> update_pb2.ReportActivityResponse:
        """Note that something works in sessions."""
        actor = replace(call.actor, repeat=None)
        session_ids = list(dict.fromkeys(map(ids.parse, request.session_ids)))
        live = await self.database.write(actor, operations.report_activity, session_ids=session_ids)
        return update_pb2.ReportActivityResponse(session_ids=map(str, live))

    async def WriteSession(self, request: pb.WriteSessionRequest, call: Call) -> pb.WriteSessionResponse:
        """Type into a session that no device controls."""
        session = await self._session(request.session_id, call)
        session.expect_terminal()
        session.expect_active()
        epoch = await self.database.read(call.actor, leases.expect_free, session_id=session.session_id)
        write = runner_pb.WriteTerminalRequest(
            session_id=request.session_id, data=request.data, lease_epoch=epoch, write_id=request.request_id
        )
        runner = await self.runners.find(session.account_id, session.workspace_id)
        try:
            await runner.call(runner.stub.WriteTerminal, write)
        except DomainError as exc:
            self.runners.forget(session.workspace_id)
            if exc.reason in OVER:
                raise SessionNotActive(session.session_id, "STOPPED") from exc
            raise
        return pb.WriteSessionResponse()

    async def ResizeSession(self, request: update_pb2.ResizeSessionRequest, call: Call) -> session_pb2.Session:
        """Change the size of a session; the reconciler makes up for a runner that is away."""
        session = await self.database.write(
            call.actor,
            operations.resize_session,
            session_id=ids.parse(request.session_id),
            columns=request.columns,
            rows=request.rows,
            etag=request.etag,
        )
        self.wake_reconciler()
        return convert.session_to_proto(session)

    async def TerminateSession(self, request: pb.TerminateSessionRequest, call: Call) -> session_pb2.Session:
        """Have a session ended."""
        session = await self.database.write(
            call.actor,
            operations.request_stop,
            session_id=ids.parse(request.session_id),
            reason=StopReason.TERMINATED,
            etag=request.etag,
        )
        self.wake_reconciler()
        return convert.session_to_proto(session)

    async def StreamOutput(self, request: pb.StreamOutputRequest, call: Call) -> AsyncIterator[pb.StreamOutputResponse]:
        """Stream a session's output from an offset."""
        session = await self.opener.started(call.actor, await self._session(request.session_id, call))
        async with aclosing(self.attachments.stream(call, session, request.offset)) as responses:
            async for response in responses:
                yield response

    async def ListSessionEvents(self, request: pb.ListSessionEventsRequest, call: Call) -> pb.ListSessionEventsResponse:
        """Return a page of a session's records."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        session = await self._session(request.session_id, call)
        rows = await self.database.read(
            call.actor,
            queries.list_records,
            session_id=session.session_id,
            after=request.after_sequence if page.after_number is None else page.after_number,
            limit=page.limit + 1,
        )
        shown, token = self.pages.cut(request, call.account_id, page, rows, key=lambda record: record.sequence)
        return pb.ListSessionEventsResponse(session_events=map(convert.record_to_proto, shown), next_page_token=token)

    def AttachSession(
        self, requests: AsyncIterator[attach_pb2.AttachSessionRequest], call: Call
    ) -> AsyncGenerator[attach_pb2.AttachSessionResponse, None]:
        """Serve a device."""
        return self._attach(requests, call, may_control=True)

    def ObserveSession(
        self, requests: AsyncIterator[attach_pb2.AttachSessionRequest], call: Call
    ) -> AsyncGenerator[attach_pb2.AttachSessionResponse, None]:
        """Serve a device that only watches."""
        return self._attach(requests, call, may_control=False)

    async def ListAttachments(
        self, request: attach_pb2.ListAttachmentsRequest, call: Call
    ) -> attach_pb2.ListAttachmentsResponse:
        """Return a page of the devices at a session."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_attachments,
            session_id=ids.parse(request.session_id),
            limit=page.limit + 1,
            after=page.after_id,
        )
        shown, token = self.pages.cut(request, call.account_id, page, rows, key=lambda device: device.attachment_id)
        return attach_pb2.ListAttachmentsResponse(
            attachments=map(convert.attachment_to_proto, shown), next_page_token=token
        )

    async def _attach(
        self, requests: AsyncIterator[attach_pb2.AttachSessionRequest], call: Call, *, may_control: bool
    ) -> AsyncGenerator[attach_pb2.AttachSessionResponse, None]:
        first = await anext(requests, attach_pb2.AttachSessionRequest())
        if not first.HasField("attach"):
            raise InvalidField(Violation("attach", "the first message must be attach"))
        session = await self.opener.started(call.actor, await self._session(first.attach.session_id, call))
        served = self.attachments.attach(call, session, first.attach, requests, may_control=may_control)
        async with aclosing(served) as responses:
            async for response in responses:
                yield response

    async def _session(self, session_id: str, call: Call) -> Session:
        actor = replace(call.actor, repeat=None)
        return await self.database.read(actor, queries.get_session, session_id=ids.parse(session_id))


def _wish(wanted: session_pb2.Session, environment: Iterable[str]) -> Wish:
    """Return what a new session is to be, with what is not said."""
    return Wish(
        session_id=ids.new(),
        workspace_id=ids.parse(wanted.workspace_id),
        kind=convert.kind_from_proto(wanted.kind) or Kind.TERMINAL,
        shell=wanted.shell or ("" if wanted.command else DEFAULT_SHELL),
        command=tuple(wanted.command),
        timeout=wanted.timeout.ToTimedelta() if wanted.HasField("timeout") else None,
        title=wanted.title,
        metadata=dict(wanted.metadata),
        working_directory=wanted.working_directory,
        environment_names=tuple(sorted({*environment, *OWN_NAMES})),
        columns=wanted.columns or DEFAULT_COLUMNS,
        rows=wanted.rows or DEFAULT_ROWS,
    )
