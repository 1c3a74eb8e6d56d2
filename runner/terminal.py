"""One terminal: a shell in the sandbox, its log, and the life of both."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from stateroom.terminal.v1.screen_pb2 import Screen

from chassis import logs, processes
from runner import memory, program, pty
from runner.display import Display
from runner.errors import CannotOpenTerminal, TerminalEnded
from runner.handover import TerminalState
from runner.input import Input
from runner.masking import Mask
from runner.record import MAXIMUM_OUTPUT, Exit, RecordType, pack_exit, pack_size
from runner.sandbox import Program, Sandbox
from runner.spool import Spool

_QUIET = 2.0
"""Seconds without output after which what a dead shell left behind is ended too."""

_DISK_RETRY = 1.0
"""Seconds between two attempts to write to a disk that is full."""

_BEGINNING = 5.0
"""Seconds that a shell may take to have its terminal; it goes on without a known leader."""

_LOOK_AGAIN = 0.005
"""Seconds between two looks whether it has."""

OUT_OF_MEMORY = "out_of_memory"
"""Why a shell ended that the kernel killed for want of memory, as far as anybody can tell."""

_ENDING = frozenset({signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM})
"""Signals that are sent to end a terminal."""

_log = logs.get("terminal")


@dataclass(slots=True)
class Size:
    """Columns and rows in cells."""

    columns: int
    rows: int


class Beside(Protocol):
    """What else writes into a terminal's log: an agent that is spoken to."""

    def resume(self) -> None:
        """Go on, if the spool has room and nothing is paused; else wait."""

    async def finish(self) -> str:
        """Write the last that there is; nothing of the terminal runs any more. Returns why it never began, if so."""


