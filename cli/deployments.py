"""`stateroom deployment …`: versions of workflows and agents that run for whoever has a key."""

from typing import Annotated

import typer

from cli import context, program, resolve, secret_input
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.executions import InputOption, given_inputs
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Deployments: workflows and agents as endpoints with keys.")

Deployment = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Its id, as `list` shows it.")]
FIELDS = (
    "deploymentId",
    "name",
    "description",
    "environment",
    "state",
    "workflowId",
    "agentId",
    "rolloutNumber",
    "deployTime",
    "endpointPath",
    "keyPrefix",
    "maxConcurrentExecutions",
    "timeout",
    "health",
    "healthReason",
    "checkTime",
    "numbers",
    "userId",
    "createTime",
    "updateTime",
    "deleteTime",
)
COLUMNS = {
    "deploymentId": "ID",
    "name": "NAME",
    "environment": "ENVIRONMENT",
    "state": "STATE",
    "health": "HEALTH",
    "deployTime": "DEPLOYED",
}
ROLLOUT_COLUMNS = {
    "number": "NUMBER",
    "workflowId": "WORKFLOW",
    "agentId": "AGENT",
    "rolledBackTo": "BACK TO",
    "deployTime": "DEPLOYED",
}
INVOCATION_FIELDS = ("executionId", "state", "output", "failure", "createTime", "endTime")


@app.command()
def create(
    target: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Name of one that is active, or id.")],
    *,
    agent: Annotated[bool, typer.Option("--agent", help="It names an agent.")] = False,
    name: Annotated[str, typer.Option(help="What it is called; as what it runs unless said.")] = "",
    environment: Annotated[str, typer.Option(help="development, staging or production.")] = "production",
    limit: Annotated[int, typer.Option("--max", help="Executions at a time; 0 for any number.")] = 0,
    start: Annotated[bool, typer.Option("--start", help="Give it a key, which is shown once, and start it.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a deployment of a version, stopped unless told otherwise."""

    async def work(client: Client, output: Output) -> None:
        noun, found = ("agent", resolve.agent_id) if agent else ("workflow", resolve.workflow_id)
        version = await client.get(f"/v1/{noun}s/{await found(client, target)}")
        wanted: Json = {"name": name or version["name"], "environment": environment.upper()}
        wanted |= {f"{noun}Id": version[f"{noun}Id"], "maxConcurrentExecutions": limit}
        made = await client.post("/v1/deployments", wanted)
        if start:
            path = resolve.path_of("deployment", made["deploymentId"])
            renewed = await client.post(f"{path}:renewKey", {})
            _show_key(output, client, await client.post(f"{path}:start", {}), renewed["key"])
        else:
            output.resource(made, FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_deployments(
    state: Annotated[str, typer.Option(help="running, stopped or maintenance.")] = "",
    environment: Annotated[str, typer.Option(help="development, staging or production.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List deployments, newest first."""

    async def work(client: Client, output: Output) -> None:
        chosen = {"state": state.upper(), "environment": environment.upper()}
        filters = {name: value for name, value in chosen.items() if value}
        pages = client.pages("/v1/deployments", "deployments", limit=limit, **filters)
        output.rows([each async for each in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def get(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a deployment: what it runs, how healthy it is, and what its executions of the last day say."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.get(resolve.path_of("deployment", deployment)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def start(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Take invocations, from now on for you."""
    _change(deployment, "start", {}, account, as_json=as_json)


@app.command()
def stop(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Take no invocations; what runs goes on."""
    _change(deployment, "stop", {}, account, as_json=as_json)


@app.command()
def maintenance(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Take no invocations for a while, and tell who comes to try again."""
    _change(deployment, "maintain", {}, account, as_json=as_json)


@app.command()
def deploy(
    deployment: Deployment,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Id of a version of what it runs.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Put a version in force; what runs keeps its own."""
    _change(deployment, "deploy", {"versionId": version}, account, as_json=as_json)


@app.command()
def rollback(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Put the version in force again that was before the present one."""
    _change(deployment, "rollBack", {}, account, as_json=as_json)


@app.command()
def history(
    deployment: Deployment, limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List the versions that came into force, the last first."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.path_of('deployment', deployment)}/rollouts", "rollouts", limit=limit)
        output.rows([each async for each in pages], ROLLOUT_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def key(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Give it a new key, which is shown once; the old one works no more."""

    async def work(client: Client, output: Output) -> None:
        renewed = await client.post(f"{resolve.path_of('deployment', deployment)}:renewKey", {})
        _show_key(output, client, renewed["deployment"], renewed["key"])

    context.run(work, as_json=as_json, account=account)


@app.command()
def invoke(
    deployment: Deployment,
    given: InputOption = None,
    wait: Annotated[int, typer.Option(min=0, max=20, help="Seconds to wait for the end.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Start an execution as holders of the key do.

    The key is asked for, or read from standard input.
    """
    held = secret_input.read().decode()

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('deployment', deployment)}:invoke"
        body: Json = {"input": given_inputs(given), "wait": f"{wait}s"}
        invoked = await client.call("POST", path, body=body, headers={"X-Deployment-Key": held})
        output.resource(invoked, INVOCATION_FIELDS)

    context.run(work, as_json=as_json)


@app.command()
def delete(deployment: Deployment, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete it; what runs goes on."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(resolve.path_of("deployment", deployment)), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _change(deployment: str, verb: str, body: Json, account: str, *, as_json: bool) -> None:
    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.path_of('deployment', deployment)}:{verb}", body), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _show_key(output: Output, client: Client, deployment: Json, shown: str) -> None:
    url = {"url": f"{client.endpoint.url}{deployment['endpointPath']}", "key": shown}
    output.resource(deployment | url, (*FIELDS, "url", "key"))
    output.say(f"The key is not shown again. Use it: {program.name()} deployment invoke {deployment['deploymentId']}")
