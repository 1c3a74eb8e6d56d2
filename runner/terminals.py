"""The table of terminals: those that run here, those that ended, and those that an earlier runner left."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from chassis import faults, logs
from chassis.errors import ServiceUnavailable
from runner import errands, shell
from runner.errands import Errand
from runner.errors import TerminalEnded, TerminalNotFound
from runner.handover import TerminalState
from runner.program import RunningProgram
from runner.sandbox import Program, Sandbox
from runner.spool import Spool
from runner.terminal import Size, Terminal

_SIZE_FILE = "size.json"

_AFTER_OPENING = faults.Point("runner.after_opening", "A shell was started, and nobody knows.")

_log = logs.get("terminals")


@dataclass(slots=True)
class LeftTerminal:
    """What an earlier runner left of a terminal: its log. Nobody knows more of its end than the log says."""

    session_id: str
    spool: Spool
    size: Size

    def acknowledge(self, sequence: int) -> None:
        """Drop what is stored elsewhere."""
        self.spool.acknowledge(sequence)


@dataclass(frozen=True, slots=True)
class Order:
    """A terminal that somebody wants: with a shell in it, or with a command, which may have a pipe instead."""

    session_id: str
    size: Size
    shell: str = "bash"
    command: Sequence[str] = ()
    piped: bool = False
    working_directory: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    errand: Errand | None = None


class Terminals:
    """All terminals of this room, by session id."""

    def __init__(
        self, room: Path, sandbox: Sandbox, limit: int, group: asyncio.TaskGroup, *, allow_local: bool = False
    ) -> None:
        """Find what earlier runners left.

        Args:
            room: the room's folder.
            sandbox: its walls.
            limit: the bytes that each new spool may keep.
            group: runs what belongs to the terminals.
            allow_local: whether templates may be folders of this machine.
        """
        self._room = room
        self._sandbox = sandbox
        self._allow_local = allow_local
        self._limit = limit
        self.group = group
        self._executor = ThreadPoolExecutor(1, "spool")
        self._opening = asyncio.Lock()
        self._ending = False
        self._terminals: dict[str, Terminal | LeftTerminal] = {}
        for directory in sorted((room / "spool").iterdir()):
            self._terminals[directory.name] = self._left(directory)

    async def open(self, order: Order, described: Program | None = None) -> Terminal | LeftTerminal:
        """Return the terminal of a session: the one that exists, or a new one with a program that may be described.

        Raises:
            InvalidWorkingDirectory, ShellNotFound, CommandNotFound: the order cannot be met.
            CannotOpenTerminal: the machine refused.
            ServiceUnavailable: the runner is ending, and another one will have the room.
        """
        async with self._opening:
            if self._ending:
                raise ServiceUnavailable(service="runner")
            existing = self._terminals.get(order.session_id)
            if existing is not None:
                return existing
            described = replace(described or self._describe(order), secrets=order.secrets)
            spool = Spool.create(self._room / "spool" / order.session_id, self._executor, self._limit)
            _note_size(spool, order.size)
            terminal = await Terminal.open(order.session_id, spool, self._sandbox, described, order.size)
            self._terminals[order.session_id] = terminal
            self.group.create_task(self._run(terminal))
            _AFTER_OPENING.reach()
            return terminal

    def check(self, order: Order) -> None:
        """Raise what `open` raises of an order that cannot be met."""
        self._describe(order)

    def adopt(self, states: Iterable[TerminalState]) -> None:
        """Go on with the terminals that this process opened before an upgrade."""
        for state in states:
            try:
                self._adopt(state)
            except Exception as error:  # noqa: BLE001 what is left of one terminal must not end the others
                _log.error("A terminal is lost in an upgrade", session_id=state.session_id, exc_info=error)
                os.close(state.descriptor)
                self.group.create_task(RunningProgram.adopt(state.program).kill())

    def _adopt(self, state: TerminalState) -> None:
        directory = self._room / "spool" / state.session_id
        spool = Spool.reopen(directory, self._executor, self._limit)
        spool.go_on(state.acknowledged_sequence)
        terminal = Terminal.adopt(state, spool)
        self._terminals[state.session_id] = terminal
        self.group.create_task(self._run(terminal))
        if terminal.kill_time is not None:
            self.group.create_task(_kill_at(terminal, terminal.kill_time))

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """Keep everybody from opening a terminal, once all that was written is on the disk; nothing may follow it."""
        async with self._opening:
            self._executor.shutdown()
            yield

    def states(self) -> tuple[TerminalState, ...]:
        """Return what the code after an upgrade needs of the terminals, as they are at this moment."""
        open_ones = (found for found in self._terminals.values() if isinstance(found, Terminal))
        return tuple(terminal.state() for terminal in open_ones if not terminal.spool.closed)

    def get(self, session_id: str) -> Terminal | LeftTerminal:
        """Return a terminal. TerminalNotFound when there is none."""
        found = self._terminals.get(session_id)
        if found is None:
            raise TerminalNotFound(session_id)
        return found

    def live(self, session_id: str) -> Terminal:
        """Return a terminal whose shell runs. TerminalNotFound or TerminalEnded when there is none."""
        found = self.get(session_id)
        if isinstance(found, LeftTerminal) or not found.running:
            raise TerminalEnded(session_id)
        return found

    def noteworthy(self) -> list[Terminal | LeftTerminal]:
        """Return those that run or have records that nobody acknowledged."""
        return [found for found in self._terminals.values() if not _over(found)]

    def resize(self, session_id: str, size: Size) -> Terminal:
        """Change the size of a terminal."""
        terminal = self.live(session_id)
        terminal.resize(size)
        _note_size(terminal.spool, size)
        return terminal

    def pause(self, session_id: str, version: int, *, paused: bool) -> Terminal:
        """Leave the output of a terminal unread, or read it again, unless a newer order said otherwise."""
        terminal = self.live(session_id)
        terminal.pause(version, paused=paused)
        return terminal

    async def signal(self, session_id: str, number: int, grace: float) -> Terminal:
        """Signal the processes of a terminal; after `grace` seconds, unless 0, kill what is still there."""
        terminal = self.live(session_id)
        await terminal.signal(number, grace, "signal")
        if grace > 0:
            terminal.kill_time = asyncio.get_running_loop().time() + grace
            self.group.create_task(_kill_at(terminal, terminal.kill_time))
        return terminal

    async def acknowledge(self, session_id: str, sequence: int) -> Terminal | LeftTerminal:
        """Drop the records that are stored elsewhere, and the whole terminal with its last one."""
        found = self.get(session_id)
        found.acknowledge(sequence)
        if _over(found) and self._terminals.pop(session_id, None) is not None:
            await found.spool.remove()
        return found

    async def shutdown(self, grace: float, reason: str) -> None:
        """End every terminal; then no process is left, every log is on the disk, and none opens any more."""
        self._ending = True
        async with self._opening:  # one that is being opened ends with the others
            pass
        running = [
            found for found in self._terminals.values() if isinstance(found, Terminal) and not found.gone.is_set()
        ]
        async with asyncio.TaskGroup() as group:
            for terminal in running:
                group.create_task(_end(terminal, grace, reason))
        self._executor.shutdown()

    async def _run(self, terminal: Terminal) -> None:
        try:
            await terminal.run()
        except Exception as error:  # noqa: BLE001 the fault of one terminal must not end the others
            _log.error("A terminal failed", session_id=terminal.session_id, exc_info=error)

    def _describe(self, order: Order) -> Program:
        where, environment = order.working_directory, order.environment
        if order.errand is not None:
            return errands.describe(self._sandbox, order.errand, allow_local=self._allow_local)
        if order.command:
            return shell.describe_command(self._sandbox, order.command, where, environment, terminal=not order.piped)
        described = shell.describe(self._room, order.shell, where, environment)
        shell.furnish(self._room / "home", order.shell)
        return described

    def _left(self, directory: Path) -> LeftTerminal:
        return LeftTerminal(directory.name, Spool.reopen(directory, self._executor), _noted_size(directory))


@asynccontextmanager
async def table(room: Path, sandbox: Sandbox, limit: int, *, allow_local: bool) -> AsyncIterator[Terminals]:
    """Own the terminals of a room; whoever leaves while some run kills them."""
    async with asyncio.TaskGroup() as group:
        terminals = Terminals(room, sandbox, limit, group, allow_local=allow_local)
        try:
            yield terminals
        finally:
            await terminals.shutdown(0, "shutdown")


def _over(found: Terminal | LeftTerminal) -> bool:
    return found.spool.closed and found.spool.acknowledged_sequence >= found.spool.end_sequence


def _note_size(spool: Spool, size: Size) -> None:
    fresh = spool.directory / f"{_SIZE_FILE}.new"
    fresh.write_text(json.dumps({"columns": size.columns, "rows": size.rows}))
    fresh.rename(spool.directory / _SIZE_FILE)


def _noted_size(directory: Path) -> Size:
    """Return the size a terminal had. An unreadable note, as a full disk leaves it, must not cost the room its logs."""
    try:
        return Size(**json.loads((directory / _SIZE_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return Size(80, 24)


async def _kill_at(terminal: Terminal, kill_time: float) -> None:
    try:
        async with asyncio.timeout_at(kill_time):
            await terminal.gone.wait()
    except TimeoutError:
        await terminal.kill()


async def _end(terminal: Terminal, grace: float, reason: str) -> None:
    if terminal.running:
        await terminal.signal(signal.SIGTERM, grace, reason)
    await _kill_at(terminal, asyncio.get_running_loop().time() + grace)
    await terminal.gone.wait()
