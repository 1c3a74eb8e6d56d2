"""What can go wrong with triggers."""

from uuid import UUID

from chassis.errors import InvalidArgument, InvalidField, LimitExceeded, NotFound, Violation, WrongState


class InvalidCron(InvalidField):
    """{field}: {description}."""

    reason = "INVALID_CRON"

    def __init__(self, within: str, problem: str) -> None:
        """`within` is where the schedule stands: empty, or a field and a dot."""
        super().__init__(Violation(f"{within}cron", problem))


class CronNeverFires(InvalidField):
    """{field}: {description}."""

    reason = "CRON_NEVER_FIRES"

    def __init__(self, within: str) -> None:
        """`within` is where the schedule stands: empty, or a field and a dot."""
        super().__init__(Violation(f"{within}cron", "there is no such time in fifty years"))


class UnknownTimeZone(InvalidField):
    """{field}: {description}."""

    reason = "UNKNOWN_TIME_ZONE"

    def __init__(self, within: str) -> None:
        """`within` is where the schedule stands: empty, or a field and a dot."""
        super().__init__(Violation(f"{within}time_zone", "no such zone is known; write it as in `Europe/Berlin`"))


class InvalidExpression(InvalidArgument):
    """{field}: {description}"""  # noqa: D415  # the description ends the sentence

    reason = "INVALID_EXPRESSION"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__(field=violations[0].field, description=violations[0].description)


class TriggerNotFound(NotFound):
    """There is no trigger {triggerId} in this account."""

    reason = "TRIGGER_NOT_FOUND"

    def __init__(self, trigger_id: UUID) -> None:
        super().__init__(triggerId=str(trigger_id))


class TriggerLimitReached(LimitExceeded):
    """The account has {limit} triggers, as many as it may have; delete one first."""

    reason = "TRIGGER_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class TriggerOfAnotherType(WrongState):
    """Trigger {triggerId} is {type} and stays so; make another one."""

    reason = "TRIGGER_OF_ANOTHER_TYPE"

    def __init__(self, trigger_id: UUID, type: str) -> None:  # noqa: A002  # the contract's own word
        super().__init__(triggerId=str(trigger_id), type=type)


class TriggerWithoutSecret(WrongState):
    """Trigger {triggerId} has no secret to sign with yet; renew it first."""

    reason = "TRIGGER_WITHOUT_SECRET"

    def __init__(self, trigger_id: UUID) -> None:
        super().__init__(triggerId=str(trigger_id))


class TriggerDisabled(WrongState):
    """Trigger {triggerId} is disabled."""

    reason = "TRIGGER_DISABLED"

    def __init__(self, trigger_id: UUID) -> None:
        super().__init__(triggerId=str(trigger_id))
