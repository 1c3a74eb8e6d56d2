"""Settings of the execution service."""

from pydantic import field_validator

from chassis.settings import ServiceSettings
from services.execution.egress import Egress


class ExecutionSettings(ServiceSettings):
    """What the execution service needs beside every other service's settings.

    `egress_allowed` are networks that are not public, and that the requests of steps may reach all the same.
    """

    egress_allowed: str = ""

    @field_validator("egress_allowed")
    @classmethod
    def _networks(cls, value: str) -> str:
        Egress.allowing(value)
        return value
