"""Settings of the session service."""

from pydantic import Field

from chassis.settings import ServiceSettings


class SessionSettings(ServiceSettings):
    """What the session service needs beside every other service's settings.

    `session_limit` is how many live sessions an account may have; `slow_device_seconds` how long a client may go
    without taking output, or acknowledging it while its credit is used up; `silent_device_seconds` how long a device
    without saying anything at all; `context_retention_days` how long a deleted context can be brought back.
    """

    session_limit: int = Field(20, ge=1, le=10_000)
    slow_device_seconds: float = Field(30.0, gt=0, le=3600)
    silent_device_seconds: float = Field(60.0, gt=0, le=86400)
    context_retention_days: float = Field(30.0, gt=0, le=3650)
