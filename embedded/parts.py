"""What the parts of an installation in containers get of keys, passwords and URLs, as files by their names."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from embedded import databases, keys, private_files
from embedded.layout import Layout

ADMIN = "postgres"

Files = dict[str, str]


@dataclass(frozen=True, slots=True)
class Access:
    """How PostgreSQL and NATS are reached: the passwords and URLs of everybody, by service."""

    admin_password: str
    admin_url: str
    database_urls: dict[str, str]
    system_urls: dict[str, str]
    nats_passwords: dict[str, str]
    nats_urls: dict[str, str]


def access(layout: Layout, *, database: str, nats: str) -> Access:
    """Return the access to servers at `host:port`; passwords that are missing are made up, others stay."""
    password = private_files.secret(layout.passwords / ADMIN)
    admin_url = f"postgresql://{ADMIN}:{quote(password, safe='')}@{database}/{databases.DATABASE}"
    urls = {name: databases.urls(layout, admin_url, name) for name in keys.SOURCES}
    users = {name: private_files.secret(layout.passwords / f"nats-{name}") for name in keys.SOURCES}
    return Access(
        admin_password=password,
        admin_url=admin_url,
        database_urls={name: both["DATABASE_URL"] for name, both in urls.items()},
        system_urls={name: both["SYSTEM_DATABASE_URL"] for name, both in urls.items()},
        nats_passwords=users,
        nats_urls={name: f"nats://{name}:{users[name]}@{nats}" for name in users},
    )


def folders(layout: Layout, to: Access) -> dict[str, Files]:
    """Return the files of each part, which has nothing of others; URLs are called as SECRETS_DIRECTORY wants them."""
    keys.prepare(layout)
    urls = {
        name: {"database_url": to.database_urls[name], "system_database_url": to.system_urls[name]}
        for name in keys.SOURCES
    }
    migrate = {f"{name}_{setting}": url for name in urls for setting, url in urls[name].items()}
    parts = {
        "postgres": {"admin.password": to.admin_password},
        "nats": to.nats_passwords,
        "migrate": {"admin_database_url": to.admin_url} | migrate,
        "gateway": _signer(layout, "gateway"),
    }
    for name in keys.SOURCES:
        broker = {"nats_url": to.nats_urls[name]}
        parts[name] = _signer(layout, name) | _files(keys.event_keys_file(layout)) | urls[name] | broker
    parts["workspace"] |= _files(keys.bootstrap_token_file(layout))
    parts["execution"] |= _files(keys.sealing_keys_file(layout))
    return parts


def secrets(layout: Layout, to: Access) -> dict[str, Files]:
    """Return what the Secrets of a cluster hold, by the ends of their names, as the chart mounts them."""
    keys.prepare(layout)
    postgresql = {"username": ADMIN, "password": to.admin_password, "admin-url": to.admin_url}
    postgresql |= {f"{name}-url": url for name, url in to.database_urls.items()}
    postgresql |= {f"{name}-system-url": url for name, url in to.system_urls.items()}
    nats = to.nats_passwords | {f"{name}-url": url for name, url in to.nats_urls.items()}
    return {"keys": _files(*sorted(layout.keys.iterdir())), "postgresql": postgresql, "nats": nats}


def _signer(layout: Layout, name: str) -> Files:
    return _files(keys.signing_key_file(layout, name), keys.trust_keys_file(layout))


def _files(*paths: Path) -> Files:
    return {path.name: path.read_text() for path in paths}
