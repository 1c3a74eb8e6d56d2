"""Deliveries as messages of the contract."""

from stateroom.execution.v1 import webhook_service_pb2 as pb

from chassis import messages
from services.execution.webhooks.domain import Delivery


def delivery_to_proto(delivery: Delivery) -> pb.Delivery:
    """Return the public form of a delivery."""
    message = pb.Delivery(
        delivery_id=str(delivery.delivery_id),
        trigger_id=str(delivery.trigger_id),
        key=delivery.key,
        headers=delivery.headers,
        content_type=delivery.content_type,
        body=delivery.body,
        size_bytes=delivery.size_bytes,
        redelivery_count=delivery.redelivery_count,
    )
    messages.set_times(message, delivery, "receive_time")
    return message
