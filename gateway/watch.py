"""What can end an open stream from outside: the client leaves, its credential is revoked, the gateway stops."""

import asyncio
from contextlib import suppress

from chassis.errors import ShuttingDown, Unavailable
from chassis.rpc.token_cache import RECHECK_MAX_AGE, RECHECK_SECONDS
from gateway.calls import Caller, Calls
from gateway.http import Receive


class ClientGone(Exception):  # not an error: a client may leave at any time
    """The client closed the connection; there is nobody to answer."""


async def until_disconnected(receive: Receive) -> None:
    """Wait for the client to leave. Raises ClientGone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone


async def until_revoked(calls: Calls, caller: Caller) -> None:
    """Check the caller's credential every 4 seconds until it is refused.

    An unreachable workspace service proves nothing, and ends nothing.

    Raises:
        Unauthenticated, PermissionDenied: what the workspace service answered.
    """
    while caller.credential:
        await asyncio.sleep(RECHECK_SECONDS)
        with suppress(Unavailable):
            await calls.tokens.token(caller.credential, caller.account, max_age=RECHECK_MAX_AGE)


async def until_stopping(stopping: asyncio.Event) -> None:
    """Wait for the gateway to stop. Raises ShuttingDown."""
    await stopping.wait()
    raise ShuttingDown
