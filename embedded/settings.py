"""What the environment may say about an embedded installation, and what of it the services inherit."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

INHERITED = frozenset(
    {
        "ALL_PROXY",
        "CLEAN_UP_DAYS",
        "EGRESS_ALLOWED",
        "GIT_SSL_CAINFO",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LANG",
        "LC_ALL",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "NO_PROXY",
        "PATH",
        "PURGE_DAYS",
        "PREVIEW_CONNECTION_LIMIT",
        "PREVIEW_LIMIT",
        "PREVIEW_URL",
        "PYTHONPATH",
        "SANDBOX_AT_LEAST",
        "SAVE_DAYS",
        "SAVE_IGNORED",
        "SAVE_SIZE_LIMIT",
        "SESSION_LIMIT",
        "LOG_MONTHS",
        "LOG_DRY_RUN",
        "SILENT_DEVICE_SECONDS",
        "SLOW_DEVICE_SECONDS",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "STREAMS_PER_ACCOUNT",
        "SWEEP_SECONDS",
        "TEAM_LIMIT",
        "TMPDIR",
        "TZ",
        "WORKSPACE_LIMIT",
        "all_proxy",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    }
)
PREFIXES = ("OTEL_", "RATE_")
"""Names, and beginnings of names, that reach the services. All else in the environment may be a secret."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Parts that are not started because somebody else runs them, where sockets go, and who may become a user.

    `sign_up` is what the workspace service takes: `open`, or `closed` after the first user.
    """

    admin_database_url: str
    nats_url: str
    runtime_folder: str
    sign_up: str
    inherited: Mapping[str, str]


def load() -> Settings:
    """Read the environment: `DATABASE_URL` is a superuser's, `NATS_URL` one that every service shares."""
    environment = os.environ  # noqa: TID251  # where the settings of services come from
    return Settings(
        admin_database_url=environment.get("DATABASE_URL", ""),
        nats_url=environment.get("NATS_URL", ""),
        runtime_folder=environment.get("XDG_RUNTIME_DIR", ""),
        sign_up=environment.get("SIGN_UP", "closed"),
        inherited={
            name: value for name, value in environment.items() if name in INHERITED or name.startswith(PREFIXES)
        },
    )
