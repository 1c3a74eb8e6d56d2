"""Errors that callers may see: ten kinds, each of which maps to one status code; nothing here knows gRPC."""

import inspect
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from typing_extensions import override


class DomainError(Exception):
    """Something a caller is told about.

    A subclass's docstring is its message, filled with the values given to it; the same values travel as metadata,
    so a program never has to read the sentence. `reason` names it for ever.
    """

    reason: ClassVar[str]
    registry: ClassVar[dict[str, type["DomainError"]]] = {}
    violations: tuple["Violation", ...] = ()
    """The fields to blame, if any."""

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        reason = cls.__dict__.get("reason")
        if reason is None:
            return
        if reason in DomainError.registry:
            msg = f"{reason} is the reason of {DomainError.registry[reason].__qualname__} and of {cls.__qualname__}"
            raise TypeError(msg)
        DomainError.registry[reason] = cls

    def __init__(self, *, retry_after: timedelta | None = None, **values: str) -> None:
        self.values = values
        self.retry_after = retry_after
        super().__init__(inspect.cleandoc(type(self).__doc__ or "").format(**values))

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.args[0])

    def blame_within(self, parent: str) -> None:
        """Blame the same fields as parts of the message in `parent`, if that is one; for an error of a neighbour."""
        if not parent or not self.violations:
            return
        blamed = self.violations[0].field
        self.violations = tuple(Violation(f"{parent}.{each.field}", each.description) for each in self.violations)
        self.values = self.values | {"field": self.violations[0].field}
        if self.message.startswith(f"{blamed}: "):
            self.args = (f"{parent}.{self.message}",)


class InvalidArgument(DomainError):
    """The request breaks a rule that does not depend on any state."""


class Unauthenticated(DomainError):
    """Nobody knows who calls."""


class PermissionDenied(DomainError):
    """The caller may not do this."""


class NotFound(DomainError):
    """There is no such thing, or the caller may not know of it."""


class AlreadyExists(DomainError):
    """There is such a thing already."""


class WrongState(DomainError):
    """The thing is in a state that does not allow this."""


class Conflict(DomainError):
    """Somebody else changed the thing first."""


class LimitExceeded(DomainError):
    """A quota or a rate is used up."""


class OutOfRange(DomainError):
    """A position beyond what exists."""


class Unavailable(DomainError):
    """Something needed does not answer; trying again may help."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that breaks a rule: `field` is its path in the request, `description` one sentence."""

    field: str
    description: str


class InvalidField(InvalidArgument):
    """{field}: {description}"""  # noqa: D415  # the description ends the sentence

    reason = "INVALID_FIELD"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__(field=violations[0].field, description=violations[0].description)


class RequestIdReused(InvalidArgument):
    """The request id {requestId} was used before for another request; send a new one."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(requestId=request_id)


class InvalidPageToken(InvalidField):
    """{field}: {description}."""

    reason = "INVALID_PAGE_TOKEN"

    def __init__(self) -> None:
        description = "not made by this list with these arguments; begin again without it"
        super().__init__(Violation("page_token", description))


class EtagMismatch(Conflict):
    """The resource changed since {etag} was read; read it again and decide anew."""

    reason = "ETAG_MISMATCH"

    def __init__(self, etag: str, current: str = "") -> None:
        """`current` is the tag of the resource as it is, which callers are told too; empty where there is none."""
        super().__init__(etag=etag)
        if current:
            self.values = self.values | {"current": current}


class EtagRequired(InvalidArgument):
    """etag: send that of the version you read, or `*` to change whatever there is."""

    reason = "ETAG_REQUIRED"


class TransactionConflict(Conflict):
    """Others kept changing the same rows; nothing was applied, try again."""

    reason = "TRANSACTION_CONFLICT"


class DatabaseUnavailable(Unavailable):
    """The database does not answer; try again with the same request id."""

    reason = "DATABASE_UNAVAILABLE"


class InternalError(DomainError):
    """Internal error {errorId}; the operator finds the cause in the log under this id."""

    reason = "INTERNAL_ERROR"

    def __init__(self, error_id: str) -> None:
        super().__init__(errorId=error_id)


class ShuttingDown(Unavailable):
    """The server is stopping; call again."""

    reason = "SHUTTING_DOWN"

    def __init__(self) -> None:
        super().__init__(retry_after=timedelta(seconds=1))


class RateLimited(LimitExceeded):
    """The limit of {limit} for each {caller} is reached; call again in {seconds} s."""

    reason = "RATE_LIMITED"

    def __init__(self, limit: str, caller: str, seconds: float) -> None:
        whole = math.ceil(seconds)
        super().__init__(retry_after=timedelta(seconds=whole), limit=limit, caller=caller, seconds=str(whole))


class ServiceUnavailable(Unavailable):
    """The {service} service does not answer; try again."""

    reason = "SERVICE_UNAVAILABLE"

    def __init__(self, service: str) -> None:
        super().__init__(service=service)


class CredentialMissing(Unauthenticated):
    """No credential was sent; send `Authorization: Bearer <API key>`."""

    reason = "CREDENTIAL_MISSING"


class CredentialMalformed(Unauthenticated):
    """The credential, link or ticket is mistyped or cut short: its checksum does not match."""

    reason = "CREDENTIAL_MALFORMED"


class CredentialInvalid(Unauthenticated):
    """The credential is unknown, revoked or expired."""

    reason = "CREDENTIAL_INVALID"


class ScopeMissing(PermissionDenied):
    """The credential lacks the scope {permission}."""

    reason = "SCOPE_MISSING"

    def __init__(self, permission: str) -> None:
        super().__init__(permission=permission)


class RoleTooLow(PermissionDenied):
    """The role {role} in the acting account is too low; {required} is needed."""

    reason = "ROLE_TOO_LOW"

    def __init__(self, role: str, required: str) -> None:
        super().__init__(role=role, required=required)


class CallerNotAllowed(PermissionDenied):
    """{caller} may not call this method; it is for other services of the installation."""

    reason = "CALLER_NOT_ALLOWED"

    def __init__(self, caller: str) -> None:
        super().__init__(caller=caller)
