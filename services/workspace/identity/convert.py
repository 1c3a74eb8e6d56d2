"""People and keys as messages."""

from stateroom.workspace.v1 import identity_service_pb2 as pb

from chassis import etag, messages
from services.workspace.identity.domain import ApiKey, State, User


def user_to_proto(user: User) -> pb.User:
    """Return a user's public form."""
    message = pb.User(
        user_id=str(user.user_id),
        handle=user.handle,
        email=user.email,
        display_name=user.display_name,
        etag=etag.of(user),
    )
    messages.set_times(message, user, "create_time", "update_time")
    return message


def api_key_to_proto(api_key: ApiKey) -> pb.ApiKey:
    """Return a key's public form; the secret's hash is not in it."""
    message = pb.ApiKey(
        api_key_id=str(api_key.api_key_id),
        name=api_key.name,
        key_prefix=api_key.key_prefix,
        scopes=api_key.scopes,
        state=pb.ApiKey.State.Value(api_key.state.name),
        etag=etag.of(api_key),
    )
    messages.set_times(message, api_key, "expire_time", "last_used_time", "revoke_time", "create_time", "update_time")
    return message


def state_from_proto(state: pb.ApiKey.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.ApiKey.State, state)
