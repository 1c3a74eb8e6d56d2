"""What schedules and webhooks have in common: both are triggers."""

from typing import Annotated

import typer

from chassis import ids
from cli import context
from cli.client import Client
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import Refused
from cli.render import Output
from cli.resolve import NOT_FOUND

Trigger = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `list` shows it.")]
FIELDS = (
    "triggerId",
    "name",
    "parentWorkflowId",
    "schedule",
    "webhook",
    "inputs",
    "state",
    "nextTime",
    "userId",
    "createTime",
    "updateTime",
    "deleteTime",
)
OCCURRENCE_COLUMNS = {
    "time": "TIME",
    "decision": "DECISION",
    "reason": "REASON",
    "message": "MESSAGE",
    "executionId": "EXECUTION",
}


def history(
    trigger: Trigger, limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List what it decided, newest first: what was started, what was not, and why."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{path_of(trigger)}/occurrences", "occurrences", limit=limit)
        output.rows([each async for each in pages], OCCURRENCE_COLUMNS)

    context.run(work, as_json=as_json, account=account)


def pause(trigger: Trigger, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Start no executions any more, until it is resumed; what happens meanwhile is not made up for."""
    _change(trigger, "disable", account, as_json=as_json)


def resume(trigger: Trigger, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Start executions again, from now on for you."""
    _change(trigger, "enable", account, as_json=as_json)


def delete(trigger: Trigger, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete it; its executions go on."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(path_of(trigger)), FIELDS)

    context.run(work, as_json=as_json, account=account)


def path_of(trigger: str) -> str:
    """Return the path of a trigger. Refused when the text is no id."""
    if ids.is_id(trigger):
        return f"/v1/triggers/{trigger}"
    msg = f"{trigger!r} is no trigger's id."
    raise Refused(msg, reason="TRIGGER_NOT_FOUND", code=NOT_FOUND)


def _change(trigger: str, verb: str, account: str, *, as_json: bool) -> None:
    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{path_of(trigger)}:{verb}", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)
