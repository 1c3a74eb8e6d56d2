"""What a runner leaves to the code that takes its place: the table of its terminals, in a form that releases share.

The process stays the same: its pid, its children and the descriptors named here go on. A release reads the table of
the one before it, so fields are added, with a default, and never change their meaning.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

_ARGUMENT = "--resume"
_MAXIMUM_BYTES = 1 << 30


class UnreadableTable(Exception):
    """The table is not one that this code understands; the text says what is wrong, for people."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """A shell with its keeper.

    Attributes:
        keeper: its process id; 0 when it has ended.
        reports: descriptor of the pipe in which it reports; -1 when it was read to its end.
        said: what was read from there.
    """

    keeper: int
    level: str
    reports: int
    said: bytes = b""


@dataclass(frozen=True, slots=True)
class InputState:
    """What was typed, as far as it matters to what will be.

    Attributes:
        epoch: the newest input lease seen.
        typed: bytes typed of each write whose repetition must type no more.
        replies: answers of the terminal itself that its program has not read.
    """

    epoch: int = 0
    typed: Mapping[str, int] = field(default_factory=dict)
    replies: bytes = b""


@dataclass(frozen=True, slots=True)
class TerminalState:
    """A terminal whose log is open.

    Attributes:
        descriptor: our end of the pseudo-terminal, or of the pipe of a command that has none.
        terminal: whether it is a pseudo-terminal.
        hangs_up: whether it is told to end by HUP too.
        held: output that was read and that the disk refused.
        asked: reasons by signal, of those who asked for its end.
        patience: until when what a dead shell left behind may live on (CLOCK_MONOTONIC, seconds).
        kill_time: when everything in it is killed (CLOCK_MONOTONIC, seconds); None for never.
        paused: whether its output is left unread.
        flow_version: of the newest order to pause it or to let it flow.
    """

    session_id: str
    descriptor: int
    columns: int
    rows: int
    acknowledged_sequence: int
    program: ProgramState
    input: InputState = field(default_factory=InputState)
    terminal: bool = True
    hangs_up: bool = True
    held: bytes = b""
    asked: Mapping[str, str] = field(default_factory=dict)
    patience: float = 0.0
    kill_time: float | None = None
    paused: bool = False
    flow_version: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """All that the next code needs beside the room's folder."""

    token_sha256: bytes
    terminals: tuple[TerminalState, ...] = ()


def encode(table: Table) -> bytes:
    """Return the table's form between two releases."""
    return json.dumps(asdict(table), default=_encode_bytes).encode()


def decode(data: bytes) -> Table:
    """Return the table. UnreadableTable."""
    try:
        content = json.loads(data)
        terminals = tuple(_terminal(found) for found in content["terminals"])
        return Table(base64.b64decode(content["token_sha256"]), terminals)
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableTable(repr(error)) from error


def replace_process(table: Table) -> NoReturn:
    """Become the code that is installed now; nothing of this one goes on. OSError when there is no interpreter."""
    descriptor = os.memfd_create("table", 0)
    os.write(descriptor, encode(table))
    os.lseek(descriptor, 0, os.SEEK_SET)
    for terminal in table.terminals:
        for kept in (terminal.descriptor, terminal.program.reports):
            if kept >= 0:
                os.set_inheritable(kept, True)  # noqa: FBT003  # the only form
    os.execv(sys.executable, [sys.executable, "-P", "-m", "runner", _ARGUMENT, str(descriptor)])  # noqa: S606  # no shell is meant


def take_over(arguments: list[str]) -> Table | None:
    """Return the table that an earlier code left to this process, None when this is its start. UnreadableTable."""
    if arguments[:1] != [_ARGUMENT]:
        return None
    with os.fdopen(int(arguments[1]), "rb") as file:
        table = decode(file.read(_MAXIMUM_BYTES))
    for terminal in table.terminals:
        for kept in (terminal.descriptor, terminal.program.reports):
            if kept >= 0:
                os.set_inheritable(kept, False)  # noqa: FBT003  # the only form
    return table


def _encode_bytes(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(type(value))
    return base64.b64encode(value).decode()


def _terminal(content: dict[str, Any]) -> TerminalState:
    program, typed_in = content.pop("program"), content.pop("input")
    program["said"] = base64.b64decode(program["said"])
    typed_in["replies"] = base64.b64decode(typed_in["replies"])
    content["held"] = base64.b64decode(content["held"])
    return TerminalState(**content, program=ProgramState(**program), input=InputState(**typed_in))
