"""What can go wrong with share links."""

from uuid import UUID

from chassis.errors import NotFound, WrongState


class ShareLinkNotFound(NotFound):
    """There is no share link {shareLinkId} in this account."""

    reason = "SHARE_LINK_NOT_FOUND"

    def __init__(self, share_link_id: UUID) -> None:
        super().__init__(shareLinkId=str(share_link_id))


class ShareLinkOver(WrongState):
    """Share link {shareLinkId} was revoked, has expired, or its session was deleted; ask for another."""

    reason = "SHARE_LINK_OVER"

    def __init__(self, share_link_id: UUID) -> None:
        super().__init__(shareLinkId=str(share_link_id))
