"""`stateroom exec`: one command in a room, with its output and its exit code."""

import asyncio
import sys
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import typer

from chassis import ids
from cli import context, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption
from cli.errors import Passing, ServerFailed, Unreachable, WrongUse
from cli.render import Output

RETRY_SECONDS = 0.5
GIVE_UP_SECONDS = 120.0
"""Without any answer. The command does not care; its session can be looked at later."""
BY_SIGNAL = 128
"""What shells add to the number of the signal that ended a command."""
TIMED_OUT = 124
"""What `timeout` of coreutils answers with."""
INTERRUPTED = 130


def execute(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.")],
    directory: Annotated[str, typer.Option("--directory", help="Where it starts, relative to the workspace.")] = "",
    env: Annotated[list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable for it.")] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds it may run; 0 for no limit.")] = 0,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Run a command in a room, and end with its exit code.

    For example: `stateroom exec WORKSPACE make -j 4`. What follows the workspace belongs to the
    command; a `--` between them changes nothing. No shell reads the command; for one, run
    `sh -c '…'`. It is a session of its own: recorded, and it goes on when this command is
    interrupted. A signal that ended it is exit code 128 + its number, its time limit 124.
    """

    async def work(client: Client, output: Output) -> None:
        path = f"/v1/workspaces/{await resolve.workspace_id(client, workspace)}:exec"
        body: Json = {
            "command": program_of(command),
            "workingDirectory": directory,
            "environment": dict(resolve.pair(text, "NAME=VALUE") for text in env or ()),
        }
        if timeout:
            body["timeout"] = f"{timeout:.3f}s"
        run = _Run(output)
        try:
            async with aclosing(_messages(client, path, body)) as messages:
                async for message in messages:
                    run.take(message)
        except asyncio.CancelledError:
            if run.session_id:
                output.say(f"It goes on; to end it: {program.name()} session terminate {run.session_id}")
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(run.exit_code)

    context.run(work, as_json=as_json, account=account)


def program_of(words: list[str]) -> list[str]:
    """Return the program and its arguments from what follows the workspace, with or without `--`.

    Raises:
        WrongUse: an option follows, which no program is called.
    """
    if words[0] == "--":
        return words[1:]
    if words[0].startswith("-"):
        msg = f"{words[0]}: options of exec stand before the workspace, and those of the command after the program."
        raise WrongUse(msg)
    return words


class _Run:
    """One run of a command, as far as it was told. Repeated messages of a stream that was begun anew are left out."""

    def __init__(self, output: Output) -> None:
        self.session_id = ""
        self.exit_code = 0
        self._output = output
        self._offset = 0

    def take(self, message: Json) -> None:
        """Show one message."""
        if "started" in message:
            if self.session_id:
                return
            self.session_id = str(message["started"]["sessionId"])
        elif "output" in message:
            begin = int(message["output"].get("offset", 0))
            data = b64decode(message["output"]["data"])
            if begin + len(data) <= self._offset:
                return
            self._print(data[max(self._offset - begin, 0) :])
            self._offset = begin + len(data)
        elif "ended" in message:
            self.exit_code = self._ending(message["ended"])
        if self._output.as_json:
            self._output.json(message)

    def _print(self, data: bytes) -> None:
        if not self._output.as_json:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def _ending(self, session: Json) -> int:
        reason = str(session.get("stopReason", ""))
        if session["state"] != "STOPPED":
            raise ServerFailed(str(session.get("stateReason", "")) or f"The command ended as {session['state']}.")
        if reason not in {"EXIT", "SIGNAL"}:
            self._output.say(f"The command was ended: {reason.lower().replace('_', ' ')}.")
        if reason == "TIMED_OUT":
            return TIMED_OUT
        return int(session["exitCode"]) if "exitCode" in session else BY_SIGNAL + int(session.get("exitSignal", 0))


async def _messages(client: Client, path: str, body: Json) -> AsyncGenerator[Json, None]:
    """Yield what is told of the command to its end; a lost connection is made anew and begins with the first byte."""
    loop = asyncio.get_running_loop()
    request_id, heard = str(ids.new()), 0.0
    while True:
        try:
            async with aclosing(client.post_stream(path, body, request_id)) as messages:
                async for message in messages:
                    heard = loop.time()
                    yield message
                    if "ended" in message:
                        return
        except (Passing, Unreachable):
            if not heard or loop.time() > heard + GIVE_UP_SECONDS:
                raise
        await asyncio.sleep(RETRY_SECONDS)
