"""One WebSocket connection of a device to a session: output with offsets in, typed bytes and acknowledgements out."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.protocol import State

from cli.api_errors import PASSING_STATUSES, from_error, from_response
from cli.client import Client
from cli.endpoint import Endpoint
from cli.errors import Unreachable

ACK_BYTES = 32 * 1024
"""Shown bytes after which the server is told; a quarter of the credit it gives."""
INPUT_BYTES = 32 * 1024
"""Typed bytes in one frame; the server takes 64 KiB."""
OPEN_SECONDS = 10.0


class ConnectionCut(Exception):
    """The connection is gone and the session may well live on."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The server's first message. Bytes from `offset` to `end_offset` are a replay."""

    offset: int
    end_offset: int
    columns: int
    rows: int
    role: str


@dataclass(frozen=True, slots=True)
class Output:
    """Printed bytes; `offset` is that of the first."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """The session's size changed."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """Another device took control, or gave it back."""

    role: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What the session waits for changed."""

    paused: bool
    idle_end_time: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is attached changed; `controller` is who types, and at what, empty when nobody does."""

    controller: str


@dataclass(frozen=True, slots=True)
class Ping:
    """The server asks whether somebody is still there."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session ended; nothing follows."""

    state: str
    stop_reason: str
    exit_code: int | None
    exit_signal: int | None
    end_offset: int


Event: TypeAlias = Attached | Output | Resized | RoleChanged | Condition | Presence | Ping | Ended


@dataclass(frozen=True, slots=True)
class Wish:
    """How a device wants to attach. Size 0 keeps the session's; an empty role takes control if nobody has it.

    With the secret of a share link as `link` the session is that of the link.
    """

    session_id: str
    offset: int = 0
    role: str = ""
    take_over: bool = False
    columns: int = 0
    rows: int = 0
    device: str = ""
    presence: bool = False
    link: str = ""

    def query(self) -> str:
        """Return the fields that are set, as the API's query string."""
        fields = {
            "attach.offset": self.offset,
            "attach.role": self.role,
            "attach.takeOver": "true" if self.take_over else "",
            "attach.columns": self.columns,
            "attach.rows": self.rows,
            "attach.device": self.device,
            "attach.presence": "true" if self.presence else "",
        }
        return urlencode({name: value for name, value in fields.items() if value} | {"attach.offset": self.offset})


