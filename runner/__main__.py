"""The composition root of the runner: settings and token → sandbox, terminals, server; lives until told to stop."""

import asyncio
import gc
import signal
import sys

import uvloop
from stateroom.runner.v1 import (
    agent_service_pb2,
    file_service_pb2,
    forward_service_pb2,
    git_service_pb2,
    runner_service_pb2,
    save_service_pb2,
    screen_service_pb2,
    secret_service_pb2,
    terminal_service_pb2,
)

from chassis import faults, logs
from chassis.beside import beside
from chassis.rpc.auth import RunnerAuthenticator
from chassis.rpc.server import Server
from runner import handover, privacy, program, room, settings, upgrade
from runner.agents.agents import Agents
from runner.agents.servicer import AgentServicer
from runner.clone import Workspace
from runner.credentials import digest_of
from runner.files.servicer import FileServicer
from runner.forward.servicer import ForwardServicer
from runner.git import Git
from runner.git_servicer import GitServicer
from runner.handover import Table
from runner.installed import RunningCode
from runner.save_servicer import SaveServicer
from runner.saves import Saves
from runner.screen_servicer import ScreenServicer
from runner.secret_servicer import SecretServicer
from runner.servicer import RunnerServicer
from runner.settings import Settings
from runner.terminal_servicer import TerminalServicer
from runner.terminals import table
from runner.upgrade import Upgrade

_STOP_GRACE = 3.0
"""Seconds between TERM and KILL when the runner itself is told to stop: less than those who stop it wait for it."""

_ANSWER_GRACE = 1.0
"""Seconds for open calls to end: time for the answer to Shutdown or Upgrade."""


def read_token() -> bytes:
    """Return the SHA-256 of the token that stands as one line on standard input."""
    try:
        return digest_of(sys.stdin.readline())
    except ValueError as error:
        settings.refuse(f"standard input: {error}")


def begin(options: Settings) -> Table:
    """Return the table of a runner that just starts: it has nothing but the token to ask for."""
    room.forget_temporary(options.room)
    return Table(read_token() if options.credentials is None else options.credentials.token_sha256)


async def serve(options: Settings, inherited: Table) -> None:
    """Serve one room until SIGTERM or a Shutdown call, or until other code takes over."""
    code = RunningCode()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    room.prepare(options.room, options.socket)
    sandbox = await program.probe(
        options.room,
        options.hidden,
        options.sandbox,
        at_least=options.sandbox_at_least,
        temporary=options.temporary,
    )
    if sandbox.level.shows_processes:
        privacy.close()
    workspace = Workspace(options.room, sandbox, allow_local=options.allow_local)
    server = Server(RunnerAuthenticator(inherited.token_sha256))
    async with table(options.room, sandbox, options.spool_bytes, allow_local=options.allow_local) as terminals:
        terminals.adopt(inherited.terminals)
        agents = Agents(sandbox, terminals)
        agents.adopt(inherited.agents)
        way = Upgrade(code, inherited.token_sha256, workspace, terminals, agents)
        servicer = RunnerServicer(
            *(options.runner_id, options.workspace_id, sandbox, workspace, terminals, way),
            stop=stopped.set,
            other_calls=lambda: server.open_calls - 1,
        )
        git = Git(options.room, sandbox)
        server.add_all(
            {
                runner_service_pb2: servicer,
                terminal_service_pb2: TerminalServicer(terminals),
                screen_service_pb2: ScreenServicer(terminals),
                secret_service_pb2: SecretServicer(terminals),
                agent_service_pb2: AgentServicer(agents),
                git_service_pb2: GitServicer(git),
                save_service_pb2: SaveServicer(Saves(sandbox)),
                file_service_pb2: FileServicer.of(options.room, sandbox, git),
                forward_service_pb2: ForwardServicer(),
            }
        )
        # First, so that whoever got an answer finds us; a caller who reads it early waits for the socket.
        room.announce(options.room, options.runner_id, options.listen)
        await server.start(options.listen, None if options.credentials is None else options.credentials.of_server())
        if options.socket is not None:
            options.socket.chmod(0o600)
        gc.collect()
        gc.freeze()  # what was imported stays; going through it again and again costs every key
        async with beside(_follow(way, server)):
            await stopped.wait()
        await terminals.shutdown(_STOP_GRACE, "shutdown")
        await server.stop(_ANSWER_GRACE)


async def _follow(way: Upgrade, server: Server) -> None:
    """Leave for other code once that is wanted, and nobody is cloning or opening a terminal."""
    await way.wanted.wait()
    async with way.workspace.resting():
        await server.stop(_ANSWER_GRACE)
        async with way.terminals.resting():
            way.replace()


def main() -> None:
    """Run the process."""
    options = settings.load()
    logs.configure(level=options.log_level, form=options.log_format, process="runner")
    faults.arm(options.fault)
    if sys.argv[1:] == [upgrade.CHECK]:
        handover.decode(sys.stdin.buffer.read())
        return
    inherited = handover.take_over(sys.argv[1:]) or begin(options)
    try:
        uvloop.run(serve(options, inherited))
    except program.CannotStart as error:
        settings.refuse(f"{'SANDBOX' if options.sandbox else 'SANDBOX_AT_LEAST'}: {error}")


if __name__ == "__main__":
    main()
