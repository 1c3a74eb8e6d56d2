"""How triggers appear in change events."""

from chassis.changes import EntityKind
from services.execution.triggers import convert, store
from services.execution.triggers.domain import Trigger

TRIGGER = EntityKind("trigger", Trigger, convert.trigger_to_proto, store.get_trigger)
