"""What every verb shares: its options, the way to the gateway, and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

import typer

from cli import accounts, endpoint, environment
from cli.client import Client
from cli.errors import CommandFailed
from cli.options import in_options
from cli.render import Output

JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
AccountOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="TEAM",
        envvar="STATEROOM_ACCOUNT",
        show_envvar=False,
        help="Act in this account, by handle or id; the key's own by default.",
    ),
]
LimitOption: TypeAlias = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")]


class _Global:
    """Options before the verb."""

    colour = True


def set_colour(*, colour: bool) -> None:
    """Decide about colours for the whole run; NO_COLOR turns them off as well."""
    _Global.colour = colour


def run(
    work: Callable[[Client, Output], Awaitable[None]],
    *,
    as_json: bool,
    account: str = "",
    words: Callable[[str], str] = in_options,
    needs_key: bool = True,
) -> None:
    """Do the work with a client of the gateway; a failure becomes a sentence and an exit code.

    `words` turns the failure's sentence into the terms of the command. Without `needs_key` the caller may be a guest.

    Raises:
        typer.Exit: the work failed.
    """
    output = Output(as_json=as_json, colour=_Global.colour and not environment.read().get("NO_COLOR"))

    async def connected() -> None:
        found = endpoint.find(needs_key=needs_key)
        async with Client(found, await accounts.account_id(found, account)) as client:
            await work(client, output)

    try:
        asyncio.run(connected())
    except* CommandFailed as failures:
        failure = first(failures)
        output.fail(words(str(failure)))
        raise typer.Exit(failure.exit_code) from None


def first(failures: BaseExceptionGroup[CommandFailed]) -> CommandFailed:
    """Return the first failure of a group: one sentence is enough to act on."""
    failure = failures.exceptions[0]
    return first(failure) if isinstance(failure, BaseExceptionGroup) else failure
