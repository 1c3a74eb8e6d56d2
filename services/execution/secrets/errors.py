"""What can go wrong with secrets."""

from chassis.errors import LimitExceeded, NotFound, WrongState


class SecretNotFound(NotFound):
    """There is no secret {name} in this account."""

    reason = "SECRET_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class TooManySecrets(LimitExceeded):
    """This account has {limit} secrets, which is the most; delete one that nothing uses."""

    reason = "TOO_MANY_SECRETS"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class SecretUnopenable(WrongState):
    """The key that {name} was sealed with is not in the installation's file any more; set the secret anew."""

    reason = "SECRET_UNOPENABLE"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
