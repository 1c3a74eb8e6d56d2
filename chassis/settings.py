"""Settings from the environment. A wrong one stops the start and names itself."""

import os
import sys
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

WRONG_SETTING = 3
"""Exit code of a process that cannot start with its settings."""

_PREFIX = ("postgresql://", "postgresql+asyncpg://")


class ProcessSettings(BaseSettings):
    """What every process has: where it listens and how it logs. A field's variable is its upper-cased name."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    listen: str = Field("127.0.0.1:0", pattern=r"^(unix:/.+|[^\s:]+:\d{1,5})$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"


class TrustSettings(ProcessSettings):
    """What a process needs to call others and to know who calls it."""

    trust_keys_file: Path
    signing_key_file: Path
    workspace_address: str = ""
    session_address: str = ""
    execution_address: str = ""
    audit_address: str = ""

    @field_validator("trust_keys_file", "signing_key_file")
    @classmethod
    def _readable(cls, path: Path) -> Path:
        if not path.is_file():
            msg = f"no such file: {path}"
            raise ValueError(msg)
        return path


class ServiceSettings(TrustSettings):
    """What a service with a database needs beside that."""

    database_url: SecretStr
    system_database_url: SecretStr
    database_pool_size: int = Field(8, ge=2, le=200)
    nats_url: SecretStr
    event_keys_file: Path

    @field_validator("database_url", "system_database_url")
    @classmethod
    def _postgresql(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(_PREFIX):
            msg = "must begin with postgresql://"
            raise ValueError(msg)
        return url

    @field_validator("nats_url")
    @classmethod
    def _nats(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("nats://", "tls://")):
            msg = "must begin with nats:// or tls://"
            raise ValueError(msg)
        return url


SettingsT = TypeVar("SettingsT", bound=ProcessSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Return the settings, or print one line for each wrong one and exit with code 3."""
    try:
        return settings()
    except ValidationError as exc:
        refuse(*(f"{'.'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in exc.errors()))


def inherited(*names: str) -> dict[str, str]:
    """Return those of the named variables that are set, for a child that must see nothing else."""
    return {name: os.environ[name] for name in names if name in os.environ}


def refuse(*lines: str) -> NoReturn:
    """Print why the process cannot start and exit with code 3."""
    for line in lines:
        sys.stderr.write(f"cannot start: {line}\n")
    sys.exit(WRONG_SETTING)
