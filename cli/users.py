"""`stateroom whoami`."""

from cli import context
from cli.client import Client
from cli.context import AccountOption, JsonOption
from cli.render import Output

FIELDS = ("handle", "displayName", "email", "userId", "createTime")


def whoami(account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show whose key this is, and where."""

    async def work(client: Client, output: Output) -> None:
        user = await client.get("/v1/users/me")
        output.resource(user | {"gateway": client.endpoint.url}, (*FIELDS, "gateway"))

    context.run(work, as_json=as_json, account=account)
