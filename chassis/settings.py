"""Settings from the environment, and from files. A wrong one stops the start and names itself.

Where SECRETS_DIRECTORY is set, a file there, such as `database_url`, is the setting of its name: what is secret then
stands in no environment. A variable that is set counts more.
"""

import json
import os
import sys
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis import faults

WRONG_SETTING = 3
"""Exit code of a process that cannot start with its settings."""

RATE = r"^(unlimited|[1-9]\d{0,8}/(s|min|h)( burst [1-9]\d{0,8})?)$"
"""How a rate is written: `<calls>/<s, min or h>`, with ` burst <calls>` for those that may come at once."""

ORIGIN = r"^https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$"
"""How an origin is written: scheme, host in lower case, and the port where it is not the scheme's own."""

_PREFIX = ("postgresql://", "postgresql+asyncpg://")


class ProcessSettings(BaseSettings):
    """What every process has: where it listens and how it logs. A field's variable is its upper-cased name."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    listen: str = Field("127.0.0.1:0", pattern=r"^(unix:/.+|[^\s:]+:\d{1,5})$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"


class TrustSettings(ProcessSettings):
    """What a process needs to call others and to know who calls it.

    `rate_refused` is how many credentials that are refused may come from one address. `metrics_listen` is where
    Prometheus finds the process's metrics; they are not even counted without it. `otel_exporter_otlp_endpoint` is where
    spans go, as OpenTelemetry's own variables say; without it none are recorded.
    """

    trust_keys_file: Path
    signing_key_file: Path
    workspace_address: str = ""
    session_address: str = ""
    execution_address: str = ""
    audit_address: str = ""
    metrics_listen: str = Field("", pattern=r"^(|[^\s]+:\d{1,5})$")
    otel_exporter_otlp_endpoint: str = Field("", pattern=r"^(|https?://.+)$")
    rate_refused: str = Field("2/s burst 200", pattern=RATE)

    @field_validator("trust_keys_file", "signing_key_file")
    @classmethod
    def _keys(cls, path: Path) -> Path:
        return json_file(path)


class ServiceSettings(TrustSettings):
    """What a service with a database needs beside that.

    When told to stop, a service says that it is not ready and serves on for `drain_seconds`, so that whoever sends it
    calls learns of it; then it ends streams, and waits `stop_grace_seconds` for other calls.
    `rate_…` is how fast one credential may make the calls of a rate class, or one address those that need none;
    `streams_per_account` how many streams an account may have open. All count in this process.
    `stream_replicas` is how many servers of a JetStream cluster keep the service's stream of changes.
    After `max_connection_age_seconds` a client is told to connect anew, so that it finds replicas that came since; 0 is
    never. Calls that are open stay, or are cut off after `max_connection_age_grace_seconds` more, unless that is 0.
    """

    database_url: SecretStr
    system_database_url: SecretStr
    database_pool_size: int = Field(8, ge=2, le=200)
    nats_url: SecretStr
    event_keys_file: Path
    stream_replicas: int = Field(1, ge=1, le=5)
    fault: str = ""
    """For tests only: where this process dies; the form stands in `chassis.faults`."""
    drain_seconds: float = Field(0.0, ge=0, le=300)
    stop_grace_seconds: float = Field(3.0, ge=0, le=60)
    max_connection_age_seconds: float = Field(0.0, ge=0, le=86_400)
    max_connection_age_grace_seconds: float = Field(0.0, ge=0, le=86_400)
    rate_read: str = Field("300/s burst 20000", pattern=RATE)
    rate_write: str = Field("100/s burst 20000", pattern=RATE)
    rate_input: str = Field("200/s burst 20000", pattern=RATE)
    rate_stream: str = Field("20/s burst 2000", pattern=RATE)
    rate_anonymous: str = Field("2/s burst 200", pattern=RATE)
    streams_per_account: int = Field(1000, ge=1, le=1_000_000)

    @field_validator("database_url", "system_database_url")
    @classmethod
    def _postgresql(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(_PREFIX):
            msg = "must begin with postgresql://"
            raise ValueError(msg)
        return url

    @field_validator("event_keys_file")
    @classmethod
    def _event_keys(cls, path: Path) -> Path:
        return json_file(path)

    @field_validator("fault")
    @classmethod
    def _fault(cls, text: str) -> str:
        faults.check(text)
        return text

    @field_validator("nats_url")
    @classmethod
    def _nats(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("nats://", "tls://")):
            msg = "must begin with nats:// or tls://"
            raise ValueError(msg)
        return url


def existing_file(path: Path) -> Path:
    """Return the path of a file. ValueError, for a validator, when there is none that we may read."""
    if not path.is_file() or not os.access(path, os.R_OK):
        msg = f"no such file, or not readable: {path}"
        raise ValueError(msg)
    return path


def json_file(path: Path) -> Path:
    """Return the path of a file that holds JSON. ValueError when it does not; what it holds is not shown."""
    try:
        json.loads(existing_file(path).read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError):
        msg = f"not a JSON file: {path}"
        raise ValueError(msg) from None
    return path


SettingsT = TypeVar("SettingsT", bound=ProcessSettings)


def load(settings: type[SettingsT]) -> SettingsT:
    """Return the settings, or print one line for each wrong one and exit with code 3."""
    try:
        return settings(_secrets_dir=_secrets_directory())
    except ValidationError as exc:
        # A rule about several settings has no place; its message names them.
        refuse(*(": ".join((*(str(part).upper() for part in error["loc"]), error["msg"])) for error in exc.errors()))


def by_name() -> dict[str, str]:
    """Return all that is set, by upper-cased name, for those whose settings no class can declare."""
    folder = _secrets_directory()
    files = {} if folder is None else {file.name: file for file in folder.glob("[!.]*") if file.is_file()}
    return {name.upper(): file.read_text().strip() for name, file in files.items()} | dict(os.environ)


def _secrets_directory() -> Path | None:
    folder = os.environ.get("SECRETS_DIRECTORY")
    if folder and not Path(folder).is_dir():
        refuse(f"SECRETS_DIRECTORY: no such folder: {folder}")
    return Path(folder) if folder else None


def refuse(*lines: str) -> NoReturn:
    """Print why the process cannot start and exit with code 3."""
    for line in lines:
        sys.stderr.write(f"cannot start: {line}\n")
    sys.exit(WRONG_SETTING)
