"""Editors, as a device of somebody's uses them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from stateroom.session.v1 import editor_pb2, session_pb2, session_service_pb2
from stateroom.session.v1 import editor_service_pb2 as pb
from stateroom.session.v1.editor_pb2 import EditorBuffer, EditorEvent
from stateroom.session.v1.editor_service_pb2_grpc import EditorServiceStub

from tests.support.stage import Stage
from tests.support.waiting import PATIENCE

Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Editor:
    """An editor session."""

    stage: Stage
    session_id: str

    @classmethod
    async def open(cls, stage: Stage) -> Self:
        """Open one."""
        wanted = session_pb2.Session(workspace_id=str(stage.workspace.workspace_id), kind=session_pb2.Session.EDITOR)
        opened = await stage.call("CreateSession", session_service_pb2.CreateSessionRequest(session=wanted))
        return cls(stage, opened.session_id)

    async def buffer(self, path: str, text: str | None = None, **wishes: Any) -> EditorBuffer:  # fields of a request
        """Open a file, which is written first where a text is given."""
        if text is not None:
            (self.stage.files / path).write_text(text)
        request = pb.OpenBufferRequest(session_id=self.session_id, path=path, **wishes)
        buffer: EditorBuffer = await self.stage.call("OpenBuffer", request)
        return buffer

    async def terminate(self) -> None:
        """End it, and wait until it has."""
        request = session_service_pb2.TerminateSessionRequest(session_id=self.session_id)
        await self.stage.call("TerminateSession", request)
        await self.stage.ended(self.session_id)


async def get(stage: Stage, buffer_id: str) -> EditorBuffer:
    """Return a buffer with its text."""
    buffer: EditorBuffer = await stage.call("GetBuffer", pb.GetBufferRequest(buffer_id=buffer_id))
    return buffer


async def edit(stage: Stage, buffer: EditorBuffer, change: str | Sequence[Edit], **wishes: Any) -> EditorBuffer:
    """Change a text to another one, or by edits, from the revision of the buffer as it is given."""
    request = pb.EditBufferRequest(buffer_id=buffer.buffer_id, base_revision=buffer.revision, **wishes)
    if isinstance(change, str):
        request.text = change
    else:
        request.edits.extend(editor_pb2.TextEdit(start=start, end=end, text=text) for start, end, text in change)
    edited: EditorBuffer = await stage.call("EditBuffer", request)
    return edited


async def save(stage: Stage, buffer: EditorBuffer, **wishes: Any) -> EditorBuffer:  # as above
    """Save a buffer."""
    saved: EditorBuffer = await stage.call("SaveBuffer", pb.SaveBufferRequest(buffer_id=buffer.buffer_id, **wishes))
    return saved


async def unsaved(stage: Stage) -> list[str]:
    """Return the paths of the account's unsaved buffers, by name."""
    listed = await stage.call("ListBuffers", pb.ListBuffersRequest(unsaved=True))
    return sorted(buffer.path for buffer in listed.buffers)


@dataclass(slots=True)
class Follower:
    """A stream of an editor's events, and what it told."""

    stream: Any  # a call of grpc.aio, which is not generic at run time
    told: list[pb.StreamEditorEventsResponse] = field(default_factory=list)

    async def until(self, wanted: Callable[[pb.StreamEditorEventsResponse], bool]) -> pb.StreamEditorEventsResponse:
        """Read on until something was told."""
        async for response in self.stream:
            self.told.append(response)
            if wanted(response):
                return response  # type: ignore[no-any-return]  # as above
        raise AssertionError(self.told)

    async def event(self, type_: EditorEvent.Type.ValueType) -> EditorEvent:
        """Read on until something happened."""
        return (await self.until(lambda response: response.event.type == type_)).event

    async def end(self) -> None:
        """Read on to the end, which comes with that of the session."""
        async for response in self.stream:
            self.told.append(response)

    @property
    def types(self) -> list[str]:
        """What happened so far, by names."""
        return [EditorEvent.Type.Name(each.event.type) for each in self.told if each.HasField("event")]


@asynccontextmanager
async def follow(stage: Stage, session_id: str, after: int = 0) -> AsyncIterator[Follower]:
    """Follow an editor for a block."""
    stub: Any = EditorServiceStub(stage.channel)
    request = pb.StreamEditorEventsRequest(session_id=session_id, after_sequence=after)
    stream = stub.StreamEditorEvents(request, metadata=stage.bearer(), timeout=PATIENCE)
    try:
        yield Follower(stream)
    finally:
        stream.cancel()
