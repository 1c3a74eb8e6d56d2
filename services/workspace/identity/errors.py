"""What can go wrong with people and keys."""

from uuid import UUID

from chassis.errors import AlreadyExists, NotFound, PermissionDenied, WrongState


class UserNotFound(NotFound):
    """There is no user {userId}."""

    reason = "USER_NOT_FOUND"

    def __init__(self, user: UUID | str) -> None:
        """`user` is an id or a handle."""
        super().__init__(userId=str(user))


class UserAlreadyExists(AlreadyExists):
    """This {field} is taken."""

    reason = "USER_ALREADY_EXISTS"

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class BootstrapTokenRefused(PermissionDenied):
    """The bootstrap token is wrong or was used before, and sign-up is closed."""

    reason = "BOOTSTRAP_TOKEN_REFUSED"


class ApiKeyNotFound(NotFound):
    """There is no API key {apiKeyId} of yours in this account."""

    reason = "API_KEY_NOT_FOUND"

    def __init__(self, api_key_id: UUID) -> None:
        super().__init__(apiKeyId=str(api_key_id))


class ApiKeyRevoked(WrongState):
    """API key {apiKeyId} is revoked already."""

    reason = "API_KEY_REVOKED"

    def __init__(self, api_key_id: UUID) -> None:
        super().__init__(apiKeyId=str(api_key_id))


class ScopeNotHeld(PermissionDenied):
    """You cannot give a key the scope {scope}, which your own credential lacks."""

    reason = "SCOPE_NOT_HELD"

    def __init__(self, scope: str) -> None:
        super().__init__(scope=scope)


class AccountNotAllowed(PermissionDenied):
    """This credential does not act in account {account}."""

    reason = "ACCOUNT_NOT_ALLOWED"

    def __init__(self, account: str) -> None:
        super().__init__(account=account)
