"""`stateroom chat …`: people of an account who talk to each other."""

from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Chats: people of an account who talk to each other.")

Chat = Annotated[str, typer.Argument(metavar="CHAT", help="Id.")]
User = Annotated[str, typer.Argument(metavar="USER", help="Id.")]
FIELDS = ("chatId", "creatorId", "isPrivate", "openToAnyoneWithInvite", "config", "unreadCount", "createTime")
COLUMNS = {"chatId": "ID", "unreadCount": "UNREAD", "isPrivate": "PRIVATE", "createTime": "CREATED"}
MESSAGE_COLUMNS = {"sequence": "#", "authorId": "AUTHOR", "createTime": "TIME", "content": "CONTENT"}
PARTICIPANT_COLUMNS = {"userId": "USER", "readSequence": "READ", "createTime": "SINCE"}


@app.command()
def create(
    user: Annotated[list[str] | None, typer.Option(metavar="ID", help="Who takes part; may be repeated.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Only its participants see it.")] = False,
    open_to_invite: Annotated[bool, typer.Option("--open", help="Participants may bring others in.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Begin a chat."""

    async def work(client: Client, output: Output) -> None:
        chat = {"isPrivate": private, "openToAnyoneWithInvite": open_to_invite}
        output.resource(await client.post("/v1/chats", {"chat": chat, "userIds": user or []}), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_chats(limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """List the chats in which you take part, newest first."""

    async def work(client: Client, output: Output) -> None:
        output.rows([chat async for chat in client.pages("/v1/chats", "chats", limit=limit)], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(chat: Chat, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a chat."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.get(resolve.path_of("chat", chat)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def post(
    chat: Chat,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say something in a chat."""

    async def work(client: Client, output: Output) -> None:
        said = await client.post(f"{resolve.path_of('chat', chat)}/messages", {"content": text})
        output.resource(said, ("sequence", "content"))

    context.run(work, as_json=as_json, account=account)


@app.command()
def messages(
    chat: Chat,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what was said in a chat."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('chat', chat)}/messages"
        if not follow:
            pages = client.pages(path, "chatMessages", limit=limit)
            output.rows([said async for said in pages], MESSAGE_COLUMNS, empty="Nothing was said.")
            return
        async for said in client.stream(f"{path}:stream"):
            output.rows([said], MESSAGE_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def read(
    chat: Chat,
    sequence: Annotated[int, typer.Option(help="Up to this message; all of them when 0.")] = 0,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Note that you have read a chat."""
    _do(chat, ":markRead", {"sequence": str(sequence or 2**62)}, ("readSequence",), account=account, as_json=as_json)


@app.command()
def participants(
    chat: Chat, limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """List who takes part in a chat."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.path_of('chat', chat)}/participants", "participants", limit=limit)
        output.rows([each async for each in pages], PARTICIPANT_COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def add(chat: Chat, user: User, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Bring somebody into a chat."""
    _do(chat, "/participants", {"userId": user}, ("userId", "createTime"), account=account, as_json=as_json)


@app.command()
def remove(chat: Chat, user: User, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Take somebody out of a chat."""
    _do(chat, f"/participants/{user}:remove", {}, FIELDS, account=account, as_json=as_json)


def _do(chat: str, what: str, body: Json, fields: tuple[str, ...], *, account: str, as_json: bool) -> None:
    """Make a call about a chat and print what it answers."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.path_of('chat', chat)}{what}", body), fields)

    context.run(work, as_json=as_json, account=account)
