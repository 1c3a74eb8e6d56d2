"""What an agent asks of its client: files beneath the workspace, and terminals."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import logs
from chassis.errors import DomainError
from runner.agents import files
from runner.agents.files import FileRefused
from runner.agents.state import AgentState
from runner.agents.telling import Telling, text_of
from runner.agents.terminals import AgentTerminals, TerminalRefused
from runner.agents.wire import Wire

_METHOD_NOT_FOUND, _REFUSED, _INTERNAL = -32601, -32602, -32603

_log = logs.get("agent")

Params = Mapping[str, Any]
Result = Mapping[str, Any] | None


class Asker(Protocol):
    """Who asks."""

    state: AgentState
    wire: Wire

    def write(self, event: pb.AgentEvent) -> None:
        """Write an event into its log."""


class Requests:
    """Serves one agent."""

    def __init__(self, root: Path, terminals: AgentTerminals, telling: Telling, group: asyncio.TaskGroup) -> None:
        self.terminals = terminals
        self._files = root
        self._telling = telling
        self._group = group
        self._methods: dict[str, Callable[[Asker, Params], Awaitable[Result]]] = {
            "fs/read_text_file": self._read,
            "fs/write_text_file": self._write,
            "terminal/create": self._create,
            "terminal/output": self._output,
            "terminal/wait_for_exit": self._wait,
            "terminal/kill": self._kill,
            "terminal/release": self._release,
        }

    def serve(self, asker: Asker, rpc_id: object, method: str, params: Params) -> None:
        """Answer a request, in its own time."""
        serve = self._methods.get(method)
        if serve is None:
            error = {"code": _METHOD_NOT_FOUND, "message": f"This client has no {method[:100]}."}
            asker.wire.send({"id": rpc_id, "error": error})
            return
        asker.state.serving[json.dumps(rpc_id)] = [rpc_id, method, params]
        self.spawn(self._serve(asker, rpc_id, serve(asker, params)))

    def resume(self, asker: Asker) -> None:
        """Go on with what was asked before an upgrade."""
        self.terminals.resume(asker.state.terminals)
        for rpc_id, method, params in list(asker.state.serving.values()):
            self.serve(asker, rpc_id, method, params)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the conversation. It must not raise."""
        self._group.create_task(work)

    async def close(self) -> None:
        """End what the agent left open."""
        await self.terminals.close()

    async def _serve(self, asker: Asker, rpc_id: object, work: Awaitable[Result]) -> None:
        try:
            answer: dict[str, Any] = {"result": await work or {}}
        except (FileRefused, TerminalRefused) as refused:
            answer = {"error": {"code": _REFUSED, "message": str(refused)}}
        except DomainError as refused:
            answer = {"error": {"code": _REFUSED, "message": refused.message}}
        except Exception as error:  # noqa: BLE001 the fault of one request must not end what else runs here
            _log.error("A request of an agent failed", session_id=asker.state.session_id, exc_info=error)
            answer = {"error": {"code": _INTERNAL, "message": "The client failed."}}
        asker.state.serving.pop(json.dumps(rpc_id), None)
        if not asker.wire.finished.is_set():
            asker.wire.send({"id": rpc_id, **answer})

    @contextmanager
    def _noted(self, asker: Asker, path: str, *, written: bool) -> Iterator[Callable[[int], None]]:
        """Write down that a file is read or written: its size, which the block gives, or why it is not."""
        access = pb.FileAccess(path=self._telling.shown_path(path), written=written)

        def note(size: int) -> None:
            access.size_bytes = size

        try:
            yield note
        except FileRefused as refused:
            access.failure = str(refused)[:300]
            raise
        finally:
            asker.write(pb.AgentEvent(file=access))

    async def _read(self, asker: Asker, params: Params) -> Result:
        path = text_of(params.get("path"), 4096)
        line, limit = (value if isinstance(value := params.get(name), int) else None for name in ("line", "limit"))
        with self._noted(asker, path, written=False) as note:
            content = await asyncio.to_thread(files.read, self._files, path, line, limit)
            note(len(content.encode()))
        return {"content": content}

    async def _write(self, asker: Asker, params: Params) -> Result:
        path, content = text_of(params.get("path"), 4096), params.get("content")
        with self._noted(asker, path, written=True) as note:
            if not isinstance(content, str):
                raise FileRefused("no content is given")
            note(await asyncio.to_thread(files.write, self._files, path, content))
        return None

    async def _create(self, asker: Asker, params: Params) -> Result:
        order = self.terminals.order(params)
        session_id = await self.terminals.open(order, params.get("outputByteLimit"))
        opened = pb.Terminal(
            session_id=session_id,
            command=order.command,
            working_directory=order.working_directory,
            environment_names=sorted(order.environment),
        )
        asker.write(pb.AgentEvent(terminal=opened))
        asker.state.terminals = self.terminals.limits()
        return {"terminalId": session_id}

    async def _output(self, _asker: Asker, params: Params) -> Result:
        opened = self.terminals.get(params)
        shown = bytes(opened.output).decode("utf-8", "replace")
        return {"output": shown, "truncated": opened.truncated, "exitStatus": opened.status()}

    async def _wait(self, _asker: Asker, params: Params) -> Result:
        opened = self.terminals.get(params)
        await opened.over.wait()
        return opened.status()

    async def _kill(self, _asker: Asker, params: Params) -> Result:
        await self.terminals.kill(self.terminals.get(params))
        return None

    async def _release(self, asker: Asker, params: Params) -> Result:
        await self.terminals.release(self.terminals.get(params))
        asker.state.terminals = self.terminals.limits()
        return None
