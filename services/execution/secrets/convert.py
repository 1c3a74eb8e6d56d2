"""Secrets as messages of the contract, which have no values."""

from stateroom.execution.v1 import secret_service_pb2 as pb

from chassis import etag, messages
from services.execution.secrets.domain import Secret


def secret_to_proto(secret: Secret) -> pb.Secret:
    """Return the public form of a secret."""
    message = pb.Secret(
        secret_id=str(secret.secret_id), name=secret.name, user_id=str(secret.user_id), etag=etag.of(secret)
    )
    messages.set_times(message, secret, "create_time", "update_time")
    return message
