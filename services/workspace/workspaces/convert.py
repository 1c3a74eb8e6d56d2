"""Workspaces as messages."""

from collections.abc import Iterable

from stateroom.workspace.v1 import workspace_pb2 as pb

from chassis import etag, messages
from services.workspace.workspaces.domain import State, Workspace, WorkspaceSpec


def workspace_to_proto(workspace: Workspace) -> pb.Workspace:
    """Return a workspace's public form."""
    message = pb.Workspace(
        workspace_id=str(workspace.workspace_id),
        name=workspace.name,
        description=workspace.description,
        metadata=workspace.metadata,
        repository_url=workspace.repository_url,
        branch=workspace.branch,
        state=pb.Workspace.State.Value(workspace.state.name),
        state_reason=workspace.state_reason,
        unsaved_reason=workspace.unsaved_reason,
        sandbox=workspace.sandbox,
        save_id="" if workspace.save_id is None else str(workspace.save_id),
        etag=etag.of(workspace),
    )
    if workspace.state is State.CREATING:
        message.progress.step = workspace.progress_step
        message.progress.percent = workspace.progress_percent
    messages.set_times(message, workspace, "create_time", "update_time", "archive_time", "delete_time")
    return message


def state_from_proto(state: pb.Workspace.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Workspace.State, state)


def spec_from_proto(message: pb.Workspace) -> WorkspaceSpec:
    """Return what a new workspace is to be."""
    return WorkspaceSpec(
        message.name, message.description, dict(message.metadata), message.repository_url, message.branch
    )


def values_from_proto(message: pb.Workspace, names: Iterable[str]) -> dict[str, object]:
    """Return the fields of these names as a workspace holds them."""
    return {name: dict(message.metadata) if name == "metadata" else getattr(message, name) for name in names}
