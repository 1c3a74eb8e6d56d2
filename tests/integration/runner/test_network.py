"""A runner that serves on the network: to whom knows its certificate and its token, and to nobody else."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import ids, processes
from chassis.errors import DomainError, ServiceUnavailable
from chassis.rpc.channels import BearerToken, Neighbour, open_channel, open_runner_channel
from services.workspace.placement import certificates
from tests.support.runner_rooms import Network, network_runner
from tests.support.waiting import PATIENCE


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """The credentials of a runner."""
    return Network.furnish(tmp_path / "credentials")


async def _ask(channel: grpc.aio.Channel, token: str) -> pb.Status:
    """Ask a runner how it is, as services do, but without waiting for one that is not there."""
    async with channel:
        stub: Any = RunnerServiceStub(channel)
        peer = Neighbour("runner", channel, BearerToken(token), patient=False)
        status: pb.Status = await peer.call(stub.GetStatus, pb.GetStatusRequest(), timeout=PATIENCE)
        return status


async def test_runner_on_the_network_serves_who_knows_certificate_and_token(
    room_folder: Path, network: Network
) -> None:
    """It is found at its address, says so in its room, and needs no line on its standard input."""
    async with network_runner(room_folder, network) as runner:
        channel = open_runner_channel(network.runner_id, network.address, network.certificate)
        assert (await _ask(channel, network.token)).workspace_id == "workspace"
        told = json.loads((room_folder / "runner.json").read_text())
        assert told["address"] == network.address
        assert processes.find(told["pid"]) == processes.ProcessKey(runner.process.pid, told["start_ticks"])


async def test_runner_on_the_network_refuses_who_lacks_one_of_them(room_folder: Path, network: Network) -> None:
    """Neither a call in the clear nor one for another runner gets through, and no call without the token."""
    other = ids.new()
    others, _ = certificates.make(other)
    same_name, _ = certificates.make(ids.parse(network.runner_id))
    async with network_runner(room_folder, network):
        for channel in (
            open_channel(network.address),
            open_runner_channel(str(other), network.address, others),
            open_runner_channel(network.runner_id, network.address, same_name),
            open_runner_channel(str(other), network.address, network.certificate),
        ):
            with pytest.raises(ServiceUnavailable):
                await _ask(channel, network.token)
        for token in ("", "0" * 64):
            channel = open_runner_channel(network.runner_id, network.address, network.certificate)
            with pytest.raises(DomainError) as refused:
                await _ask(channel, token)
            assert refused.value.reason == "RUNNER_TOKEN_REFUSED"


def test_open_runner_channel_to_the_network_without_a_certificate_is_refused() -> None:
    """A token goes to nobody who has not shown who it is."""
    with pytest.raises(ValueError, match="7200"):
        open_runner_channel(str(ids.new()), "10.1.2.3:7200", "")
