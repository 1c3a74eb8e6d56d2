"""Why the cluster does not give a room what it needs, in the cluster's own words."""

from uuid import UUID

from chassis.errors import Unavailable


class RoomNotStarted(Unavailable):
    """The runner of room {workspaceId} does not start: {cause}."""

    reason = "ROOM_NOT_STARTED"

    def __init__(self, workspace_id: UUID, cause: str) -> None:
        super().__init__(workspaceId=str(workspace_id), cause=cause)


class RoomNotScheduled(RoomNotStarted):
    """No node can take room {workspaceId}: {cause}."""

    reason = "ROOM_NOT_SCHEDULED"


class RoomImageNotPulled(RoomNotStarted):
    """The image of room {workspaceId} cannot be pulled: {cause}."""

    reason = "ROOM_IMAGE_NOT_PULLED"


class RoomQuotaExceeded(RoomNotStarted):
    """The cluster's quota has no place for room {workspaceId}: {cause}."""

    reason = "ROOM_QUOTA_EXCEEDED"


class RoomDiskNotProvided(RoomNotStarted):
    """Room {workspaceId} gets no disk: {cause}."""

    reason = "ROOM_DISK_NOT_PROVIDED"


class RoomRefused(RoomNotStarted):
    """The cluster refuses room {workspaceId}: {cause}."""

    reason = "ROOM_REFUSED"


class RoomStarting(RoomNotStarted):
    """Room {workspaceId} is still starting ({cause}); try again in a few seconds."""

    reason = "ROOM_STARTING"
