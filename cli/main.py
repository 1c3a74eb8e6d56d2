"""The command `stateroom`."""

import sys
from importlib import metadata
from typing import Annotated

import typer

from cli import (
    actions,
    agents,
    approvals,
    audit,
    buffers,
    chats,
    context,
    contexts,
    deployments,
    edit,
    execute,
    execution_statistics,
    executions,
    files,
    forks,
    keys,
    life,
    local,
    logs,
    model_uses,
    previews,
    raw_call,
    saves,
    schedules,
    secrets,
    sessions,
    sharing,
    teams,
    templates,
    triggers,
    users,
    variables,
    webhooks,
    workflow_agents,
    workflow_life,
    workflows,
    workspaces,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for verb in (saves.save, saves.saves, saves.restore, saves.delete_save, saves.clean_up):
    workspaces.app.command()(verb)
app.add_typer(workspaces.app, name="workspace")
app.add_typer(workspaces.app, name="ws", hidden=True)  # for fingers: as `kubectl get po`, and `gh cs`
app.add_typer(sessions.app, name="session")
for command in (life.pause, life.resume, life.idle, life.restart, life.undelete):
    sessions.app.command()(command)
sessions.app.command()(life.delete)
for of_links in (sharing.share, sharing.shares, sharing.unshare):
    sessions.app.command()(of_links)
sessions.app.command("clean-up")(life.clean_up)
sessions.app.command("stats")(life.statistics)
app.add_typer(files.app, name="file")
app.command()(edit.edit)
app.add_typer(buffers.app, name="buffer")
app.add_typer(agents.app, name="agent")
app.add_typer(previews.app, name="preview")
app.add_typer(contexts.app, name="context")
app.add_typer(actions.app, name="action")
app.add_typer(chats.app, name="chat")
workflow_life.register(workflows.app)
workflows.app.add_typer(workflow_agents.app, name="agent")
app.add_typer(workflows.app, name="workflow")
executions.app.command("stats")(execution_statistics.statistics)
executions.app.command("models")(model_uses.models)
app.add_typer(executions.app, name="execution")
approvals.register(executions.app)
forks.register(executions.app)
app.add_typer(templates.app, name="template")
app.add_typer(schedules.app, name="schedule")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(triggers.app, name="trigger")
app.add_typer(secrets.app, name="secret")
app.add_typer(deployments.app, name="deployment")
logs.register(executions.app)
app.command()(executions.run)
app.command()(executions.runs)
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="key")
app.add_typer(teams.app, name="team")
app.command()(local.up)
app.command()(local.status)
app.command()(local.down)
app.command()(local.keys)
app.command()(users.whoami)
app.command("env")(variables.env)
app.command("exec", context_settings={"allow_interspersed_args": False})(execute.execute)
app.command("call")(raw_call.call)


def _show_version(wanted: bool) -> None:  # noqa: FBT001  # typer passes the option's value
    if wanted:
        typer.echo(f"stateroom {metadata.version('stateroom')}")
        raise typer.Exit


@app.callback()
def options(
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Durable rooms for developers and coding agents.

    Talks to the installation in this folder or one above it; STATEROOM_DATA
    names another one's folder, or STATEROOM_URL and STATEROOM_API_KEY itself.
    STATEROOM_ACCOUNT names the team in which to act, as --account does.

    Exit codes: 2 wrong use, 4 refused, 5 the server failed, 6 nobody answers.
    """
    context.set_colour(colour=not no_color)


def run() -> None:
    """Run the command line; a reader that goes away, such as `head`, is not an error."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    run()
