"""`stateroom execution logs`: what the steps of an execution say."""

from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

COLUMNS = {"logTime": "TIME", "level": "LEVEL", "path": "STEP", "message": "MESSAGE"}


def logs(  # options, each by its own name
    execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the execution has ended.")] = False,
    step: Annotated[str, typer.Option(help="Only what this step says, by its path.")] = "",
    level: Annotated[str, typer.Option(help="Only what is DEBUG, INFO, WARNING, ERROR or FATAL, or more.")] = "",
    limit: LimitOption = 10_000,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what the steps of an execution have said; with -f, as they say it."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('execution', execution)}/logs"
        wanted = {name: value for name, value in (("path", step), ("level", level.upper())) if value}
        if not follow:
            output.rows([each async for each in client.pages(path, "logs", limit=limit, **wanted)], COLUMNS)
            return
        async for said in client.stream(f"{path}:stream", **wanted):
            for line in said["logs"]:
                _tell(output, line)

    context.run(work, as_json=as_json, account=account)


def register(app: typer.Typer) -> None:
    """Give this command to `stateroom execution`."""
    app.command()(logs)


def _tell(output: Output, line: Json) -> None:
    output.say(f"{line['level']:<7}  {line['path']}  {line['message']}")
