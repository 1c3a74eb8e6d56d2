"""What can go wrong with previews."""

from uuid import UUID

from chassis.errors import LimitExceeded, NotFound, Unauthenticated, Unavailable, WrongState


class PreviewNotFound(NotFound):
    """There is no preview {previewId} in this account."""

    reason = "PREVIEW_NOT_FOUND"

    def __init__(self, preview_id: UUID) -> None:
        super().__init__(previewId=str(preview_id))


class PreviewStopped(WrongState):
    """Preview {previewId} is stopped. {cause} Restart it first."""

    reason = "PREVIEW_STOPPED"

    def __init__(self, preview_id: UUID, cause: str) -> None:
        super().__init__(previewId=str(preview_id), cause=cause)


class PreviewLimitReached(LimitExceeded):
    """The account has {limit} previews, as many as it may have; delete one first."""

    reason = "PREVIEW_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class PreviewConnectionLimitReached(LimitExceeded):
    """The preview has {limit} open connections, as many as it may have."""

    reason = "PREVIEW_CONNECTION_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class PreviewBusy(Unavailable):
    """The command of preview {previewId} has not ended yet; try again."""

    reason = "PREVIEW_BUSY"

    def __init__(self, preview_id: UUID) -> None:
        super().__init__(previewId=str(preview_id))


class PreviewPassRefused(Unauthenticated):
    """The pass for this preview was used before, is too old, or is for another one; open the preview again."""

    reason = "PREVIEW_PASS_REFUSED"
