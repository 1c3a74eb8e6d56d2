"""How previews appear in change events."""

from functools import partial

from chassis.changes import EntityKind
from services.session.previews import convert, store
from services.session.previews.domain import Preview


def preview_kind(base_url: str) -> EntityKind:
    """Return the kind of previews that have their origins below a URL."""
    return EntityKind("preview", Preview, partial(convert.preview_to_proto, base_url=base_url), store.load_preview)
