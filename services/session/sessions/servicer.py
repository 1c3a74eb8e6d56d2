"""SessionService: terminals that outlive every connection."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from stateroom.session.v1 import attach_pb2, exec_pb2, log_pb2, session_pb2, update_pb2
from stateroom.session.v1 import session_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database
from chassis.errors import InvalidField, Violation
from chassis.pages import MAXIMUM_LOG_SIZE, Pages
from chassis.rpc.call import Call
from services.session.sessions import convert, operations, queries
from services.session.sessions.domain import Session, StopReason
from services.session.sessions.errors import SessionNotFound
from services.session.sessions.live.attachment import Attachments
from services.session.sessions.live.opening import OWN_NAMES, Opener
from services.session.sessions.live.writing import Writer


@dataclass(frozen=True, slots=True)
class SessionServicer:
    """Serves stateroom.session.v1.SessionService."""

    database: Database
    pages: Pages
    opener: Opener
    attachments: Attachments
    writer: Writer
    wake_reconciler: Callable[[], None]

    async def CreateSession(self, request: pb.CreateSessionRequest, call: Call) -> session_pb2.Session:
        """Open a shell, or run a command, and return its session once it runs."""
        wanted = request.session
        session = await self._open(wanted, wanted.environment, call, asked_in="session")
        return convert.session_to_proto(session)

    async def ExecCommand(
        self, request: exec_pb2.ExecCommandRequest, call: Call
    ) -> AsyncIterator[exec_pb2.ExecCommandResponse]:
        """Run a command and stream what it prints, or join the run that an earlier call began."""
        wanted = convert.session_of_command(request)
        session = await self._open(wanted, request.environment, call)
        yield exec_pb2.ExecCommandResponse(started=convert.session_to_proto(session))
        async for part in self.attachments.stream(call, session, 0):
            yield convert.output_of_command(part)
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
            attachment_id=ids.parse(request.attachment_id) if request.attachment_id else None,
            show_deleted=request.show_deleted,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda session: session.session_id)
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
        await self.writer.write(call.actor, session, request.data, request.request_id)
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

    async def StreamOutput(
        self, request: log_pb2.StreamOutputRequest, call: Call
    ) -> AsyncIterator[log_pb2.StreamOutputResponse]:
        """Stream a session's output from an offset."""
        session = await self.opener.started(call.actor, await self._session(request.session_id, call))
        async with aclosing(self.attachments.stream(call, session, request.offset)) as responses:
            async for response in responses:
                yield response

    async def ListSessionEvents(
        self, request: log_pb2.ListSessionEventsRequest, call: Call
    ) -> log_pb2.ListSessionEventsResponse:
        """Return a page of a session's records."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        rows = await self.database.read(
            call.actor,
            queries.list_records,
            session_id=ids.parse(request.session_id),
            wanted=convert.range_from_proto(request, page.after_number),
            limit=page.limit,
        )
        shown = queries.fitting(rows, page.size)
        token = page.seal(shown[-1].sequence) if len(shown) < len(rows) else ""
        return log_pb2.ListSessionEventsResponse(
            session_events=map(convert.record_to_proto, shown), next_page_token=token
        )

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
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda device: device.attachment_id)
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

    async def _open(
        self, wanted: session_pb2.Session, environment: Mapping[str, str], call: Call, *, asked_in: str = ""
    ) -> Session:
        """Open a session. `asked_in` is the field of the request that holds what is wanted."""
        spec = convert.spec_from_proto(ids.new(), wanted, {*environment, *OWN_NAMES})
        return await self.opener.open(call.actor, spec, environment, asked_in=asked_in)

    async def _session(self, session_id: str, call: Call) -> Session:
        """Return a session. To who came by a share link there is no other than that of the link."""
        if call.principal.resource_id not in {None, ids.parse(session_id)}:
            raise SessionNotFound(ids.parse(session_id))
        actor = replace(call.actor, repeat=None)
        return await self.database.read(actor, queries.get_session, session_id=ids.parse(session_id))
