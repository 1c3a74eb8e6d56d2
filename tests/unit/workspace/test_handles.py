"""The ways to runners: kept for whoever has one or comes soon, and closed for all others."""

import math

import grpc

from chassis import ids
from services.workspace.placement.handles import Handles, RunnerHandle
from services.workspace.placement.store import Purpose


def _handle() -> RunnerHandle:
    return RunnerHandle(ids.new(), ids.new(), "unix:/nowhere", "token", "", Purpose.WORKSPACE)


async def test_find_after_a_while_is_none_unless_somebody_has_the_handle() -> None:
    """A call that lasts an hour keeps its channel; an idle room costs none."""
    handles = Handles()
    held = await handles.add(_handle())
    left = await handles.add(_handle())
    workspace_id, runner_id, channel = left.workspace_id, left.runner_id, left.peer.channel
    del left
    handles.let_go(math.inf)
    assert handles.find(workspace_id, runner_id) is None
    assert handles.find(held.workspace_id, held.runner_id) is held
    await channel.close(None)
    await handles.close()


async def test_find_of_another_runner_of_the_room_is_none() -> None:
    """A runner that follows another has a channel of its own, with a certificate of its own."""
    handles = Handles()
    known = await handles.add(_handle())
    assert handles.find(known.workspace_id, ids.new()) is None
    await handles.forget(known.workspace_id)
    assert known.peer.channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN
