"""Settings of the workspace service."""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from chassis.settings import ServiceSettings, existing_file

_LONGEST_RUNTIME_DIRECTORY = 69  # bytes: a socket's path ends at 107, and its name takes 37 and a slash

_IDLE_POD = 1800.0
_YEAR = 31_536_000
_QUANTITY = r"^\d+(\.\d+)?(m|k|[MGTPE]|[KMGTPE]i)?$"
"""How Kubernetes writes an amount."""
_SIZE = r"^[1-9]\d*(k|[MGTPE]|[KMGTPE]i)?$"
"""The amount of a disk, which is not nothing."""


class WorkspaceSettings(ServiceSettings):
    """What the workspace service needs beside what every service does.

    `private_directory` holds what no program in a room may read: keys, passwords, the database. Rooms show the
    system's folders, so it matters as soon as it lies below `/opt` or `/usr`.

    `workspace_limit` is for each account, `team_limit` how many teams somebody may make.
    A directory with more than `save_size_limit` bytes cannot be saved, and is not removed then; `save_ignored` says
    whether what git ignores is saved too, `vaults` where saves are kept: beside the rooms of this machine, or in the
    database, for rooms that have disks of their own. Archived workspaces that have not changed for `clean_up_days` are
    deleted, deleted ones are purged after `purge_days`, and their saves go `save_days` after that.

    `placement` is where rooms are: `local` for processes of this machine, `kubernetes` for Pods in `room_namespace`
    with the image `room_image`. The cluster is the one that this process runs in, or that of `kubeconfig`. A room's
    disk has `room_size` and comes of `room_storage_class`; `room_node_selector` is a JSON object of labels. Of these
    and of processor time and memory, empty means what the cluster gives by itself. `room_start_seconds` is how long
    somebody who needs a room waits for its Pod before they are told what keeps it.
    A room that has been idle for `room_idle_seconds` is suspended: its runner ends, and its disk stays. 0 is for never,
    and so it is without the setting, but for Pods, which have half an hour then.

    Rooms do not start where their sandbox would be weaker than `sandbox_at_least`.
    """

    data_directory: Path
    runtime_directory: Path
    private_directory: Path | None = None
    allow_local_repositories: bool = False
    sandbox_at_least: Literal["bwrap", "namespaces", "landlock", "process"] = "process"
    workspace_limit: int = Field(10, ge=1, le=100_000)
    team_limit: int = Field(20, ge=1, le=100_000)
    save_size_limit: int = Field(20 * 1024**3, ge=1)
    save_ignored: bool = True
    vaults: Literal["directory", "database"] = "directory"
    clean_up_days: float = Field(30, ge=0, le=36_500)
    purge_days: float = Field(30, ge=0, le=36_500)
    save_days: float = Field(90, ge=0, le=36_500)
    sweep_seconds: float = Field(600, ge=0.1, le=_YEAR)
    bootstrap_token_file: Path | None = None
    sign_up: Literal["closed", "open"] = "closed"
    placement: Literal["local", "kubernetes"] = "local"
    kubeconfig: Path | None = None
    room_namespace: str = Field("", pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")
    room_image: str = ""
    room_storage_class: str = ""
    room_size: str = Field("10Gi", pattern=_SIZE)
    room_runtime_class: str = ""
    room_node_selector: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    room_pull_secret: str = ""
    room_cpu_request: str = Field("", pattern=f"^$|{_QUANTITY}")
    room_memory_request: str = Field("", pattern=f"^$|{_QUANTITY}")
    room_cpu_limit: str = Field("", pattern=f"^$|{_QUANTITY}")
    room_memory_limit: str = Field("", pattern=f"^$|{_QUANTITY}")
    room_start_seconds: float = Field(20, ge=1, le=600)
    room_idle_seconds: float | None = Field(None, ge=0, le=_YEAR)

    @field_validator("runtime_directory")
    @classmethod
    def _short(cls, path: Path) -> Path:
        if len(bytes(path)) > _LONGEST_RUNTIME_DIRECTORY:
            msg = f"must be at most {_LONGEST_RUNTIME_DIRECTORY} bytes long, because unix sockets live in it"
            raise ValueError(msg)
        return path

    @field_validator("data_directory", "runtime_directory", "private_directory")
    @classmethod
    def _directory(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            msg = "must be an absolute path"
            raise ValueError(msg)
        return path

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.placement == "kubernetes" and not (self.room_namespace and self.room_image):
            msg = "ROOM_NAMESPACE and ROOM_IMAGE must be set when PLACEMENT is kubernetes"
            raise ValueError(msg)
        return self

    @field_validator("room_node_selector", mode="before")
    @classmethod
    def _labels(cls, given: object) -> object:
        return json.loads(given) if isinstance(given, str) else given  # what is no JSON is a ValueError

    @field_validator("bootstrap_token_file", "kubeconfig")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        return existing_file(path) if path is not None else None

    @property
    def saves_in_database(self) -> bool:
        """Whether saves are kept in the database: those of Pods always are."""
        return self.vaults == "database" or self.placement == "kubernetes"

    @property
    def idle_seconds(self) -> float:
        """After how long an idle room is suspended; 0 for never."""
        if self.room_idle_seconds is None:
            return _IDLE_POD if self.placement == "kubernetes" else 0.0
        return self.room_idle_seconds

    @property
    def private_folders(self) -> list[Path]:
        """What no program in a room may see."""
        folders = (self.private_directory, self.data_directory, self.runtime_directory)
        return [folder for folder in folders if folder is not None]

    @property
    def bootstrap_token(self) -> str:
        """The token that lets the first user in; empty for none."""
        return self.bootstrap_token_file.read_text().strip() if self.bootstrap_token_file is not None else ""
