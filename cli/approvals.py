"""`stateroom execution approvals`, `approve` and `refuse`: steps that ask a person."""

from collections.abc import AsyncIterator
from typing import Annotated

import typer

from cli import context, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output

Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id.")]
Step = Annotated[str, typer.Argument(metavar="[STEP]", help="Its path; not needed when only one asks.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="What is to be said with the answer.")]
FIELDS = ("executionId", "path", "state", "message", "userId", "comment", "answerTime")
COLUMNS = {"executionId": "EXECUTION", "path": "STEP", "message": "QUESTION", "expireTime": "UNTIL"}


def approvals(
    execution: Annotated[str, typer.Option(help="Only those of this execution.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the steps that wait for an answer."""

    async def work(client: Client, output: Output) -> None:
        output.rows([each async for each in _pending(client, execution, limit)], COLUMNS)

    context.run(work, as_json=as_json, account=account)


def approve(
    execution: Execution,
    step: Step = "",
    comment: Comment = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a step that asks go on."""
    _answer("approveStep", execution, step, comment, (account, as_json))


def refuse(
    execution: Execution,
    step: Step = "",
    comment: Comment = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Have a step that asks fail."""
    _answer("refuseStep", execution, step, comment, (account, as_json))


def register(app: typer.Typer) -> None:
    """Give these commands to `stateroom execution`."""
    for command in (approvals, approve, refuse):
        app.command()(command)


def _answer(verb: str, execution: str, step: str, comment: str, how: tuple[str, bool]) -> None:
    async def work(client: Client, output: Output) -> None:
        path = step or await _only_one(client, execution)
        answer = {"path": path, "comment": comment}
        output.resource(await client.post(f"{resolve.path_of('execution', execution)}:{verb}", answer), FIELDS)

    context.run(work, account=how[0], as_json=how[1])


async def _only_one(client: Client, execution: str) -> str:
    """Return the path of the step of an execution that asks. WrongUse when there is none, or more than one."""
    asking = [str(each["path"]) async for each in _pending(client, execution, resolve.MANY)]
    if len(asking) == 1:
        return asking[0]
    found = f"these ask: {', '.join(asking)}" if asking else "none asks"
    msg = f"Which step? Of execution {execution} {found}; see `{program.name()} execution approvals`."
    raise WrongUse(msg)


def _pending(client: Client, execution: str, limit: int) -> AsyncIterator[Json]:
    chosen = {"executionId": execution} if execution else {}
    return client.pages("/v1/approvals", "approvals", limit=limit, **chosen)
