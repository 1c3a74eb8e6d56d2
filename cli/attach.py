"""`session attach`: this terminal becomes a device of the session."""

import asyncio
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

from cli.attachment import Attached, Condition, Ended, Output, Presence, RoleChanged, Wish
from cli.device import Device, DeviceEvent, Reconnecting
from cli.endpoint import Endpoint
from cli.query_filter import QueryFilter
from cli.render import visible
from cli.terminal import Terminal

DETACH_KEY = b"\x1d"
"""Ctrl-]: telnet's, and hardly any program's."""


class _Detached(Exception):
    """The detach key was pressed."""


async def run(endpoint: Endpoint, wish: Wish, account: str) -> None:
    """Show the session and type into it until it ends or the detach key is pressed.

    Raises:
        CommandFailed: the server refuses, or nobody answers.
    """
    terminal = Terminal()
    columns, rows = terminal.size()
    view = _View(
        Device(
            endpoint, replace(wish, columns=columns, rows=rows, device=platform.node()[:100], presence=True), account
        ),
        terminal,
        told_to_watch=wish.role == "OBSERVER",
    )
    if terminal.interactive:
        _say("Attaching. Ctrl-] detaches; the session goes on.")
    with terminal.raw(), _cancelled_by(signal.SIGTERM, signal.SIGHUP):
        try:
            await view.run()
        except* (_Detached, asyncio.CancelledError):
            view.closing = "Detached; the session goes on."
    if view.closing:
        _say(view.closing)


class _View:
    """What connects a device with the local terminal; `closing` is what to say at the end."""

    def __init__(self, device: Device, terminal: Terminal, *, told_to_watch: bool) -> None:
        self._device = device
        self._terminal = terminal
        self._told_to_watch = told_to_watch
        self._filter = QueryFilter()
        self._size_changed = asyncio.Event()
        self._controller = ""
        self.closing = ""

    async def run(self) -> None:
        with self._terminal.watch_size(self._size_changed.set):
            async with asyncio.TaskGroup() as group:
                inputs = [group.create_task(self._type()), group.create_task(self._follow_size())]
                async with aclosing(self._device.events()) as events:
                    async for event in events:
                        await self._handle(event)
                for task in inputs:
                    task.cancel()

    async def _handle(self, event: DeviceEvent) -> None:
        match event:
            case Output():
                await self._terminal.show(self._filter.feed(event.data))
            case Attached() if event.role == "OBSERVER" and not self._told_to_watch:
                self._note("read-only: if another device controls the session, attach with --take-over to type")
            case RoleChanged() if event.role == "OBSERVER":
                self._note("read-only: another device took control; attach with --take-over to type")
            case Presence() if self._device.role == "OBSERVER" and event.controller != self._controller:
                self._controller = event.controller
                self._note(f"{visible(event.controller) or 'nobody'} controls the session now")
            case Condition():
                self._note(condition(event))
            case Reconnecting():
                self._note("connection lost; attaching again")
            case Ended():
                self.closing = ending(event)
            case _:
                pass

    async def _type(self) -> None:
        async for data in self._terminal.typed():
            if self._terminal.interactive and DETACH_KEY in data:
                await self._send(data.partition(DETACH_KEY)[0])
                raise _Detached
            await self._send(data)

    async def _send(self, data: bytes) -> None:
        # Input of an observer would end the attachment.
        if data and self._device.role != "OBSERVER":
            await self._device.type(data)

    async def _follow_size(self) -> None:
        while True:
            await self._size_changed.wait()
            self._size_changed.clear()
            await self._device.resize(*self._terminal.size())

    def _note(self, sentence: str) -> None:
        """Say something beside the session's own output."""
        _say(sentence, carriage_return=self._terminal.interactive)


@contextmanager
def _cancelled_by(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals cancel the block, so that the terminal is restored before the process ends."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in signals:
        loop.add_signal_handler(number, task.cancel if task else loop.stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def condition(event: Condition) -> str:
    """Return what the session waits for, in words."""
    if event.paused:
        return "paused; what you type reaches the program"
    if event.idle_end_time:
        return f"nothing works in this session; it ends at {event.idle_end_time[11:19]} UTC unless something does"
    return "the session goes on"


def ending(event: Ended) -> str:
    """Return how the session ended, in words."""
    known = event.stop_reason not in {"EXIT", "SIGNAL", "STOP_REASON_UNSPECIFIED"}
    parts = [event.stop_reason.lower().replace("_", " ")] if known and event.stop_reason else []
    if event.exit_code is not None:
        parts.append(f"exit code {event.exit_code}")
    elif event.exit_signal is not None:
        parts.append(f"signal {event.exit_signal}")
    return f"The session ended: {', '.join(parts) or event.state.lower()}."


def _say(sentence: str, *, carriage_return: bool = False) -> None:
    end = "\r\n" if carriage_return else "\n"
    sys.stderr.write(f"{end if carriage_return else ''}[{sentence}]{end}")
    sys.stderr.flush()
