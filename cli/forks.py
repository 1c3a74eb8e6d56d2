"""`stateroom execution retry` and `fork`: executions that go on from others."""

import json
from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption
from cli.errors import WrongUse
from cli.executions import FIELDS, Execution, follow, given_inputs
from cli.render import Output

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show each step until the end.")]


def retry(
    execution: Execution,
    step: Annotated[str, typer.Option("--from", metavar="STEP", help="Run this one again, though it completed.")] = "",
    watch: Watch = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Go on where an execution ended that did not complete; what has completed is kept."""
    _start(execution, "retry", {"path": step}, watch=watch, how=(account, as_json))


def fork(
    execution: Execution,
    step: Annotated[str, typer.Argument(metavar="STEP", help="Its key; what does not depend on it is kept.")],
    given: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="What the step is given instead.")
    ] = None,
    result: Annotated[str, typer.Option("--output", metavar="JSON", help="What came of it; it is not run.")] = "",
    watch: Watch = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Go on at a step of an execution, with another input or output of it."""
    wanted: Json = {"path": step}
    if given:
        wanted["input"] = given_inputs(given)
    if result:
        wanted["output"] = _json(result)
    _start(execution, "fork", wanted, watch=watch, how=(account, as_json))


def register(app: typer.Typer) -> None:
    """Give these commands to `stateroom execution`."""
    for command in (retry, fork):
        app.command()(command)


def _start(execution: str, verb: str, wanted: Json, *, watch: bool, how: tuple[str, bool]) -> None:
    async def work(client: Client, output: Output) -> None:
        started = await client.post(f"{resolve.path_of('execution', execution)}:{verb}", wanted)
        if watch:
            await follow(client, output, started)
        else:
            output.resource(started, FIELDS)

    context.run(work, account=how[0], as_json=how[1])


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as exc:
        msg = f"--output {text!r}: it has to be JSON; a text stands in quotes."
        raise WrongUse(msg) from exc
