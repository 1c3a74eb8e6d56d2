"""How sessions appear in change events."""

from chassis.changes import EntityKind
from services.session.sessions import convert, store
from services.session.sessions.domain import Session

SESSION = EntityKind("session", Session, convert.session_to_proto, store.get_session)
