"""`stateroom execution models`: what the steps of an execution used of language models."""

from cli import context, resolve
from cli.client import Client
from cli.context import AccountOption, JsonOption, LimitOption
from cli.executions import Execution
from cli.render import Output

COLUMNS = {
    "path": "STEP",
    "attempt": "ATTEMPT",
    "turn": "ANSWER",
    "model": "MODEL",
    "inputTokens": "READ",
    "outputTokens": "WRITTEN",
    "costMicros": "COST (MILLIONTHS)",
}


def models(
    execution: Execution, limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List what answers of models took, oldest first."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('execution', execution)}/modelUses"
        output.rows([each async for each in client.pages(path, "modelUses", limit=limit)], COLUMNS)
        total = (await client.get(path, pageSize=1))["total"]
        said = [total.get(name, "0") for name in ("inputTokens", "outputTokens", "costMicros")]
        output.say("All together: {} tokens read, {} written, {} millionths.".format(*said))

    context.run(work, as_json=as_json, account=account)
