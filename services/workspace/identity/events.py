"""How people and keys appear in change events."""

from chassis.changes import EntityKind
from services.workspace.identity import convert, store
from services.workspace.identity.domain import ApiKey, User

USER = EntityKind("user", User, convert.user_to_proto, store.get_user)
API_KEY = EntityKind("api_key", ApiKey, convert.api_key_to_proto, store.get_api_key)
