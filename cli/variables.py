"""`stateroom env`: where everything is, for the shell."""

from cli import context
from cli.client import Client
from cli.context import JsonOption
from cli.render import Output


def env(as_json: JsonOption = False) -> None:
    """Print variables for the shell, with the API key.

    Use it as `eval "$(stateroom env)"`.
    """

    async def work(client: Client, output: Output) -> None:
        found = client.endpoint
        services = {f"STATEROOM_{name.upper()}": address for name, address in sorted(found.services.items())}
        output.exports({"STATEROOM_URL": found.url, "STATEROOM_API_KEY": found.api_key} | services)

    context.run(work, as_json=as_json)
