"""One way a service starts and stops: settings, logs, pools, broker, server, and whatever it runs beside them."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nats
import uvloop
from nats.aio.client import Client as NatsClient
from nats.js import JetStreamContext
from stateroom.api.v1 import policy_pb2
from stateroom.event.v1 import change_service_pb2

from chassis import digest, faults, logs
from chassis.change_service import ChangeServicer
from chassis.changes import Registry
from chassis.consumer import Consumer, Effect, Rollback
from chassis.database import Database
from chassis.denials import Denials
from chassis.pages import Pages
from chassis.pool import open_pool
from chassis.readiness import Readiness
from chassis.reconcile import Claim, Reconciler
from chassis.relay import Relay, ensure_stream
from chassis.retention import REQUEST_IDS, Retention
from chassis.rpc.auth import ServiceAuthenticator, Tickets
from chassis.rpc.channels import Neighbour, open_channel
from chassis.rpc.exchange import RemoteExchange
from chassis.rpc.rates import Attempts, Rate, Rates
from chassis.rpc.server import Server, aging
from chassis.rpc.token_cache import Exchange
from chassis.rpc.tokens import TokenSigner, TokenVerifier
from chassis.samples import Count
from chassis.settings import ServiceSettings, SettingsT, load
from chassis.system import SystemDatabase, open_system_database
from chassis.telemetry import open_spans

if TYPE_CHECKING:
    from chassis.observation import Observation

LAST = 7.0
"""Seconds that the service takes to stop beside those its calls get; what it would still wait for may never come."""

_log = logs.get("service")


@dataclass(slots=True)
class Service:
    """The parts that every service is made of, opened in order and closed in reverse by one stack."""

    name: str
    settings: ServiceSettings
    stack: AsyncExitStack
    system: SystemDatabase
    jetstream: JetStreamContext
    signer: TokenSigner
    database: Database
    relay: Relay
    pages: Pages
    loops: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    consumers: list[Consumer] = field(default_factory=list)
    reconcilers: list[Reconciler] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    observation: "Observation | None" = None
    """None where nobody asked for metrics."""

    def neighbour(self, name: str) -> Neighbour:
        """Return another service, called with this one's token. Its address is the setting `<NAME>_ADDRESS`."""
        channel = open_channel(getattr(self.settings, f"{name}_address"))
        self.stack.push_async_callback(channel.close, None)
        return Neighbour(name, channel, self.signer)

    def consume(self, source: Neighbour, effect: Effect, rolled_back: Rollback | None = None) -> None:
        """Apply every change of another service, once and in order."""
        key = digest.load_keys(self.settings.event_keys_file)[source.name]
        consumer = Consumer(source, self.system, self.jetstream, key, effect, rolled_back)
        self.consumers.append(consumer)
        self.loops.append(consumer.run)

    def reconcile(self, table: str, key: str, work: Callable[[Claim], Awaitable[float | None]]) -> Reconciler:
        """Work through the due rows of a table; `key` is the column of their ids."""
        reconciler = Reconciler(self.name, table, key, self.system, work)
        self.reconcilers.append(reconciler)
        self.loops.append(reconciler.run)
        return reconciler

    def server(self, exchange: Exchange | None = None, tickets: Tickets | None = None) -> Server:
        """Return the server, with the change record already on it.

        Args:
            exchange: how credentials become tokens; None asks the workspace service.
            tickets: who knows the holders of tickets, where there are some.
        """
        exchange = exchange or RemoteExchange(self.neighbour("workspace"))
        denials = Denials(self.system, self.relay.wake)
        self.loops.append(denials.run)
        verifier = TokenVerifier(self.settings.trust_keys_file)
        attempts = Attempts(Rate.parse(self.settings.rate_refused))
        authenticator = ServiceAuthenticator(verifier, exchange, attempts, tickets)
        rates = _rates(self.settings)
        options = aging(self.settings.max_connection_age_seconds, self.settings.max_connection_age_grace_seconds)
        if self.observation is None:
            server = Server(authenticator, denials.note, rates=rates, options=options)
        else:
            counting = self.observation.counting(denials.note)
            server = Server(authenticator, counting, self.observation.note_call, rates, options=options)
        changes = change_service_pb2.DESCRIPTOR.services_by_name["ChangeService"]
        server.add(changes, ChangeServicer(self.name, self.system))
        return server

    async def run(self, server: Server) -> None:
        """Serve until SIGTERM or SIGINT; then drain, let open calls finish, and stop the loops."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        if self.observation is not None:
            self.stack.callback(self.observation.serve(self, server))
        address = await server.start(self.settings.listen)
        gc.collect()
        gc.freeze()  # what was imported stays; going through it again and again costs every call
        _log.info("serving", service=self.name, address=address)
        async with asyncio.TaskGroup() as group:
            forgetting = Retention(self.system, REQUEST_IDS)
            own = (self.relay.run, forgetting.run, Readiness(server, self.system, self.consumers).run)
            tasks = [group.create_task(loop()) for loop in (*own, *self.loops)]
            await stopping.wait()
            drain, grace = self.settings.drain_seconds, self.settings.stop_grace_seconds
            _log.info("stopping", service=self.name)
            asyncio.get_running_loop().call_later(drain + grace + LAST, _give_up)
            await server.drain(drain)
            await server.stop(grace)
            for task in tasks:
                task.cancel()


def _rates(settings: ServiceSettings) -> Rates:
    rates = {
        policy_pb2.READ: settings.rate_read,
        policy_pb2.WRITE: settings.rate_write,
        policy_pb2.STREAM: settings.rate_stream,
        policy_pb2.INPUT: settings.rate_input,
        policy_pb2.ANONYMOUS: settings.rate_anonymous,
    }
    return Rates({name: Rate.parse(text) for name, text in rates.items()}, settings.streams_per_account)


def _give_up() -> None:
    _log.error("stopping takes too long, ending at once")
    os._exit(1)


async def open_service(name: str, settings: ServiceSettings, registry: Registry, stack: AsyncExitStack) -> Service:
    """Open everything a service stands on. The stack closes it again."""
    logs.configure(level=settings.log_level, form=settings.log_format, process=name)
    faults.arm(settings.fault)
    open_spans(settings, name, stack)
    pool = await stack.enter_async_context(open_pool(settings))
    system = await stack.enter_async_context(open_system_database(settings))
    broker = await _connect(settings, name)
    stack.push_async_callback(broker.close)
    jetstream = broker.jetstream()
    await ensure_stream(jetstream, name, settings.stream_replicas)
    signer = TokenSigner(name, settings.signing_key_file)
    key = digest.load_keys(settings.event_keys_file)[name]
    relay = Relay(name, system, broker, key, asyncio.Event(), settings.stream_replicas)
    database = Database(pool, registry, relay.wake)
    pages = Pages.keyed_by(settings.signing_key_file)
    service = Service(name, settings, stack, system, jetstream, signer, database, relay, pages)
    if settings.metrics_listen:
        from chassis.observation import Observation  # noqa: PLC0415  # 3 MB that only who asks for metrics pays

        service.observation = Observation(name)
    return service


def run(
    settings_class: type[SettingsT],
    open_parts: Callable[[SettingsT, AsyncExitStack], Awaitable[tuple[Service, Server]]],
) -> None:
    """Be the process of a service: read the settings, open its parts, serve until stopped, close the parts."""

    async def main() -> None:
        async with AsyncExitStack() as stack:
            service, server = await open_parts(load(settings_class), stack)
            await service.run(server)

    uvloop.run(main())


async def _connect(settings: ServiceSettings, name: str) -> NatsClient:
    async def report(exc: Exception) -> None:
        _log.warning("broker", error=repr(exc))

    return await nats.connect(
        settings.nats_url.get_secret_value(),
        name=name,
        error_cb=report,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
    )
