"""What any type of step needs to use secrets: their values while it runs, and nothing of them in what comes of it."""

from dataclasses import dataclass, replace
from functools import partial

from chassis.errors import DomainError
from services.execution.engine.steps.patience import patiently
from services.execution.engine.steps.port import Attempt, Ended, Log, Looking, Result, StepFailed, StepType
from services.execution.logs.domain import Level
from services.execution.secrets.keyring import Keyring, Opened


@dataclass(frozen=True, slots=True)
class Secretive:
    """Runs steps of a type with the secrets that they name, which it hides in what they say, give and fail with."""

    keyring: Keyring
    type: StepType

    async def run(self, attempt: Attempt) -> Result:
        """Run it."""
        names = set(attempt.step.secrets.values())
        if not names:
            return await self.type.run(attempt)
        try:
            opened = await patiently(partial(self.keyring.open, attempt.account_id, names))
        except DomainError as exc:
            raise StepFailed(exc.reason, exc.message) from exc
        try:
            log = _Hiding(attempt.log, opened)
            result = await self.type.run(replace(attempt, log=log, secrets=opened.values))
        except StepFailed as exc:
            raise StepFailed(exc.reason, opened.hide(exc.message)) from None  # the cause may show it
        if isinstance(result, Ended):
            return Ended(opened.hide_within(result.output))
        return replace(result, progress=opened.hide_within(result.progress)) if isinstance(result, Looking) else result


@dataclass(frozen=True, slots=True)
class _Hiding:
    """A log in which secrets are not."""

    log: Log
    opened: Opened

    def say(self, level: Level, text: str) -> None:
        """Say something."""
        self.log.say(level, self.opened.hide(text))
