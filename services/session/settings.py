"""Settings of the session service."""

from pydantic import Field

from chassis.settings import ORIGIN, ServiceSettings


class SessionSettings(ServiceSettings):
    """What the session service needs beside every other service's settings.

    `session_limit` is how many live sessions an account may have; `slow_device_seconds` how long a client may go
    without taking output, or acknowledging it while its credit is used up; `silent_device_seconds` how long a device
    without saying anything at all. `log_months` is for how many whole months the logs of ended sessions are kept, 0
    for ever; with `log_dry_run` it is only logged what would be let go. `context_retention_days` is how long a deleted
    context can be brought back, `session_retention_days` a deleted session.

    `preview_limit` is how many previews an account may have, `preview_connection_limit` how many connections one of
    them may have open in this process. `preview_url` is below which previews have their origins, the same as the
    gateway's: one with the address https://preview.example.com is reached at https://<its name>.preview.example.com.
    """

    session_limit: int = Field(20, ge=1, le=10_000)
    slow_device_seconds: float = Field(30.0, gt=0, le=3600)
    silent_device_seconds: float = Field(60.0, gt=0, le=86400)
    log_months: int = Field(0, ge=0, le=1200)
    log_dry_run: bool = False
    context_retention_days: float = Field(30.0, gt=0, le=3650)
    session_retention_days: float = Field(30.0, gt=0, le=3650)
    preview_limit: int = Field(100, ge=1, le=10_000)
    preview_connection_limit: int = Field(256, ge=1, le=10_000)
    preview_url: str = Field("http://preview.localhost:8080", pattern=ORIGIN)
