"""How secrets appear in change events: that there is one, and never its value."""

from chassis.changes import EntityKind
from services.execution.secrets import convert, store
from services.execution.secrets.domain import Secret

SECRET = EntityKind("secret", Secret, convert.secret_to_proto, store.get_secret)
