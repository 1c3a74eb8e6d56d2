"""`stateroom session share …`: links that let somebody without an account into one session."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli import context, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

LINK = "srl_"
"""How the secret of a link begins."""
FIELDS = ("shareLinkId", "sessionId", "role", "label", "expireTime", "revokeTime", "openCount", "lastOpenTime")
COLUMNS = {
    "shareLinkId": "ID",
    "role": "ROLE",
    "label": "LABEL",
    "expireTime": "EXPIRES",
    "revokeTime": "REVOKED",
    "openCount": "OPENED",
}


def share(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Id.")],
    control: Annotated[bool, typer.Option("--control", help="Let them type; without it they only look.")] = False,
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long the link works.")] = 24,
    label: Annotated[str, typer.Option(help="Whom or what it is for.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a link to a session. Its secret is shown this once."""

    async def work(client: Client, output: Output) -> None:
        expire_time = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        role = "CONTROLLER" if control else "OBSERVER"
        body: Json = {"role": role, "label": label, "expireTime": expire_time}
        made = await client.post(f"{resolve.session_path(session)}/shareLinks", body)
        output.resource(made["shareLink"] | {"secret": made["secret"]}, (*FIELDS, "secret"))
        output.say(f"To come in: STATEROOM_URL={client.endpoint.url} {program.name()} session attach {made['secret']}")

    context.run(work, as_json=as_json, account=account)


def shares(
    session: Annotated[str, typer.Argument(metavar="[SESSION]", help="Id; all links of the account without it.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List links to sessions, newest first."""

    async def work(client: Client, output: Output) -> None:
        filters = {"sessionId": session} if session else {}
        pages = client.pages("/v1/shareLinks", "shareLinks", limit=limit, **filters)
        output.rows([link async for link in pages], COLUMNS, empty="Nothing is shared.")

    context.run(work, as_json=as_json, account=account)


def unshare(
    link: Annotated[str, typer.Argument(metavar="LINK", help="Id, as `session shares` shows it.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Revoke a link at once and for ever; whoever came by it is detached."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(f"/v1/shareLinks/{resolve.share_link_id(link)}"), FIELDS)

    context.run(work, as_json=as_json, account=account)
