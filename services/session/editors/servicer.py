"""EditorService: files that are edited in sessions."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from stateroom.session.v1 import editor_pb2
from stateroom.session.v1 import editor_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.session.editors import convert, queries
from services.session.editors.live.following import Following
from services.session.editors.live.saving import Saving
from services.session.editors.operations import editing, recovering
from services.session.sessions.queries import get_session


@dataclass(frozen=True, slots=True)
class EditorServicer:
    """Serves stateroom.session.v1.EditorService."""

    database: Database
    pages: Pages
    saving: Saving
    following: Following

    async def OpenBuffer(self, request: pb.OpenBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Open a file."""
        session_id = ids.parse(request.session_id)
        opened = await self.saving.open(call.actor, session_id, request.path, allow_missing=request.allow_missing)
        return await self._read(opened.buffer_id, call)

    async def GetBuffer(self, request: pb.GetBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Return a buffer with its text."""
        return await self._read(ids.parse(request.buffer_id), call)

    async def ListBuffers(self, request: pb.ListBuffersRequest, call: Call) -> pb.ListBuffersResponse:
        """Return a page of the account's buffers."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_buffers,
            session_id=ids.parse(request.session_id) if request.session_id else None,
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
            unsaved=request.unsaved,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda buffer: buffer.buffer_id)
        return pb.ListBuffersResponse(buffers=map(convert.buffer_to_proto, shown), next_page_token=token)

    async def EditBuffer(self, request: pb.EditBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Change a text."""
        edited = await self.database.write(
            call.actor,
            editing.edit_buffer,
            buffer_id=ids.parse(request.buffer_id),
            base=request.base_revision,
            text=request.text if request.HasField("text") else None,
            edits=convert.edits_from_proto(request.edits),
        )
        return convert.buffer_to_proto(edited)

    async def SaveBuffer(self, request: pb.SaveBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Write a text into its file."""
        saved = await self.saving.save(call.actor, ids.parse(request.buffer_id), overwrite=request.overwrite)
        return convert.buffer_to_proto(saved)

    async def RevertBuffer(self, request: pb.RevertBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Take the file's text again."""
        buffer_id = ids.parse(request.buffer_id)
        await self.saving.revert(call.actor, buffer_id, request.base_revision)
        return await self._read(buffer_id, call)

    async def CloseBuffer(self, request: pb.CloseBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Close a buffer."""
        closed = await self.database.write(
            call.actor, editing.close_buffer, buffer_id=ids.parse(request.buffer_id), discard=request.discard
        )
        return convert.buffer_to_proto(closed)

    async def RecoverBuffer(self, request: pb.RecoverBufferRequest, call: Call) -> editor_pb2.EditorBuffer:
        """Bring a buffer into another session."""
        recovered = await self.database.write(
            call.actor,
            recovering.recover_buffer,
            buffer_id=ids.parse(request.buffer_id),
            session_id=ids.parse(request.session_id),
        )
        return convert.buffer_to_proto(recovered)

    async def MoveCursor(self, request: pb.MoveCursorRequest, call: Call) -> pb.MoveCursorResponse:
        """Tell the others where a device is."""
        await self.database.write(
            replace(call.actor, repeat=None),
            editing.move_cursor,
            buffer_id=ids.parse(request.buffer_id),
            device=request.device,
            person=call.principal.name,
            anchor=request.anchor,
            head=request.head,
        )
        return pb.MoveCursorResponse()

    async def StreamEditorEvents(
        self, request: pb.StreamEditorEventsRequest, call: Call
    ) -> AsyncIterator[pb.StreamEditorEventsResponse]:
        """Stream what happens in an editor."""
        session = await self.database.read(call.actor, get_session, session_id=ids.parse(request.session_id))
        async with aclosing(self.following.events(call.actor, session, request.after_sequence)) as responses:
            async for response in responses:
                yield response

    async def _read(self, buffer_id: UUID, call: Call) -> editor_pb2.EditorBuffer:
        actor = replace(call.actor, repeat=None)
        return convert.buffer_to_proto(*await self.database.read(actor, queries.read_buffer, buffer_id=buffer_id))
