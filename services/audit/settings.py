"""Settings of the audit service."""

from typing import Annotated

from pydantic import field_validator, model_validator
from pydantic_settings import NoDecode

from chassis.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """What the audit service needs beside every other service's settings.

    `audit_sources` are the services whose changes are recorded, separated by commas; each needs its address.
    """

    audit_sources: Annotated[tuple[str, ...], NoDecode] = ("workspace", "session", "execution")

    @field_validator("audit_sources", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _addressed(self) -> "AuditSettings":
        for source in self.audit_sources:
            if not getattr(self, f"{source}_address", ""):
                msg = f"AUDIT_SOURCES names {source}, and {source.upper()}_ADDRESS is not set"
                raise ValueError(msg)
        return self
