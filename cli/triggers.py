"""`stateroom trigger …`: executions that start when something changes; and what schedules and webhooks share with it.

All of them are triggers: this command lists them together, and makes those that wait for changes.
"""

from typing import Annotated

import typer

from cli import context, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Triggers: executions that start by themselves.")

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Name of one that is active, or id.")]
Name = Annotated[str, typer.Option(help="What it is called; as the workflow unless said.")]
Trigger = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `list` shows it.")]
FIELDS = (
    "triggerId",
    "name",
    "parentWorkflowId",
    "schedule",
    "webhook",
    "event",
    "inputs",
    "state",
    "nextTime",
    "userId",
    "createTime",
    "updateTime",
    "deleteTime",
)
COLUMNS = {"triggerId": "ID", "type": "TYPE", "name": "NAME", "state": "STATE", "createTime": "CREATED"}
OCCURRENCE_COLUMNS = {
    "time": "TIME",
    "decision": "DECISION",
    "reason": "REASON",
    "message": "MESSAGE",
    "executionId": "EXECUTION",
}


@app.command()
def create(
    workflow: Workflow,
    on: Annotated[str, typer.Option(metavar="KIND[.CHANGE]", help="What changes, such as session or session.ended.")],
    resource: Annotated[str, typer.Option("--of", metavar="ID", help="Only changes of this one.")] = "",
    condition: Annotated[
        str, typer.Option("--if", metavar="EXPRESSION", help="CEL; it sees event.before and event.after.")
    ] = "",
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=EXPRESSION", help="CEL; it sees event.")
    ] = None,
    name: Name = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start a workflow whenever something changes, whichever version of it is active then.

    For example: `stateroom trigger create WORKFLOW --on workspace.created --input name=event.after.name`.
    """
    kind, dot, change = on.partition(".")
    if not kind or bool(dot) != bool(change):
        msg = f"{on!r} names no change; write a kind of resource such as session, or session.ended."
        raise WrongUse(msg)
    wanted = {
        "entityType": kind,
        "changeTypes": [change] if change else [],
        "entityId": resource,
        "condition": condition,
    }

    async def work(client: Client, output: Output) -> None:
        made = await client.post("/v1/triggers", await spec(client, workflow, name, inputs, event=wanted))
        output.resource(made, FIELDS)
        output.say(f"What it starts: {program.name()} trigger history {made['triggerId']}")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_triggers(
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List triggers of all types, newest first."""
    list_all(COLUMNS, {"showDeleted": "true"} if deleted else {}, limit, account, as_json=as_json)


@app.command()
def history(
    trigger: Trigger, limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List what it decided, newest first: what was started, what was not, and why."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.path_of('trigger', trigger)}/occurrences", "occurrences", limit=limit)
        output.rows([each async for each in pages], OCCURRENCE_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def pause(trigger: Trigger, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Start no executions any more, until it is resumed; what happens meanwhile is not made up for."""
    _change(trigger, "disable", account, as_json=as_json)


@app.command()
def resume(trigger: Trigger, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Start executions again, from now on for you."""
    _change(trigger, "enable", account, as_json=as_json)


@app.command()
def delete(trigger: Trigger, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete it; its executions go on."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(resolve.path_of("trigger", trigger)), FIELDS)

    context.run(work, as_json=as_json, account=account)


def list_all(columns: dict[str, str], filters: dict[str, str], limit: int, account: str, *, as_json: bool) -> None:
    """List the triggers that filters of the API leave, with what is special about their type."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages("/v1/triggers", "triggers", limit=limit, **filters)
        output.rows([each | _special(each) async for each in pages], columns)

    context.run(work, as_json=as_json, account=account)


async def spec(client: Client, workflow: str, name: str, inputs: list[str] | None, **special: Json) -> Json:
    """Return a trigger of a workflow as the API takes it; `special` is what its type has beside others."""
    found = await client.get(f"/v1/workflows/{await resolve.workflow_id(client, workflow)}")
    return {
        "name": name or found["name"],
        "parentWorkflowId": found["parentWorkflowId"],
        "inputs": dict(resolve.pair(text, "NAME=EXPRESSION") for text in inputs or ()),
        **special,
    }


def _special(trigger: Json) -> Json:
    """Return what a trigger has because of its type."""
    return trigger.get("schedule") or trigger.get("webhook") or trigger.get("event") or {}


def _change(trigger: str, verb: str, account: str, *, as_json: bool) -> None:
    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.path_of('trigger', trigger)}:{verb}", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)
