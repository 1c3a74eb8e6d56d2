"""How logs that were let go appear in change events."""

from chassis.changes import EntityKind
from services.session.history import convert, store
from services.session.history.domain import LogMonth

LOG_MONTH = EntityKind("log_month", LogMonth, convert.log_month_to_proto, store.get_month)
