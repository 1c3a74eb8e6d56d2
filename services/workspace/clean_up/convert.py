"""What a clean-up did, as a message."""

from stateroom.workspace.v1 import clean_up_service_pb2 as pb

from services.workspace.clean_up.cleaning import Outcome
from services.workspace.workspaces.convert import workspace_to_proto


def outcome_to_proto(outcome: Outcome) -> pb.CleanUpWorkspacesResponse:
    """Return what became of each workspace."""
    return pb.CleanUpWorkspacesResponse(
        workspaces=map(workspace_to_proto, outcome.deleted),
        failures=[
            pb.CleanUpWorkspacesResponse.Failure(
                workspace_id=str(failure.workspace.workspace_id), name=failure.workspace.name, cause=failure.cause
            )
            for failure in outcome.failures
        ],
    )