class Attachment:
    """An open connection; made by `attach`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._next_offset = 0
        self._acknowledged = 0

    async def events(self) -> AsyncIterator[Event]:
        """Yield what the session says until it ends. Asking for the next event acknowledges the output before it.

        Raises:
            ConnectionCut: attach again from the end of the last output.
            CommandFailed: the server refuses to go on, with its reason.
        """
        try:
            async for frame in self._connection:
                event = self._output(frame) if isinstance(frame, bytes) else self._message(frame)
                if event is None:
                    continue
                yield event
                if isinstance(event, Ended):
                    return
                await self._acknowledge(due=isinstance(event, Ping))
        except ConnectionClosed as error:
            raise ConnectionCut from error
        raise ConnectionCut

    async def type(self, data: bytes) -> None:
        """Send typed bytes."""
        for start in range(0, len(data), INPUT_BYTES):
            await self._send(data[start : start + INPUT_BYTES])

    async def resize(self, columns: int, rows: int) -> None:
        """Give the session this size; only its controller may."""
        await self._send(json.dumps({"resize": {"columns": columns, "rows": rows}}))

    def cut(self) -> None:
        """Drop the connection without a word, as a network does."""
        self._connection.transport.abort()

    async def _acknowledge(self, *, due: bool) -> None:
        # A server that has closed needs none, and waiting to send one would keep what it said last from being read.
        due = due or self._next_offset - self._acknowledged >= ACK_BYTES
        if self._connection.state is State.OPEN and due:
            self._acknowledged = self._next_offset
            await self._send(json.dumps({"ack": {"offset": str(self._acknowledged)}}))

    async def _send(self, frame: bytes | str) -> None:
        try:
            await self._connection.send(frame)
        except ConnectionClosed as error:
            raise ConnectionCut from error

    def _output(self, data: bytes) -> Output:
        output = Output(self._next_offset, data)
        self._next_offset += len(data)
        return output

    def _message(self, frame: str) -> Event | None:
        message: dict[str, Any] = json.loads(frame)
        if error := message.get("error"):
            code = int(error.get("code", 500))
            if code in PASSING_STATUSES:
                raise ConnectionCut
            raise from_error(code, error)
        event = _event(message)
        if isinstance(event, Attached):
            self._next_offset = self._acknowledged = event.offset
        return event


def _event(message: dict[str, Any]) -> Event | None:
    """Return the event a text frame carries; None for kinds that a newer server may add."""
    kind, content = next(iter(message.items()))
    read = _EVENTS.get(kind)
    return read(content) if read is not None else None


def _controller(attachments: list[dict[str, Any]]) -> str:
    found = [each for each in attachments if each.get("role") == "CONTROLLER"]
    return " at ".join(filter(None, (found[0].get("person", ""), found[0].get("device", "")))) if found else ""


_EVENTS: Mapping[str, Callable[[dict[str, Any]], Event]] = {
    "attached": lambda content: Attached(
        offset=int(content.get("offset", 0)),
        end_offset=int(content.get("endOffset", 0)),
        columns=int(content.get("columns", 0)),
        rows=int(content.get("rows", 0)),
        role=str(content.get("role", "")),
    ),
    "resized": lambda content: Resized(int(content["columns"]), int(content["rows"])),
    "roleChanged": lambda content: RoleChanged(str(content["role"])),
    "condition": lambda content: Condition(bool(content.get("paused", False)), str(content.get("idleEndTime", ""))),
    "presence": lambda content: Presence(_controller(content.get("attachments", []))),
    "ping": lambda _: Ping(),
    "ended": lambda content: Ended(
        state=str(content.get("state", "")),
        stop_reason=str(content.get("stopReason", "")),
        exit_code=content.get("exitCode"),
        exit_signal=content.get("exitSignal"),
        end_offset=int(content.get("endOffset", 0)),
    ),
}


async def _open(endpoint: Endpoint, wish: Wish) -> tuple[Wish, str]:
    """Open the link of a wish; return what it lets one wish for, and a ticket as a part of a query."""
    try:
        async with Client(replace(endpoint, api_key="")) as client:
            opened = await client.post("/v1/shareLinks:open", {"secret": wish.link})
    except Unreachable as error:
        raise ConnectionCut from error
    role = "OBSERVER" if opened["role"] == "OBSERVER" else wish.role
    return replace(wish, session_id=opened["sessionId"], role=role), f"&ticket={opened['ticket']}"


@asynccontextmanager
async def attach(endpoint: Endpoint, wish: Wish, account: str = "") -> AsyncIterator[Attachment]:
    """Open a connection and close it at the end of the block.

    Raises:
        ConnectionCut: nobody answers at the moment.
        CommandFailed: the server refuses, with its reason.
    """
    headers, ticket = endpoint.headers(account), ""
    if wish.link:
        wish, ticket = await _open(endpoint, wish)
        headers = {}
    # Who only watches needs no right to type.
    verb = "observe" if wish.role == "OBSERVER" else "attach"
    session = f"{endpoint.url.removeprefix('http')}/v1/sessions/{quote(wish.session_id, safe='')}"
    url = f"ws{session}:{verb}?{wish.query()}{ticket}"
    try:
        connection = await connect(url, additional_headers=headers, open_timeout=OPEN_SECONDS, max_size=None)
    except InvalidStatus as error:
        if error.response.status_code in PASSING_STATUSES:
            raise ConnectionCut from error
        raise from_response(error.response.status_code, bytes(error.response.body or b"")) from error
    except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
        raise ConnectionCut from error
    async with connection:
        yield Attachment(connection)
