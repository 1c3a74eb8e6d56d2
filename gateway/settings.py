"""Settings of the gateway: the process's own, and where browsers and scripts reach it."""

from pydantic import Field, field_validator

from chassis.settings import ORIGIN, TrustSettings


class GatewaySettings(TrustSettings):
    """What the gateway reads from its environment.

    `http_listen` is `host:port`, port 0 takes a free one. `allowed_origins` are origins besides the gateway's own whose
    pages may call it, such as `https://console.example.com`; in the environment a JSON list. `heartbeat_seconds` is the
    time between two signs of life on an event stream, less than what proxies in between wait for one.
    `workers` is the number of processes that serve the port; above 1, one more watches over them, and each serves its
    metrics at the port of `metrics_listen` plus its number, which counts from 0.
    `access_log` writes a line of JSON for each request, unless `log_level` is above INFO.
    When told to stop, the gateway says that it is not ready and serves on for `drain_seconds`, so that whoever sends it
    requests learns of it; then it ends open streams, and waits `stop_grace_seconds` for requests to be answered.
    `preview_url` is below which previews have their origins, as the session service knows it too: requests to hosts
    below its host are for previews, all others for the API.
    """

    http_listen: str = Field("127.0.0.1:8080", pattern=r"^[^\s]+:\d{1,5}$")
    allowed_origins: frozenset[str] = frozenset()
    body_limit_bytes: int = Field(1 << 20, ge=1, le=1 << 22)
    heartbeat_seconds: float = Field(15.0, gt=0, le=300)
    workers: int = Field(1, ge=1, le=64)
    access_log: bool = True
    drain_seconds: float = Field(2.0, ge=0, le=300)
    stop_grace_seconds: float = Field(3.0, ge=0, le=60)
    preview_url: str = Field("http://preview.localhost:8080", pattern=ORIGIN)

    @property
    def logs_access(self) -> bool:
        """Whether requests are logged."""
        return self.access_log and self.log_level in {"DEBUG", "INFO"}

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: frozenset[str]) -> frozenset[str]:
        for origin in origins:
            scheme, _, host = origin.partition("://")
            if scheme not in {"http", "https"} or not host or "/" in host:
                msg = f"{origin!r} is no origin; write it as https://host or https://host:port"
                raise ValueError(msg)
        return frozenset(origin.lower() for origin in origins)
