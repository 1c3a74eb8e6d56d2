"""Settings of a PostgreSQL and a NATS that run alone, as the only program of a container."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from chassis.settings import ProcessSettings, existing_file


class ServerSettings(ProcessSettings):
    """What both are told.

    `data_directory` is a volume, in which the server makes a folder of its own that nobody else can read. When told to
    stop, it has `stop_grace_seconds` to do so in order, which must be less than whoever runs the container waits.
    """

    data_directory: Path
    stop_grace_seconds: float = Field(25.0, ge=1, le=3600)

    @field_validator("data_directory")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        if not path.is_absolute():
            msg = "must be an absolute path"
            raise ValueError(msg)
        return path


class PostgresServerSettings(ServerSettings):
    """What PostgreSQL is told: the superuser's password, which `postgres` has, and the database that it makes.

    The password is that of `admin_password_file`, or `admin_password` itself; another one than at the last start
    becomes the superuser's.
    """

    listen: str = Field("0.0.0.0:5432", pattern=r"^[^\s]+:\d{1,5}$")
    admin_password: SecretStr = SecretStr("")
    admin_password_file: Path | None = None
    database: str = Field("stateroom", pattern=r"^[a-z_][a-z0-9_]{0,62}$")

    @field_validator("admin_password_file")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        return existing_file(path) if path is not None else None

    @model_validator(mode="after")
    def _one_password(self) -> "PostgresServerSettings":
        if not self.password:
            msg = "ADMIN_PASSWORD_FILE or ADMIN_PASSWORD must hold the superuser's password"
            raise ValueError(msg)
        return self

    @property
    def password(self) -> str:
        """The superuser's password."""
        if self.admin_password_file is not None:
            return self.admin_password_file.read_text().strip()
        return self.admin_password.get_secret_value()


class NatsServerSettings(ServerSettings):
    """What NATS is told: `passwords_directory` has a file for each user, of the user's name, with its password."""

    listen: str = Field("0.0.0.0:4222", pattern=r"^[^\s]+:\d{1,5}$")
    monitor_listen: str = Field("0.0.0.0:8222", pattern=r"^[^\s]+:\d{1,5}$")
    passwords_directory: Path

    @model_validator(mode="after")
    def _somebody(self) -> "NatsServerSettings":
        if not self.passwords:
            msg = f"PASSWORDS_DIRECTORY: no file of a user in {self.passwords_directory}"
            raise ValueError(msg)
        return self

    @property
    def passwords(self) -> dict[str, str]:
        """Each user's password. A mounted Secret has files of its own beside them, which begin with a dot."""
        files = sorted(self.passwords_directory.glob("[!.]*"))
        return {file.name: file.read_text().strip() for file in files if file.is_file()}
