"""How buffers appear in change events: without their text."""

from chassis.changes import EntityKind
from services.session.editors import convert, store
from services.session.editors.domain import Buffer

BUFFER = EntityKind("editor_buffer", Buffer, convert.buffer_to_proto, store.get_buffer)
