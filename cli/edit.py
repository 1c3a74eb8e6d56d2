"""`stateroom edit`: a file of a room in the editor of this machine, by way of a buffer that survives what happens."""

import asyncio
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from cli import context, environment, program, resolve
from cli.client import Client
from cli.context import AccountOption, JsonOption
from cli.draft import Draft
from cli.editor_sessions import open_buffer
from cli.errors import CommandFailed, Passing, Refused, Unreachable, WrongUse
from cli.render import Output
from cli.room_files import Place, Workspace, plain

FIELDS = ("path", "bufferId", "revision", "sizeBytes", "unsaved", "fileEtag")

_LOOK = 0.5
"""Seconds between looks at the local file, so that what the editor writes is soon where it is safe."""


def edit(
    workspace: Workspace,
    path: Place,
    editor: Annotated[str, typer.Option(help="The editor; VISUAL or EDITOR when left out, else vi.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Save whatever the file is by now.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Edit a file of the room, and save it when the editor ends.

    What the editor writes is sent as it writes it. A connection that is lost, or a file that
    changed meanwhile, loses nothing: `stateroom edit` of the same file goes on.
    """

    async def work(client: Client, output: Output) -> None:
        buffer = await open_buffer(client, await resolve.workspace_id(client, workspace), plain(path))
        if buffer["unsaved"]:
            output.say(f"This is the unsaved text of {buffer['updateTime'][:19]}Z.")
        draft = Draft(client, buffer, Path(tempfile.mkdtemp(prefix="stateroom-edit-")) / PurePosixPath(path).name)
        draft.write()
        try:
            async with _sending(draft):
                await _run(_command(editor), draft.file)
            await draft.send()
            saved = await client.post(f"/v1/buffers/{buffer['bufferId']}:save", {"overwrite": overwrite})
        except CommandFailed as failure:
            output.say(_advice(failure, draft, workspace))
            raise
        shutil.rmtree(draft.file.parent)
        output.resource(saved, FIELDS)

    context.run(work, as_json=as_json, account=account)


@asynccontextmanager
async def _sending(draft: Draft) -> AsyncIterator[None]:
    """Send what the editor writes, for a block. What cannot be sent now is sent later, or at the end."""
    sending = asyncio.create_task(_send(draft, _version(draft.file)))  # noqa: TID251  # cancelled and awaited right here
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(draft: Draft, seen: tuple[int, int]) -> None:
    while True:
        await asyncio.sleep(_LOOK)
        with suppress(OSError, CommandFailed):  # between two files of the editor; what else is wrong shows at the end
            changed = _version(draft.file)
            if changed != seen:
                await draft.send()
                seen = changed


def _version(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size


def _command(editor: str) -> list[str]:
    variables = environment.read()
    return shlex.split(editor or variables.get("VISUAL") or variables.get("EDITOR") or "vi")


async def _run(command: list[str], file: Path) -> None:
    """Run the editor until it ends. WrongUse when it cannot be started, or fails."""
    try:
        process = await asyncio.create_subprocess_exec(*command, str(file))
    except OSError as error:
        msg = f"The editor {command[0]!r} cannot be started: {error.strerror}; set EDITOR to another one."
        raise WrongUse(msg) from error
    code = await process.wait()
    if code != 0:
        msg = f"The editor ended with code {code}, so nothing was saved."
        raise WrongUse(msg)


def _advice(failure: CommandFailed, draft: Draft, workspace: str) -> str:
    """Return where the text is, and what to do next."""
    again = f"{program.name()} edit {shlex.quote(workspace)} {shlex.quote(draft.buffer['path'])}"
    local = f"What the editor wrote is in {draft.file}."
    if isinstance(failure, (Unreachable, Passing)):
        return f"{local} What was sent before the connection was lost is kept: {again}"
    if isinstance(failure, Refused) and failure.reason == "FILE_CHANGED_OUTSIDE":
        return f"{local} It is kept in the room's buffer too; save it all the same: {again} --overwrite"
    return local
