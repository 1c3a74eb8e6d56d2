"""How deliveries appear in change events. Their bodies stay out."""

from chassis.changes import EntityKind
from services.execution.webhooks import convert, store
from services.execution.webhooks.domain import Delivery

DELIVERY = EntityKind("delivery", Delivery, convert.delivery_to_proto, store.get_delivery)
