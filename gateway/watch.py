"""What can end an open stream from outside: the client leaves, its credential is revoked, the gateway stops."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from chassis.errors import ShuttingDown
from gateway.calls import Caller, Calls
from gateway.http import Receive


class ClientGone(Exception):  # not an error: a client may leave at any time
    """The client closed the connection; there is nobody to answer."""


async def run_beside(main: Coroutine[Any, Any, None], *watchers: Coroutine[Any, Any, None]) -> None:
    """Run `main` until it ends or a watcher raises, and leave nothing running.

    Raises:
        Exception: the first that any of them raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watcher) for watcher in watchers]
            await main
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as exc:
        raise exc.exceptions[0] from None


async def until_disconnected(receive: Receive) -> None:
    """Wait for the client to leave. Raises ClientGone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone


async def until_revoked(calls: Calls, caller: Caller) -> None:
    """Wait for the credential to be refused. Raises what refused it."""
    if caller.credential:
        await calls.tokens.watch(caller.credential, caller.account)


async def until_stopping(stopping: asyncio.Event) -> None:
    """Wait for the gateway to stop. Raises ShuttingDown."""
    await stopping.wait()
    raise ShuttingDown
