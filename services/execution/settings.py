"""Settings of the execution service."""

from pathlib import Path

from pydantic import field_validator

from chassis.sealing import Sealer
from chassis.settings import ServiceSettings, json_file


class ExecutionSettings(ServiceSettings):
    """What every service needs, and the keys by which the secrets of webhooks are sealed."""

    sealing_keys_file: Path

    @field_validator("sealing_keys_file")
    @classmethod
    def _sealing_keys(cls, path: Path) -> Path:
        try:
            Sealer.from_file(json_file(path))
        except (KeyError, TypeError, AttributeError) as exc:
            msg = f"not a file of keys: {path}"
            raise ValueError(msg) from exc
        return path
