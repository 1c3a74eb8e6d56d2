"""How saves appear in change events."""

from chassis.changes import EntityKind
from services.workspace.saves import convert, store
from services.workspace.saves.domain import Save

SAVE = EntityKind("save", Save, convert.save_to_proto, store.load_save)
