"""What can end an open stream from outside: the client leaves, its rights go or change, the gateway stops."""

import asyncio
from contextlib import suppress

from chassis.errors import ShuttingDown, Unavailable
from chassis.rpc.token_cache import RECHECK_MAX_AGE, RECHECK_SECONDS
from chassis.rpc.tokens import role_in
from gateway.calls import Caller, Calls
from gateway.errors import RoleChanged
from gateway.http import Receive


class ClientGone(Exception):  # not an error: a client may leave at any time
    """The client closed the connection; there is nobody to answer."""


async def until_disconnected(receive: Receive) -> None:
    """Wait for the client to leave. Raises ClientGone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone


async def until_revoked(calls: Calls, caller: Caller) -> None:
    """Check the caller's credential every 4 seconds until it is refused, or its person has another role.

    An unreachable workspace service proves nothing, and ends nothing.

    Raises:
        Unauthenticated, PermissionDenied: what the workspace service answered.
        RoleChanged: what the stream may do has to be found out anew.
    """
    while caller.credential:
        await asyncio.sleep(RECHECK_SECONDS)
        token = caller.token
        with suppress(Unavailable):
            token = await calls.tokens.token(caller.credential, caller.account, max_age=RECHECK_MAX_AGE)
        if token != caller.token and role_in(token) != role_in(caller.token):
            raise RoleChanged


async def until_stopping(stopping: asyncio.Event) -> None:
    """Wait for the gateway to stop. Raises ShuttingDown."""
    await stopping.wait()
    raise ShuttingDown
