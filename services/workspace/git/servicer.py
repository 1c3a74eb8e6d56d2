"""GitService: what git says about the checkouts of rooms."""

from dataclasses import dataclass
from typing import Any

from stateroom.git.v1 import git_status_pb2
from stateroom.runner.v1 import git_service_pb2 as runner_pb
from stateroom.runner.v1.git_service_pb2_grpc import GitServiceStub
from stateroom.workspace.v1 import git_service_pb2 as pb

from chassis import ids
from chassis.rpc.call import Call
from services.workspace.workspaces.runners import Runners

_DEADLINE = 25.0
"""Seconds for the runner's answer, which gives git twenty."""


@dataclass(frozen=True, slots=True)
class GitServicer:
    """Serves stateroom.workspace.v1.GitService. git runs where the files are, in the runner's sandbox."""

    runners: Runners

    async def GetGitStatus(self, request: pb.GetGitStatusRequest, call: Call) -> git_status_pb2.GitStatus:
        """Return the status of a workspace's checkout."""
        _, runner = await self.runners.enter(call.actor, ids.parse(request.workspace_id))
        git: Any = GitServiceStub(runner.peer.channel)
        status: git_status_pb2.GitStatus = await runner.peer.call(
            git.GetGitStatus, runner_pb.GetGitStatusRequest(), timeout=_DEADLINE
        )
        return status
