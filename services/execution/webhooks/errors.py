"""What can go wrong with deliveries."""

from uuid import UUID

from chassis.errors import LimitExceeded, NotFound, Unauthenticated


class SignatureRefused(Unauthenticated):
    """The delivery is not signed with the trigger's secret."""

    reason = "SIGNATURE_REFUSED"


class DeliveryStale(Unauthenticated):
    """The delivery was signed more than {minutes} minutes ago, or is dated as far ahead."""

    reason = "DELIVERY_STALE"

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes=str(minutes))


class DeliveryTooLarge(LimitExceeded):
    """The delivery has more than {limit} bytes."""

    reason = "DELIVERY_TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class DeliveryNotFound(NotFound):
    """There is no delivery {deliveryId} in this account."""

    reason = "DELIVERY_NOT_FOUND"

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(deliveryId=str(delivery_id))
