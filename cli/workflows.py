"""`stateroom workflow …`: what executions do."""

from pathlib import Path
from typing import Annotated

import typer

from cli import context, documents, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Workflows: steps that run, and survive whatever runs them.")

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Name of one that is active, or id.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML with `steps`.")]
FIELDS = (
    "workflowId",
    "name",
    "description",
    "tags",
    "state",
    "versionNumber",
    "parentWorkflowId",
    "createTime",
    "updateTime",
    "deleteTime",
)
COLUMNS = {
    "workflowId": "ID",
    "name": "NAME",
    "versionNumber": "VERSION",
    "state": "STATE",
    "createTime": "CREATED",
}
STEP_COLUMNS = {"key": "KEY", "type": "TYPE", "dependsOn": "DEPENDS ON"}
NO_TYPES = {"key", "name", "dependsOn", "inputs", "retryCount", "retryDelay", "timeout", "onError"}
"""Fields of a step beside the one that says its type."""
TagOption = Annotated[
    list[str] | None, typer.Option("--tag", help="Only those with it, or with another that is named.")
]
WordsOption = Annotated[str, typer.Option(help="Only those with these words in their name or description.")]


@app.command()
def create(
    file: File,
    activate: Annotated[bool, typer.Option("--activate", help="Let executions be started from it.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a workflow of a file, as a draft."""

    async def work(client: Client, output: Output) -> None:
        made = await client.post("/v1/workflows", documents.read(file))
        if activate:
            made = await client.post(f"/v1/workflows/{made['workflowId']}:activate", {})
        output.resource(made, FIELDS)
        output.say(f"Run it: {program.name()} run {made['name']} --watch" if activate else "It is a draft.")

    context.run(work, as_json=as_json, account=account, words=documents.located(file))


@app.command()
def validate(file: File, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show everything that is wrong with a workflow in a file; nothing is stored."""

    async def work(client: Client, output: Output) -> None:
        found = await client.call(
            "POST", "/v1/workflows", body=documents.read(file), parameters={"validateOnly": "true"}
        )
        output.resource(found, ("name", "definition") if as_json else ("name",))
        output.say("There is nothing wrong with it.")

    context.run(work, as_json=as_json, account=account, words=documents.located(file))


@app.command("list")
def list_workflows(  # filters, each by its own name
    *,
    words: WordsOption = "",
    tag: TagOption = None,
    scheduled: Annotated[bool, typer.Option("--scheduled", help="Only those that an enabled schedule starts.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Those that all accounts show.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List workflows in all their versions, newest first."""

    async def work(client: Client, output: Output) -> None:
        filters = found_by(words, tag, deleted=deleted) | ({"isScheduled": "true"} if scheduled else {})
        path = "/v1/publicWorkflows" if public else "/v1/workflows"
        pages = client.pages(path, "workflows", limit=limit, **filters)
        output.rows([each async for each in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a workflow and its steps."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(f"/v1/workflows/{await resolve.workflow_id(client, workflow)}")
        output.resource(found, FIELDS)
        if not as_json:
            output.rows([_row(step) for step in found["definition"]["steps"]], STEP_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def activate(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Let executions be started from a version, and no longer from another of the same workflow."""

    async def work(client: Client, output: Output) -> None:
        path = f"/v1/workflows/{await resolve.workflow_id(client, workflow)}:activate"
        output.resource(await client.post(path, {}), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def delete(workflow: Workflow, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete a version; executions that run keep it."""

    async def work(client: Client, output: Output) -> None:
        path = f"/v1/workflows/{await resolve.workflow_id(client, workflow)}"
        output.resource(await client.delete(path), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _row(step: Json) -> Json:
    return step | {"type": next((name.upper() for name in step if name not in NO_TYPES), "")}


def found_by(words: str, tags: list[str] | None, *, deleted: bool) -> dict[str, str | list[str]]:
    """Return the filters of a list of versions, those that narrow it."""
    filters: dict[str, str | list[str]] = {"words": words, "tags": tags or []}
    filters |= {"showDeleted": "true"} if deleted else {}
    return {name: value for name, value in filters.items() if value}
