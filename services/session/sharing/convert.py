"""Share links as messages."""

from datetime import UTC

from stateroom.session.v1 import attach_pb2
from stateroom.session.v1 import sharing_service_pb2 as pb

from chassis import etag, ids, messages
from services.session.sharing.domain import ShareLink
from services.session.sharing.operations import LinkSpec


def share_link_to_proto(link: ShareLink) -> pb.ShareLink:
    """Return a link's public form."""
    message = pb.ShareLink(
        share_link_id=str(link.share_link_id),
        session_id=str(link.session_id),
        role=role_to_proto(link),
        label=link.label,
        open_count=link.open_count,
        etag=etag.of(link),
    )
    times = ("expire_time", "revoke_time", "last_open_time", "create_time", "update_time")
    messages.set_times(message, link, *times)
    return message


def role_to_proto(link: ShareLink) -> attach_pb2.AttachRole.ValueType:
    """Return what a link's holders may do."""
    return attach_pb2.CONTROLLER if link.controls else attach_pb2.OBSERVER


def spec_from_proto(message: pb.ShareLink) -> LinkSpec:
    """Return what a new link is to be."""
    return LinkSpec(
        session_id=ids.parse(message.session_id),
        controls=message.role == attach_pb2.CONTROLLER,
        label=message.label,
        expire_time=message.expire_time.ToDatetime(UTC) if message.HasField("expire_time") else None,
    )
