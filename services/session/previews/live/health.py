"""Whether a preview's server works: it is asked for a page, as a browser would ask.

Answering is work, by which nothing that runs in a room would ever be idle. So a preview that works and that nobody
visits is only looked at from outside: whether its program still listens.
"""

import asyncio
from dataclasses import dataclass

import h11

from chassis.errors import DomainError, Unavailable
from services.session.previews.domain import Preview, State
from services.session.previews.live.tunnels import Tunnel, Tunnels

_PATIENCE = 10.0
"""Seconds for an answer."""
_TRIES = 3
_PAUSE = 1.0
"""Seconds between two looks at a server that worked the last time: one lost answer is no news."""
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Health:
    """Looks at servers."""

    tunnels: Tunnels

    async def problem(self, preview: Preview, *, visited: bool) -> str:
        """Return what is wrong with a preview's server, in one sentence; empty when it works.

        One that worked the last time is not asked for a page unless it is visited.

        Raises:
            Unavailable: nobody can tell, because something of ours in between does not answer.
        """
        if preview.state is State.LIVE and not visited:
            return await self._listens(preview)
        problem = await self._look(preview)
        for _ in range(_TRIES - 1):
            if not problem or preview.state is not State.LIVE:
                break
            await asyncio.sleep(_PAUSE)
            problem = await self._look(preview)
        return problem

    async def _listens(self, preview: Preview) -> str:
        try:
            await self.tunnels.expect_open(preview.account_id, preview.workspace_id, preview.port)
        except Unavailable:
            raise
        except DomainError as exc:
            return exc.message
        return ""

    async def _look(self, preview: Preview) -> str:
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                self.tunnels.open(preview.account_id, preview.workspace_id, preview.port) as tunnel,
            ):
                return await _ask(tunnel, preview)
        except TimeoutError:
            return f"It did not answer GET {preview.health_path} within {_PATIENCE:.0f} seconds."
        except Unavailable:
            raise
        except DomainError as exc:
            return exc.message


async def _ask(tunnel: Tunnel, preview: Preview) -> str:
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", f"localhost:{preview.port}"), ("User-Agent", "stateroom-health"), ("Connection", "close")]
    request = h11.Request(method="GET", target=preview.health_path, headers=headers)
    await tunnel.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    try:
        while isinstance(event := connection.next_event(), h11.InformationalResponse) or event is h11.NEED_DATA:
            if event is h11.NEED_DATA:
                connection.receive_data(await tunnel.read())
    except h11.RemoteProtocolError:
        return f"What it answers to GET {preview.health_path} is no HTTP."
    if isinstance(event, h11.Response) and event.status_code < _SERVER_ERRORS:
        return ""
    status = event.status_code if isinstance(event, h11.Response) else "nothing"
    return f"It answers GET {preview.health_path} with {status}."
