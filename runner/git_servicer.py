"""git in the room, for callers of the runner."""

from dataclasses import dataclass

from stateroom.git.v1.git_status_pb2 import GitStatus
from stateroom.runner.v1 import git_service_pb2 as pb

from chassis.rpc.call import Call
from runner.git import Git


@dataclass(frozen=True, slots=True)
class GitServicer:
    """Serves stateroom.runner.v1.GitService."""

    git: Git

    async def GetGitStatus(self, _request: pb.GetGitStatusRequest, _call: Call) -> GitStatus:
        """Tell what git says."""
        return await self.git.status()
