"""How operations on files appear in change events: as what happened to files."""

from chassis.changes import EntityKind
from services.workspace.files import convert, store
from services.workspace.files.domain import FileOperation

FILE_OPERATION = EntityKind("file", FileOperation, convert.operation_to_proto, store.get_operation)
