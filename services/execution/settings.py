"""Settings of the execution service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from chassis.sealing import Sealer
from chassis.settings import ServiceSettings, json_file
from services.execution.egress import Egress


class ExecutionSettings(ServiceSettings):
    """What the execution service needs beside every other service's settings.

    `sealing_keys_file` has the keys by which the secrets of webhooks are sealed.
    `event_sources` are the services for whose changes triggers may wait, separated by commas; each needs its address.
    `egress_allowed` are networks that are not public, and that the requests of steps may reach all the same.
    `execution_limit` is how many executions of an account run at a time, 0 for any number; more wait.
    `trigger_limit` is how many triggers an account may have. `log_retention_days` is how long what steps said is kept
    after the end of their execution.
    """

    sealing_keys_file: Path
    event_sources: Annotated[tuple[str, ...], NoDecode] = ("workspace", "session", "execution")
    egress_allowed: str = ""
    execution_limit: int = Field(0, ge=0, le=1_000_000)
    trigger_limit: int = Field(1000, ge=1, le=100_000)
    log_retention_days: float = Field(30.0, gt=0, le=3650)

    @field_validator("event_sources", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _addressed(self) -> "ExecutionSettings":
        for source in self.event_sources:
            if not getattr(self, f"{source}_address", ""):
                msg = f"EVENT_SOURCES names {source}, and {source.upper()}_ADDRESS is not set"
                raise ValueError(msg)
        return self

    @field_validator("sealing_keys_file")
    @classmethod
    def _sealing_keys(cls, path: Path) -> Path:
        try:
            Sealer.from_file(json_file(path))
        except (KeyError, TypeError, AttributeError) as exc:
            msg = f"not a file of keys: {path}"
            raise ValueError(msg) from exc
        return path

    @field_validator("egress_allowed")
    @classmethod
    def _networks(cls, value: str) -> str:
        Egress.allowing(value)
        return value
