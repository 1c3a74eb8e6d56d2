"""`stateroom webhook …`: executions that start when somebody delivers something."""

from typing import Annotated

import typer

from chassis import ids
from cli import context, program, resolve, triggers
from cli.client import Client
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import Refused
from cli.render import Output
from cli.triggers import FIELDS, delete, history, pause, resume

app = typer.Typer(no_args_is_help=True, help="Webhooks: executions that start when something is delivered.")
for verb in (history, pause, resume, delete):
    app.command()(verb)

Webhook = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `list` shows it.")]
COLUMNS = {"triggerId": "ID", "name": "NAME", "scheme": "SCHEME", "state": "STATE", "createTime": "CREATED"}
DELIVERY_COLUMNS = {
    "deliveryId": "ID",
    "key": "SENDER'S ID",
    "contentType": "TYPE",
    "sizeBytes": "BYTES",
    "receiveTime": "RECEIVED",
    "redeliveryCount": "AGAIN",
}


@app.command()
def create(
    workflow: triggers.Workflow,
    github: Annotated[bool, typer.Option("--github", help="Deliveries are signed as GitHub does.")] = False,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=EXPRESSION", help="CEL; it sees event.body.")
    ] = None,
    name: triggers.Name = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a webhook, give it a secret, which is shown once, and enable it."""

    async def work(client: Client, output: Output) -> None:
        scheme = {"scheme": "GITHUB" if github else "STANDARD"}
        wanted = await triggers.spec(client, workflow, name, inputs, webhook=scheme)
        path = resolve.path_of("trigger", (await client.post("/v1/triggers", wanted))["triggerId"])
        secret = (await client.post(f"{path}:renewSecret", {}))["secret"]
        enabled = await client.post(f"{path}:enable", {})
        output.resource(enabled | _to_sign(client, enabled["triggerId"], secret), (*FIELDS, "url", "secret"))
        output.say("The secret is not shown again.")

    context.run(work, as_json=as_json, account=account)


@app.command()
def renew(webhook: Webhook, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Give a webhook a new secret, which is shown once; the old one works no more."""

    async def work(client: Client, output: Output) -> None:
        renewed = await client.post(f"{resolve.path_of('trigger', webhook)}:renewSecret", {})
        output.resource(renewed["trigger"] | _to_sign(client, webhook, renewed["secret"]), (*FIELDS, "url", "secret"))
        output.say("The secret is not shown again.")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_webhooks(limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """List webhooks, newest first."""
    triggers.list_all(COLUMNS, {"type": "WEBHOOK"}, limit, account, as_json=as_json)


@app.command()
def deliveries(
    webhook: Webhook, limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List what was delivered in the last 30 days, newest first."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.path_of('trigger', webhook)}/deliveries", "deliveries", limit=limit)
        output.rows([each async for each in pages], DELIVERY_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def redeliver(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, as `deliveries` shows it.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start an execution for a delivery once more."""

    async def work(client: Client, output: Output) -> None:
        if not ids.is_id(delivery):
            msg = f"{delivery!r} is no delivery's id; `{program.name()} webhook deliveries` shows those there are."
            raise Refused(msg, reason="DELIVERY_NOT_FOUND", code=resolve.NOT_FOUND)
        again = await client.post(f"/v1/deliveries/{delivery}:redeliver", {})
        output.resource(again, tuple(DELIVERY_COLUMNS))
        output.say(f"What came of it: {program.name()} webhook history {again['triggerId']}")

    context.run(work, as_json=as_json, account=account)


def _to_sign(client: Client, trigger_id: str, secret: str) -> dict[str, str]:
    return {"url": f"{client.endpoint.url}/v1/webhooks/{trigger_id}", "secret": secret}
