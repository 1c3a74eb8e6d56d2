"""Starts everything in order, keeps it running, and stops it in the reverse order."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from embedded import databases, first_user, isolation, keys, log_files, private_files, runners, services
from embedded.endpoint import Endpoint
from embedded.keep_alive import Part, keep_alive
from embedded.layout import Layout
from embedded.nats import Nats
from embedded.ports import Ports
from embedded.postgres import Postgres
from embedded.progress import Progress
from embedded.services import Service, Surroundings
from embedded.settings import Settings

LEAVE = signal.SIGHUP
"""The signal by which a supervisor stops everything but the runners; the next one adopts and upgrades them."""

STOPPED = "Stopped, and the sessions ended. Rooms, files and logs are kept."
STOPPED_BUT_ROOMS = "Stopped, but for what runs in the rooms; start again to reach it, with new code if there is some."


class Supervisor:
    """One installation in one data folder. `http_port` 0 takes a free port, the last one where possible."""

    def __init__(self, layout: Layout, settings: Settings, progress: Progress, *, http_port: int = 0) -> None:
        self._layout = layout
        self._settings = settings
        self._progress = progress
        self._ports = Ports(layout)
        self._gateway_listen = f"127.0.0.1:{self._ports.take('gateway', http_port)}"
        self._addresses = {name: f"127.0.0.1:{self._ports.take(name)}" for name in services.DURABLE}
        self._metrics = {
            name: f"127.0.0.1:{self._ports.take(f'{name}-metrics')}" for name in (*services.DURABLE, "gateway")
        }
        self._postgres: Postgres | None = None
        self._nats: Nats | None = None
        self._services: dict[str, Service] = {}
        self._keeps_runners = False

    async def run(self, when_ready: Callable[[Endpoint], Awaitable[bool]]) -> None:
        """Run until cancelled, or until `when_ready` answers that it need not stay up; then stop all that was started.

        Raises:
            StartFailed: a part did not start.
        """
        self._layout.endpoint.unlink(missing_ok=True)
        asyncio.get_running_loop().add_signal_handler(LEAVE, self._leave, asyncio.current_task())
        try:
            await self._start()
            owner = await first_user.ensure(self._layout, f"http://{self._gateway_listen}")
            publish = partial(self._publish, owner)
            async with asyncio.TaskGroup() as group:
                endpoint = publish()
                tasks = [
                    group.create_task(keep_alive(name, part, self._progress, publish))
                    for name, part in self._parts().items()
                ]
                tasks.append(group.create_task(log_files.keep_short(self._log_files)))
                self._progress.ready(endpoint.gateway)
                for line in await isolation.describe(self._settings.inherited.get("SANDBOX_AT_LEAST", "process")):
                    self._progress.say(line)
                if await when_ready(endpoint):
                    await asyncio.Event().wait()
                for task in tasks:
                    task.cancel()
        finally:
            await self._stop()

    async def _start(self) -> None:
        keys.prepare(self._layout)
        async with asyncio.TaskGroup() as group:
            admin_url = group.create_task(self._start_postgres())
            nats_urls = group.create_task(self._start_nats())
        around = Surroundings(
            admin_database_url=admin_url.result(),
            nats_urls=nats_urls.result(),
            addresses=self._addresses,
            metrics=self._metrics,
            gateway_listen=self._gateway_listen,
            sign_up=self._settings.sign_up,
            inherited=self._settings.inherited,
        )
        with self._progress.part("Database schemas"):
            await databases.migrate(self._layout, around.admin_database_url, services.DURABLE, self._settings.inherited)
        for name in services.DURABLE:
            self._services[name] = services.durable(self._layout, name, around)
        self._services["gateway"] = services.gateway(self._layout, around)
        async with asyncio.TaskGroup() as group:
            for name, service in self._services.items():
                group.create_task(self._start_part(name, service))

    async def _start_postgres(self) -> str:
        """Return the superuser's URL for our database."""
        if self._settings.admin_database_url:
            return self._settings.admin_database_url
        self._postgres = Postgres(self._layout.data / "postgres", self._layout.runtime)
        with self._progress.part("PostgreSQL"):
            await self._postgres.start()
            await self._postgres.create_database(databases.DATABASE)
        return urlunsplit(urlsplit(self._postgres.admin_url)._replace(path=f"/{databases.DATABASE}"))

    async def _start_nats(self) -> dict[str, str]:
        """Return each service's URL."""
        if self._settings.nats_url:
            return dict.fromkeys(services.DURABLE, self._settings.nats_url)
        passwords = {name: private_files.secret(self._layout.passwords / f"nats-{name}") for name in services.DURABLE}
        self._nats = Nats(
            self._layout.data / "nats", self._layout.runtime, passwords=passwords, port=self._ports.take("nats")
        )
        await self._start_part("NATS", self._nats)
        return {name: self._nats.url(name) for name in services.DURABLE}

    async def _start_part(self, name: str, part: Part) -> None:
        with self._progress.part(name):
            await part.start()

    def _parts(self) -> dict[str, Part]:
        stores: dict[str, Part | None] = {"postgres": self._postgres, "nats": self._nats}
        return {name: part for name, part in stores.items() if part is not None} | self._services

    def _log_files(self) -> Iterator[Path]:
        programs = (part.process.program for part in self._parts().values() if part.process is not None)
        return (program.log_file for program in programs if program.log_file is not None)

    def _publish(self, owner: first_user.Owner) -> Endpoint:
        """Write the endpoint file with the processes of this moment, and return it."""
        pids = {name: part.process.pid for name, part in self._parts().items() if part.process is not None}
        endpoint = Endpoint(
            gateway=f"http://{self._gateway_listen}",
            services=self._addresses,
            metrics={name: f"http://{address}/metrics" for name, address in self._metrics.items()},
            pids=pids | {"supervisor": os.getpid()},
            user_id=owner.user_id,
            account_id=owner.account_id,
            api_key=owner.api_key,
        )
        endpoint.write(self._layout.endpoint)
        return endpoint

    def _leave(self, running: "asyncio.Task[None] | None") -> None:
        if running is not None and not self._keeps_runners:
            self._keeps_runners = True
            running.cancel()

    async def _stop(self) -> None:
        """Stop within 26 s: 4 for the gateway, 4 for the services, 12 for runners, 2 for NATS, 4 for PostgreSQL."""
        self._progress.say("Stopping …")
        self._layout.endpoint.unlink(missing_ok=True)
        if gateway := self._services.pop("gateway", None):
            await gateway.stop()
        async with asyncio.TaskGroup() as group:
            for service in self._services.values():
                group.create_task(service.stop())
        if not self._keeps_runners:
            await runners.stop_all(self._layout.rooms)
        for store in (self._nats, self._postgres):
            if store is not None:
                await store.stop()
        with suppress(OSError):  # somebody's file is in it; the next start takes it again
            self._layout.runtime.rmdir()
        self._progress.say(STOPPED_BUT_ROOMS if self._keeps_runners else STOPPED)
