"""What can go wrong with packs."""

from uuid import UUID

from chassis.errors import Unavailable


class PackLost(Unavailable):
    """The pack {packId} is not stored as it was sent, or another process stores it anew; try again."""

    reason = "PACK_LOST"

    def __init__(self, pack_id: UUID) -> None:
        super().__init__(packId=str(pack_id))
