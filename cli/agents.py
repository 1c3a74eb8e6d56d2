"""`stateroom agent …`: coding agents in rooms, from any number of devices."""

from typing import Annotated

import typer

from cli import context, program, resolve
from cli.agent_watch import Watch
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Agents: coding agents that outlive every connection.")

Session = Annotated[str, typer.Argument(metavar="SESSION", help="Id.")]
FIELDS = ("sessionId", "workspaceId", "state", "stateReason", "title", "agent", "createTime")
TURNS = {
    "turnId": "ID",
    "state": "STATE",
    "endReason": "END",
    "promptBytes": "BYTES",
    "userId": "BY",
    "createTime": "TIME",
}
PERMISSIONS = {"permissionId": "ID", "state": "STATE", "title": "WHAT", "optionId": "ANSWER", "userId": "BY"}


@app.command()
def start(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]", help="Any other agent, after `--`.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="claude-code, codex, gemini, goose, opencode, or understudy, which comes along.")
    ] = "",
    mode: Annotated[str, typer.Option(help="The mode to begin with, in the agent's words.")] = "",
    model: Annotated[str, typer.Option(help="The model to begin with, in the agent's words.")] = "",
    env: Annotated[list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable for it.")] = None,
    continues: Annotated[
        str, typer.Option("--continue", metavar="SESSION", help="Go on with an earlier one, if the agent can.")
    ] = "",
    conversation: Annotated[
        str, typer.Option("--context", metavar="CONTEXT", help="Say in this context too what is asked and answered.")
    ] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start a coding agent in a room. It speaks the Agent Client Protocol.

    For example: `stateroom agent start WORKSPACE --preset gemini --env GEMINI_API_KEY=…`, or
    `stateroom agent start WORKSPACE -- my-agent --acp`.
    """
    if bool(preset) == bool(command):
        msg = "Name an agent with --preset, or give a command after `--`."
        raise WrongUse(msg)

    async def work(client: Client, output: Output) -> None:
        known = {
            "preset": preset,
            "mode": mode,
            "model": model,
            "continuesSessionId": continues,
            "contextId": conversation,
        }
        body: Json = {
            "workspaceId": await resolve.workspace_id(client, workspace),
            "kind": "AGENT",
            "command": command or [],
            "agent": {name: value for name, value in known.items() if value},
            "environment": dict(resolve.pair(text, "NAME=VALUE") for text in env or ()),
        }
        session = await client.post("/v1/sessions", body)
        output.resource(session, FIELDS)
        output.say(f'Ask it something: {program.name()} agent prompt {session["sessionId"]} "…"')

    context.run(work, as_json=as_json, account=account)


@app.command()
def prompt(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to ask.")],
    link: Annotated[list[str] | None, typer.Option(metavar="PATH", help="A file or URI that it is about.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the answer.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Ask an agent something, and watch until it is done. Ctrl-C stops watching; the agent goes on.

    In a terminal, its questions are answered by typing the number of an option.
    """

    async def work(client: Client, output: Output) -> None:
        path = resolve.session_path(session)
        begun = await client.post(f"{path}:prompt", {"text": text, "links": [{"uri": uri} for uri in link or ()]})
        if detach:
            output.resource(begun, ("turnId", "sequence"))
            return
        await Watch(client, output, path).run(int(begun["sequence"]) - 1, until_turn=begun["turnId"])

    context.run(work, as_json=as_json, account=account)


@app.command()
def attach(
    session: Session,
    after: Annotated[int, typer.Option(min=0, help="Begin after this place in its log.")] = 0,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Watch an agent: what was, then what happens, until its session ends.

    In a terminal, its questions are answered by typing the number of an option, and any other line
    is asked of the agent. Ctrl-C leaves; the agent goes on.
    """

    async def work(client: Client, output: Output) -> None:
        await Watch(client, output, resolve.session_path(session), asks=True).run(after)

    context.run(work, as_json=as_json, account=account)


@app.command()
def answer(
    session: Session,
    permission: Annotated[str, typer.Argument(metavar="PERMISSION", help="Id of the question.")],
    option: Annotated[str, typer.Argument(metavar="OPTION", help="One of its options.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Answer a question of an agent. The first answer counts, from whichever device."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.session_path(session)}/permissions/{permission}:answer"
        output.resource(await client.post(path, {"optionId": option}), ("sequence",))

    context.run(work, as_json=as_json, account=account)


@app.command()
def cancel(session: Session, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Have an agent stop what it does. Its session goes on."""

    async def work(client: Client, output: Output) -> None:
        cancelled = await client.post(f"{resolve.session_path(session)}:cancelTurn", {})
        output.resource(cancelled, ("turnId",))
        if not cancelled.get("turnId"):
            output.say("It does nothing at the moment.")

    context.run(work, as_json=as_json, account=account)


@app.command("set")
def change(
    session: Session,
    setting: Annotated[str, typer.Argument(metavar="NAME=VALUE", help="mode, model, or a setting of its own.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change the mode, the model or another setting of an agent."""

    async def work(client: Client, _: Output) -> None:
        name, value = resolve.pair(setting, "NAME=VALUE")
        path = f"{resolve.session_path(session)}:changeAgentSetting"
        await client.post(path, {"settingId": name, "value": value})

    context.run(work, as_json=as_json, account=account)


@app.command()
def turns(session: Session, limit: LimitOption = 20, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """List what was asked of an agent, newest first."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.session_path(session)}/turns", "turns", limit=limit)
        output.rows([turn async for turn in pages], TURNS, empty="Nothing was asked of it.")

    context.run(work, as_json=as_json, account=account)


@app.command()
def permissions(
    session: Session,
    pending: Annotated[bool, typer.Option("--pending", help="Only those that wait for an answer.")] = False,
    limit: LimitOption = 20,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List what an agent asked permission for, newest first."""

    async def work(client: Client, output: Output) -> None:
        filters = {"state": "PENDING"} if pending else {}
        path = f"{resolve.session_path(session)}/permissions"
        pages = client.pages(path, "permissions", limit=limit, **filters)
        output.rows([one async for one in pages], PERMISSIONS, empty="It asked for nothing.")

    context.run(work, as_json=as_json, account=account)
