"""How sessions appear in change events."""

from chassis.changes import EntityKind
from services.session.sessions import convert
from services.session.sessions.domain import Session
from services.session.sessions.store import session_store

SESSION = EntityKind("session", Session, convert.session_to_proto, session_store.get_session)