class Terminal:
    """A terminal whose shell was started here."""

    def __init__(
        self, session_id: str, spool: Spool, descriptor: int, size: Size, manner: Program | TerminalState
    ) -> None:
        self.session_id = session_id
        self.spool = spool
        self.size = size
        self.running = True
        self.process_id = 0
        self.kill_time: float | None = None
        self.paused = False
        self.gone = asyncio.Event()
        self.beside: Beside | None = None
        self.input = Input(session_id, descriptor)
        self._descriptor = descriptor
        self.display = (
            Display(size.columns, size.rows, self.input.reply, spool, self._write) if manner.terminal else None
        )
        self._hangs_up = manner.hangs_up
        self._reader = pty.PtyReader(descriptor, self._printed)
        self._mask: Mask | None = None
        self._held = b""
        self._unbounded = False
        self._flow_version = 0
        self._kills = memory.kills()
        self._asked: dict[int, str] = {}
        self._patience = 0.0
        self._program: program.RunningProgram | None = None

    @classmethod
    async def open(cls, session_id: str, spool: Spool, sandbox: Sandbox, described: Program, size: Size) -> "Terminal":
        """Start a shell or a command in a new terminal, or at a new pipe when that is all it wants.

        Of a program that is spoken to, only its standard error is output.

        Raises:
            CannotOpenTerminal: the machine has no terminal or process to give; the spool is gone again.
        """
        theirs = -1
        terminal = None
        try:
            ours, theirs = pty.open_pair(size.columns, size.rows) if described.terminal else pty.open_pipe()
            terminal = cls(session_id, spool, ours, size, described)
            for name, secret in described.secrets.items():
                terminal.register_secret(name, secret)
            with pty.open_source(described.reads) as read:
                source, target = described.spoken or (theirs if described.terminal else read, theirs)
                terminal._program = await program.start(sandbox, described, program.Streams(source, target, theirs))
        except (OSError, program.CannotStart) as error:
            if terminal is not None:
                terminal._free()
            await spool.remove()
            raise CannotOpenTerminal(session_id, str(error)[:200]) from error
        finally:
            if theirs >= 0:
                os.close(theirs)
        if described.terminal:
            terminal.process_id = await terminal._leader()
        return terminal

    @classmethod
    def adopt(cls, state: TerminalState, spool: Spool) -> "Terminal":
        """Go on with a terminal that this process opened before an upgrade."""
        terminal = cls(state.session_id, spool, state.descriptor, Size(state.columns, state.rows), state)
        terminal._program = program.RunningProgram.adopt(state.program)
        if terminal.display is not None:
            terminal.display.show_again(state.columns, state.rows)
        terminal.input.restore(state.input)
        terminal.process_id = pty.session_leader(state.descriptor)
        terminal._asked = {int(number): reason for number, reason in state.asked.items()}
        terminal._patience, terminal.kill_time = state.patience, state.kill_time
        if state.mask is not None:
            terminal._masked().restore(state.mask)
        terminal.paused, terminal._flow_version = state.paused, state.flow_version
        if state.held:
            terminal._output(state.held)
        if terminal.paused or terminal._full:
            terminal._reader.pause()
        return terminal

    def state(self) -> TerminalState:
        """Return what the code after an upgrade needs of it."""
        return TerminalState(
            session_id=self.session_id,
            descriptor=self._descriptor,
            columns=self.size.columns,
            rows=self.size.rows,
            terminal=self.display is not None,
            hangs_up=self._hangs_up,
            acknowledged_sequence=self.spool.acknowledged_sequence,
            program=self.running_program.state(),
            input=self.input.state(),
            held=self._held,
            asked={str(number): reason for number, reason in self._asked.items()},
            patience=self._patience,
            kill_time=self.kill_time,
            mask=self._mask.state() if self._mask is not None else None,
            paused=self.paused,
            flow_version=self._flow_version,
        )

    async def run(self) -> None:
        """Wait for the shell's end, take all that is still printed, and close the log with EXIT."""
        running = self.running_program
        ended = await running.wait()
        starved = memory.kills() > self._kills
        self.running = False
        self.process_id = 0
        self.input.close()
        self._flow()
        await self._settle(running)
        await asyncio.to_thread(running.signal, signal.SIGHUP)
        await running.kill()
        self._unbounded = True
        self._resume()
        await self._reader.finished.wait()
        fault = await self.beside.finish() if self.beside is not None else ""
        if self._mask is not None:
            self._mask.flush()
        if self.display is not None and not self._held:
            self.display.keep_last()
        told = pack_exit(self._explain(ended, fault, starved=starved))
        while self._held or not self._write(RecordType.EXIT, [told]):  # noqa: ASYNC110 no event
            await asyncio.sleep(_DISK_RETRY)
        await self.spool.close()
        self._free()
        self.gone.set()

    def take(self, data: bytes) -> None:
        """Take output that comes another way than through the terminal."""
        if self._mask is None:
            self._take(data)
        else:
            self._mask.feed(data)

    def resize(self, size: Size) -> None:
        """Change the size and note it in the log."""
        self.expect_running()
        pty.resize(self._descriptor, size.columns, size.rows)
        if self.display is not None:
            self.display.resize(size.columns, size.rows)
        self.size = size
        self._write(RecordType.RESIZE, [pack_size(size.columns, size.rows)])
        if self.display is not None:
            self.display.resized()

    def screen(self) -> Screen:
        """Return what is shown; a command without a terminal, and a program not at ground yet, show nothing."""
        screen = self.display.screen() if self.display is not None else None
        return screen or Screen(columns=self.size.columns, rows=self.size.rows)

    def register_secret(self, name: str, secret: bytes) -> None:
        """Mask a secret in what is printed from now on."""
        self.expect_running()
        self._masked().register(name, secret)

    @property
    def secrets(self) -> Mapping[str, bytes]:
        """What is masked, by name."""
        return {} if self._mask is None else self._mask.state().secrets

    def clean(self, text: str) -> str:
        """Return a text for the log that was not printed, without what is masked in the output."""
        return text if self._mask is None else self._mask.clean(text)

    def pause(self, version: int, *, paused: bool) -> None:
        """Leave the output unread, so that programs wait, or read it again; older orders than the newest are void."""
        self.expect_running()
        if version < self._flow_version:
            return
        self._flow_version = version
        if paused and not _ENDING & self._asked.keys():
            self.paused = True
            self._regulate()
        else:
            self._flow()

    async def signal(self, number: int, grace: float, reason: str) -> None:
        """Signal every process of the terminal. One that is told to end may print its last words, also while paused.

        A shell that a person types into ignores TERM, so it is told to hang up as well: then it ends its jobs and
        itself.

        Args:
            number: of the signal.
            reason: for the EXIT record, if this signal ends the shell.
            grace: seconds for which what the shell leaves behind may live on.
        """
        self.expect_running()
        self._asked[number] = reason
        if number in _ENDING:
            self._flow()
        self._patience = max(self._patience, asyncio.get_running_loop().time() + grace)
        running, leader = self.running_program, processes.find(self.process_id)
        await asyncio.to_thread(running.signal, number)
        if number == signal.SIGTERM and self._hangs_up and leader is not None:
            processes.send_all([leader], signal.SIGHUP)
            processes.send_all([leader], signal.SIGCONT)

    async def cpu_milliseconds(self) -> int:
        """Return the processor time that its processes have used. What the kernel killed until now did not end it."""
        self.expect_running()
        self._kills = memory.kills()
        running = self.running_program
        return await asyncio.to_thread(lambda: processes.cpu_milliseconds(running.processes()))

    async def kill(self) -> None:
        """Kill every process of the terminal; none is left when this returns."""
        await self.running_program.kill()

    def acknowledge(self, sequence: int) -> None:
        """Drop what is stored elsewhere, and go on reading if the spool was full."""
        self.spool.acknowledge(sequence)
        self._resume()

    def expect_running(self) -> None:
        """Raise TerminalEnded once the shell has ended."""
        if not self.running:
            raise TerminalEnded(self.session_id)

    @property
    def _full(self) -> bool:
        return self.spool.full and not self._unbounded

    @property
    def running_program(self) -> program.RunningProgram:
        """The shell with all that descends from it."""
        assert self._program is not None  # noqa: S101 `open` returns only started ones
        return self._program

    async def _leader(self) -> int:
        """Return the shell's process id once it has the terminal: bubblewrap says that it begins a little earlier."""
        loop = asyncio.get_running_loop()
        give_up_time = loop.time() + _BEGINNING
        while not (found := pty.session_leader(self._descriptor)):
            if self.running_program.keeper.returncode is not None or loop.time() > give_up_time:
                return 0
            await asyncio.sleep(_LOOK_AGAIN)
        return found

    def _printed(self, data: bytes) -> None:
        if self._mask is None:
            self._output(data)
        else:
            self._mask.feed(data)

    def _masked(self) -> Mask:
        """Return what masks the output from now on."""
        if self._mask is None:
            self._mask = Mask(self._take)
        return self._mask

    def _take(self, data: bytes) -> None:
        """Take what was held back, which may come while the disk refuses what came before."""
        if self._held:
            self._held += data
        else:
            self._output(data)

    def _output(self, data: bytes) -> None:
        """Take what was printed: first into the log, then onto the model's screen, whose answers come last."""
        bodies = [data[start : start + MAXIMUM_OUTPUT] for start in range(0, len(data), MAXIMUM_OUTPUT)]
        if not self._write(RecordType.OUTPUT, bodies):
            self._held = data
            self._reader.pause()
            asyncio.get_running_loop().call_later(_DISK_RETRY, self._resume)
            return
        if self.display is not None:
            self.display.feed(data)
        if self._full:
            _log.warning("The spool is full; the terminal waits", session_id=self.session_id)
            self._regulate()

    def _flow(self) -> None:
        self.paused = False
        self._resume()

    def _resume(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._output(held)
        self._regulate()

    def _regulate(self) -> None:
        """Read the terminal and what runs beside it, or leave them unread."""
        if self._held or self._full or self.paused:
            self._reader.pause()
        else:
            self._reader.resume()
        if self.beside is not None:
            self.beside.resume()

    def _write(self, type_: RecordType, bodies: list[bytes]) -> bool:
        try:
            self.spool.append(type_, bodies)
        except OSError as error:
            _log.error("The spool cannot be written", session_id=self.session_id, errno=error.errno)
            return False
        return True

    async def _settle(self, running: program.RunningProgram) -> None:
        """Wait until what the shell left behind is gone, or silent and out of patience."""
        while running.keeper.returncode is None:
            seen = self._reader.wakeups
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running.keeper.wait()), _QUIET)
            silent = self._reader.wakeups == seen and not self._reader.paused
            if silent and asyncio.get_running_loop().time() >= self._patience:
                return

    def _explain(self, ended: Exit, fault: str, *, starved: bool) -> Exit:
        if ended.code is None and ended.signal is None:
            ended = Exit(signal=signal.SIGKILL)
        reasons = [reason for number, reason in self._asked.items() if number in _ENDING or number == ended.signal]
        if starved and ended.signal == signal.SIGKILL:
            reasons = reasons or [OUT_OF_MEMORY]
        if fault and not reasons:
            how = f"signal {ended.signal}" if ended.code is None else f"exit code {ended.code}"
            reasons = [f"start_failed {fault} It did so with {how}; its output may say why."]
        return Exit(ended.code, ended.signal, reasons[-1] if reasons else "")

    def _free(self) -> None:
        self.input.close()
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._reader.finished.set()
        if self.display is not None:
            self.display.close()
        os.close(self._descriptor)
