"""Settings of the workspace service."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from chassis.settings import ServiceSettings, existing_file

_LONGEST_RUNTIME_DIRECTORY = 69  # bytes: a socket's path ends at 107, and its name takes 37 and a slash


class WorkspaceSettings(ServiceSettings):
    """What the workspace service needs beside what every service does."""

    data_directory: Path
    runtime_directory: Path
    allow_local_repositories: bool = False
    workspace_limit: int = Field(10, ge=1, le=100_000)
    bootstrap_token_file: Path | None = None
    sign_up: Literal["closed", "open"] = "closed"

    @field_validator("runtime_directory")
    @classmethod
    def _short(cls, path: Path) -> Path:
        if len(bytes(path)) > _LONGEST_RUNTIME_DIRECTORY:
            msg = f"must be at most {_LONGEST_RUNTIME_DIRECTORY} bytes long, because unix sockets live in it"
            raise ValueError(msg)
        return path

    @field_validator("data_directory", "runtime_directory")
    @classmethod
    def _directory(cls, path: Path) -> Path:
        if not path.is_absolute():
            msg = "must be an absolute path"
            raise ValueError(msg)
        return path

    @field_validator("bootstrap_token_file")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        return existing_file(path) if path is not None else None

    @property
    def bootstrap_token(self) -> str:
        """The token that lets the first user in; empty for none."""
        return self.bootstrap_token_file.read_text().strip() if self.bootstrap_token_file is not None else ""
