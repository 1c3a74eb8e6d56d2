"""`stateroom schedule …`: executions that start by the calendar."""

from enum import StrEnum
from typing import Annotated

import typer

from cli import context, program, resolve, triggers
from cli.client import Client
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output
from cli.triggers import FIELDS, delete, history, pause, resume

app = typer.Typer(no_args_is_help=True, help="Schedules: executions that start by the calendar.")
for verb in (history, pause, resume, delete):
    app.command()(verb)

COLUMNS = {"triggerId": "ID", "name": "NAME", "cron": "CRON", "timeZone": "ZONE", "state": "STATE", "nextTime": "NEXT"}


class Misfire(StrEnum):
    """What becomes of times that were missed."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


@app.command()
def create(
    workflow: triggers.Workflow,
    cron: Annotated[str, typer.Option(help="Five fields, such as '30 9 * * MON-FRI'.")],
    zone: Annotated[str, typer.Option(help="Whose clock, such as Europe/Berlin.")] = "UTC",
    misfire: Annotated[Misfire, typer.Option(help="What becomes of times that were missed.")] = Misfire.LATEST,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=EXPRESSION", help="CEL; it sees event.time.")
    ] = None,
    name: triggers.Name = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start a workflow by the calendar, whichever version of it is active then."""

    async def work(client: Client, output: Output) -> None:
        schedule = {"cron": cron, "timeZone": zone, "misfireRule": misfire.name}
        made = await client.post("/v1/triggers", await triggers.spec(client, workflow, name, inputs, schedule=schedule))
        output.resource(made, FIELDS)
        output.say(f"When it starts one: {program.name()} schedule next {made['triggerId']}")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_schedules(
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List schedules, newest first."""
    filters = {"type": "SCHEDULED"} | ({"showDeleted": "true"} if deleted else {})
    triggers.list_all(COLUMNS, filters, limit, account, as_json=as_json)


@app.command("next")
def show_next(
    schedule: Annotated[str, typer.Argument(metavar="[SCHEDULE]", help="Its id; without one say --cron.")] = "",
    cron: Annotated[str, typer.Option(help="What a schedule would be.")] = "",
    zone: Annotated[str, typer.Option(help="Whose clock.")] = "UTC",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the next ten times of a schedule, or of one that is not made yet."""
    if bool(schedule) == bool(cron):
        msg = "Either SCHEDULE or --cron is needed, and not both."
        raise WrongUse(msg)

    async def work(client: Client, output: Output) -> None:
        wanted = {"cron": cron, "timeZone": zone}
        if schedule:
            wanted = (await client.get(resolve.path_of("trigger", schedule)))["schedule"]
        parameters = {name: str(wanted[name]) for name in ("cron", "timeZone")}
        answer = await client.get("/v1/triggers:previewSchedule", **parameters)
        output.rows([{"time": time} for time in answer.get("nextTime", [])], {"time": "TIME"})

    context.run(work, as_json=as_json, account=account)
