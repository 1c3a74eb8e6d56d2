"""`stateroom run`, `runs` and `execution …`: workflows that run, and have run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import context, documents, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import Refused, WrongUse
from cli.options import in_options
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Executions: workflows that run, and have run.")

InputOption = Annotated[
    list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="JSON, or else a text.")
]
WatchOption = Annotated[bool, typer.Option("--watch", "-w", help="Show each step until the end.")]
Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id.")]
FIELDS = (
    "executionId",
    "name",
    "workflowId",
    "agentId",
    "parentExecutionId",
    "parentPath",
    "originExecutionId",
    "originPath",
    "state",
    "failure",
    "stepsCompleted",
    "stepsFailed",
    "startTime",
    "endTime",
    "output",
)
COLUMNS = {
    "executionId": "ID",
    "name": "NAME",
    "state": "STATE",
    "stepsCompleted": "STEPS",
    "startTime": "STARTED",
    "endTime": "ENDED",
}
ACTIVE = ["PENDING", "RUNNING"]
STEP_COLUMNS = {"path": "STEP", "type": "TYPE", "state": "STATE", "attempt": "ATTEMPT", "startTime": "STARTED"}


def run(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="A file, or the name or id of a workflow.")],
    given: InputOption = None,
    priority: Annotated[int, typer.Option(help="From -10 to 10; of those that wait, the highest begins first.")] = 0,
    watch: WatchOption = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start an execution of a workflow, or of what a file says."""

    async def work(client: Client, output: Output) -> None:
        wanted: Json = {"input": given_inputs(given), "priority": priority}
        if _is_file(workflow):
            document = documents.read(Path(workflow))
            wanted |= {"definition": document["definition"], "name": document["name"]}
        else:
            wanted |= {"workflowId": await resolve.workflow_id(client, workflow), "name": workflow}
        started = await client.post("/v1/executions", wanted)
        if watch:
            await follow(client, output, started)
            return
        output.resource(started, FIELDS)
        output.say(f"Follow it: {program.name()} execution watch {started['executionId']}")

    words = documents.located(Path(workflow)) if _is_file(workflow) else in_options
    context.run(work, as_json=as_json, account=account, words=words)


def _is_file(workflow: str) -> bool:
    return Path(workflow).suffix in {".yaml", ".yml", ".json"}


def runs(
    states: Annotated[
        list[str] | None, typer.Option("--state", help="Only those that are RUNNING, COMPLETED, FAILED …; repeatable.")
    ] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those that have not ended.")] = False,
    ended: Annotated[bool, typer.Option("--ended", help="Only those that have, the last end first.")] = False,
    user: Annotated[str, typer.Option(metavar="USER", help="Only those of this person.")] = "",
    deployment: Annotated[str, typer.Option(metavar="DEPLOYMENT", help="Only those that its key started.")] = "",
    parent: Annotated[str, typer.Option(metavar="EXECUTION", help="Only those that are steps of this one.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List executions, newest first. With --active and --state, --state counts."""

    async def work(client: Client, output: Output) -> None:
        chosen: dict[str, str | list[str]] = {
            "states": [state.upper() for state in states or (ACTIVE if active else [])],
            "parentExecutionId": parent,
            "userId": user,
            "deploymentId": deployment,
            "orderBy": "end_time desc" if ended else "",
        }
        filters = {name: value for name, value in chosen.items() if value}
        pages = client.pages("/v1/executions", "executions", limit=limit, **filters)
        output.rows([each async for each in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


app.command("list")(runs)


@app.command()
def show(execution: Execution, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show an execution."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.get(resolve.path_of("execution", execution)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def steps(
    execution: Execution, limit: LimitOption = 1000, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List the steps of an execution in the order in which they changed last."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.path_of('execution', execution)}/steps", "steps", limit=limit)
        output.rows([each async for each in pages], STEP_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def watch(execution: Execution, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show each step of an execution until its end; fails when it does."""

    async def work(client: Client, output: Output) -> None:
        await follow(client, output, await client.get(resolve.path_of("execution", execution)))

    context.run(work, as_json=as_json, account=account)


@app.command()
def cancel(execution: Execution, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """End an execution."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.path_of('execution', execution)}:cancel", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)


async def follow(client: Client, output: Output, execution: Json) -> None:
    """Print what happens to an execution. Refused when it does not complete."""
    path = f"/v1/executions/{execution['executionId']}"
    async for news in client.stream(f"{path}:watch"):
        execution = news["execution"]
        for step in news.get("steps", []):
            _tell(output, execution["executionId"], step)
    output.resource(execution, FIELDS)
    if execution["state"] != "COMPLETED":
        why = execution.get("failure", {})
        where = f" at {why['path']}" if why.get("path") else ""
        msg = f"The execution is {execution['state']}{where}: {why.get('message', 'somebody ended it')}"
        raise Refused(msg)


def _tell(output: Output, execution_id: str, step: Json) -> None:
    said = f": {step['failure']['message']}" if "failure" in step else ""
    if (step["type"], step["state"]) == ("APPROVAL", "WAITING"):
        said = f": {program.name()} execution approve {execution_id} {step['path']}"
    output.say(f"{step['state']:<9}  {step['path']}{said}")


def given_inputs(given: list[str] | None) -> Json:
    """Return what options say that an execution is given. WrongUse."""
    return dict(map(_named, given or []))


def _named(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        msg = f"{text!r} is not NAME=VALUE."
        raise WrongUse(msg)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
