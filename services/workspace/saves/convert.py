"""Saves as messages."""

from stateroom.workspace.v1 import save_pb2 as pb

from chassis import etag, messages
from services.workspace.saves.domain import Save


def save_to_proto(save: Save) -> pb.Save:
    """Return a save's public form."""
    message = pb.Save(
        save_id=str(save.save_id),
        workspace_id=str(save.workspace_id),
        workspace_name=save.workspace_name,
        repository_url=save.repository_url,
        cause=pb.Save.Cause.Value(save.cause.name),
        state=pb.Save.State.Value(save.state.name),
        state_reason=save.state_reason,
        branch=save.branch,
        staged=save.staged,
        modified=save.modified,
        untracked=save.untracked,
        conflicted=save.conflicted,
        stashes=save.stashes,
        unpushed_commits=save.unpushed_commits,
        repositories=save.repositories,
        complaint=save.complaint,
        files=save.files,
        size_bytes=save.size_bytes,
        etag=etag.of(save),
    )
    messages.set_times(message, save, "create_time", "update_time", "expire_time")
    return message
