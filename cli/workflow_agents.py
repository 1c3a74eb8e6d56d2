"""`stateroom workflow agent …`: steps that have a name; `stateroom agent` is about coding agents in rooms."""

from pathlib import Path
from typing import Annotated

import typer

from cli import context, documents, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.executions import FIELDS as EXECUTION_FIELDS
from cli.executions import InputOption, WatchOption, follow, given_inputs
from cli.render import Output
from cli.workflows import TagOption, WordsOption, found_by

app = typer.Typer(no_args_is_help=True, help="Agents: steps with a name, in versions, run once or by workflows.")

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="Name of one that is active, or id.")]
FIELDS = (
    "agentId",
    "name",
    "type",
    "description",
    "tags",
    "capabilities",
    "isPublic",
    "state",
    "versionNumber",
    "parentAgentId",
    "maxExecutionDuration",
    "maxMemory",
    "maxConcurrentExecutions",
    "parameters",
    "createTime",
    "updateTime",
    "deleteTime",
)
COLUMNS = {
    "agentId": "ID",
    "name": "NAME",
    "type": "TYPE",
    "versionNumber": "VERSION",
    "state": "STATE",
    "createTime": "CREATED",
}


@app.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML with `step`.")],
    activate: Annotated[bool, typer.Option("--activate", help="Let executions be started from it.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make an agent of a file, as a draft."""

    async def work(client: Client, output: Output) -> None:
        made = await client.post("/v1/agents", documents.read_agent(file))
        if activate:
            made = await client.post(f"/v1/agents/{made['agentId']}:activate", {})
        output.resource(made, FIELDS)
        output.say(
            f"Run it: {program.name()} workflow agent run {made['name']} --watch" if activate else "It is a draft."
        )

    context.run(work, as_json=as_json, account=account, words=documents.located(file))


@app.command("list")
def list_agents(
    words: WordsOption = "",
    tag: TagOption = None,
    public: Annotated[bool, typer.Option("--public", help="Those that all accounts show.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List agents in all their versions, newest first."""

    async def work(client: Client, output: Output) -> None:
        filters = found_by(words, tag, deleted=deleted)
        pages = client.pages("/v1/publicAgents" if public else "/v1/agents", "agents", limit=limit, **filters)
        output.rows([each async for each in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(agent: Agent, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show an agent."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(f"/v1/agents/{await resolve.agent_id(client, agent)}")
        output.resource(found, (*FIELDS, "step") if as_json else FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def run(
    agent: Agent,
    given: InputOption = None,
    watch: WatchOption = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Run an agent once."""

    async def work(client: Client, output: Output) -> None:
        wanted: Json = {"agentId": await resolve.agent_id(client, agent), "input": given_inputs(given)}
        started = await client.post("/v1/executions", wanted)
        if watch:
            await follow(client, output, started)
        else:
            output.resource(started, EXECUTION_FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def activate(agent: Agent, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Let executions be started from a version, and no longer from another of the same agent."""
    _change(agent, "activate", account, as_json=as_json)


@app.command()
def deactivate(agent: Agent, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Let no execution be started from a version; also brings back one that was archived."""
    _change(agent, "deactivate", account, as_json=as_json)


@app.command()
def archive(agent: Agent, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Only keep a version; to be activated it has to be deactivated first."""
    _change(agent, "archive", account, as_json=as_json)


@app.command()
def undelete(agent: Agent, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Bring a deleted version back."""
    _change(agent, "undelete", account, as_json=as_json)


@app.command()
def delete(agent: Agent, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete a version, unless an active workflow runs it."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(f"/v1/agents/{await resolve.agent_id(client, agent)}"), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _change(agent: str, verb: str, account: str, *, as_json: bool) -> None:
    async def work(client: Client, output: Output) -> None:
        path = f"/v1/agents/{await resolve.agent_id(client, agent)}:{verb}"
        output.resource(await client.post(path, {}), FIELDS)

    context.run(work, as_json=as_json, account=account)
