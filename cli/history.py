"""`stateroom session export` and `search`: what sessions printed, as files and line by line."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.download import Download
from cli.render import Output, visible


class Format(StrEnum):
    """Kinds of files."""

    cast = "cast"
    text = "text"
    ndjson = "ndjson"


def export(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Id.")],
    format_: Annotated[
        Format, typer.Option("--format", help="cast for asciinema, plain text, or every record as a line of JSON.")
    ] = Format.cast,
    output_file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Standard output when absent.")
    ] = None,
    idle_time_limit: Annotated[
        float, typer.Option(min=0, help="Seconds to which a player shortens pauses; 0 for none.")
    ] = 0,
    account: AccountOption = "",
) -> None:
    """Export what a session printed, up to now.

    A file is complete once it has its name: until then it is FILE.….part, with which the same
    command goes on after an interruption.
    """
    parameters = {"format": format_.value.upper()}
    if idle_time_limit:
        parameters["idleTimeLimit"] = f"{idle_time_limit:.3f}s"

    async def work(client: Client, output: Output) -> None:
        download = Download(client, f"{resolve.session_path(session)}:export", parameters)
        if output_file is None:
            await download.write(sys.stdout.buffer, 0, output)
        else:
            await download.save(output_file, output)

    context.run(work, as_json=False, account=account)


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for within a line.")],
    session: Annotated[str, typer.Option(metavar="ID", help="Only in this session.")] = "",
    workspace: Annotated[str, typer.Option(help="Only in sessions of this workspace, by name or id.")] = "",
    regex: Annotated[bool, typer.Option("--regex", help="TEXT is a regular expression of RE2.")] = False,
    case_sensitive: Annotated[bool, typer.Option("--case-sensitive", help="a is not A.")] = False,
    since: Annotated[str, typer.Option(metavar="TIME", help="Printed then or later: 2026-01-31T12:00:00Z.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Printed before then.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Search what sessions printed, newest first. Lines appear as they are found; Ctrl-C ends the search."""
    wanted = {"sessionId": session, "startTime": since, "endTime": until}
    parameters: dict[str, str | int] = {name: value for name, value in wanted.items() if value}
    parameters |= {name: "true" for name, on in (("regex", regex), ("caseSensitive", case_sensitive)) if on}

    async def work(client: Client, output: Output) -> None:
        if workspace:
            parameters["workspaceId"] = await resolve.workspace_id(client, workspace)
        found = 0
        async for match in client.pages("/v1/sessions:search", "matches", limit=limit, query=text, **parameters):
            found += 1
            _show(output, match)
        if not found:
            output.say("Nothing found.")

    context.run(work, as_json=as_json, account=account)


def _show(output: Output, match: Json) -> None:
    if output.as_json:
        output.json(match)
        return
    begin, end = int(match.get("begin", 0)), int(match.get("end", 0))
    parts = (match["line"][:begin], match["line"][begin:end], match["line"][end:])
    before, found, after = map(visible, parts)
    where = f"{match['sessionId']} {match['time'][:19]}Z @{match.get('offset', 0)} "
    output.console.print(Text.assemble((where, "dim"), before, (found, "bold red"), after), soft_wrap=True)
