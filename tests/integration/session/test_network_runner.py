"""Sessions in a room whose runner serves on the network: by its certificate and its token, and by none else."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.workspace.v1 import workspace_service_pb2 as workspace

from chassis import ids
from chassis.errors import DomainError, ServiceUnavailable
from chassis.rpc.channels import Neighbour, open_channel
from chassis.rpc.tokens import TokenSigner
from embedded import keys
from runner import program, room
from runner.program import CannotStart
from runner.sandbox import Level
from services.session.sessions.live.runners import Runners
from services.workspace.placement import certificates
from tests.support.runner_rooms import Network, network_runner
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share


@pytest_asyncio.fixture(loop_scope="session")
async def reached(stage: Stage) -> AsyncIterator[workspace.Runner]:
    """Give the stage's room to a runner on the network, behind Landlock where the kernel has it, for a while."""
    folder, before = Path(tempfile.mkdtemp(prefix="sr-")), stage.workspace.runner
    network = Network.furnish(folder / "credentials")
    try:
        async with network_runner(folder / "room", network, SANDBOX=await _level(folder / "room")):
            stage.workspace.runner = workspace.Runner(
                runner_id=network.runner_id,
                address=network.address,
                token=network.token,
                workspace_name="room",
                certificate=network.certificate,
            )
            yield stage.workspace.runner
            stage.workspace.runner = before
    finally:
        stage.workspace.runner = before
        await asyncio.to_thread(shutil.rmtree, folder)


async def _level(folder: Path) -> str:
    room.prepare(folder)
    try:
        return (await program.probe(folder, [folder], Level.LANDLOCK)).level.value
    except CannotStart:
        return "auto"


async def test_session_in_a_room_on_the_network_works_as_in_any(stage: Stage, reached: workspace.Runner) -> None:
    """A shell starts, is typed into, prints, and its end is stored with its exit code."""
    session = await stage.create()
    await stage.type(session.session_id, "echo in-the-ro''om; exit 3")
    ended = await stage.ended(session.session_id)
    assert ended.exit_code == 3
    assert b"in-the-room" in await stage.output(session.session_id)
    assert reached.certificate.startswith("-----BEGIN CERTIFICATE-----")


async def test_runner_without_its_certificate_or_token_is_not_reached(stage: Stage, reached: workspace.Runner) -> None:
    """The session service talks to nobody else at the address, and the runner to nobody without the token."""
    right = workspace.Runner()
    right.CopyFrom(reached)
    assert (await _status(stage)).workspace_id
    reached.certificate, _ = certificates.make(ids.new())
    with pytest.raises(ServiceUnavailable):
        await _status(stage)
    reached.certificate, _ = certificates.make(ids.parse(reached.runner_id))
    with pytest.raises(ServiceUnavailable):
        await _status(stage)
    reached.certificate = ""
    with pytest.raises(ValueError, match=reached.address):
        await _status(stage)
    reached.CopyFrom(right)
    reached.token = "0" * 64
    with pytest.raises(DomainError) as refused:
        await _status(stage)
    assert refused.value.reason == "RUNNER_TOKEN_REFUSED"


async def _status(stage: Stage) -> Any:  # the runner's status
    """Ask the room's runner how it is, as the session service does that has just started."""
    signer = TokenSigner("session", keys.signing_key_file(stage.installation.layout, "session"))
    async with open_channel(stage.workspace_address) as channel:
        runners = Runners(Neighbour("workspace", channel, signer))
        try:
            found = await runners.find(stage.account_id, stage.workspace.workspace_id)
            return await found.call(found.stub.GetStatus, runner_pb.GetStatusRequest())
        finally:
            await runners.close()
