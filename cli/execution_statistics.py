"""`stateroom execution stats`: how executions went."""

from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client
from cli.context import AccountOption, JsonOption
from cli.render import Output

FIELDS = ("total", "states", "meanDuration", "successRate")


def statistics(
    workflow: Annotated[str, typer.Option(help="Only those of any version of this workflow, by name or id.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Only those of so many last days.")] = 30,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count the account's executions."""

    async def work(client: Client, output: Output) -> None:
        filters = {"window": f"{days * 86_400}s"}
        if workflow:
            found = await client.get(f"/v1/workflows/{await resolve.workflow_id(client, workflow)}")
            filters["parentWorkflowId"] = found["parentWorkflowId"]
        counts = await client.get("/v1/executionStatistics", **filters)
        states = {each["state"]: each["count"] for each in counts["byState"]}
        output.resource(counts if as_json else counts | {"states": states}, FIELDS)

    context.run(work, as_json=as_json, account=account)
