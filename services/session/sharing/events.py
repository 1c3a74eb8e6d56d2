"""How share links appear in change events."""

from chassis.changes import EntityKind
from services.session.sharing import convert, store
from services.session.sharing.domain import ShareLink

SHARE_LINK = EntityKind("share_link", ShareLink, convert.share_link_to_proto, store.get_share_link)
