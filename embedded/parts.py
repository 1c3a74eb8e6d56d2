"""What each part of an installation in containers gets of keys, passwords and URLs: as files, and nothing of others."""

from pathlib import Path
from urllib.parse import quote

from embedded import databases, keys, private_files
from embedded.layout import Layout

ADMIN = "postgres"


def of(layout: Layout, *, database: str, nats: str) -> dict[str, dict[str, str]]:
    """Return the files of each part by their names; what is missing in the layout is made up, the rest stays.

    Args:
        layout: where keys and passwords are kept.
        database: `host:port` of PostgreSQL.
        nats: `host:port` of NATS.
    """
    keys.prepare(layout)
    password = private_files.secret(layout.passwords / ADMIN)
    admin_url = f"postgresql://{ADMIN}:{quote(password, safe='')}@{database}/{databases.DATABASE}"
    users = {name: private_files.secret(layout.passwords / f"nats-{name}") for name in keys.SOURCES}
    urls = {
        name: {setting.lower(): url for setting, url in databases.urls(layout, admin_url, name).items()}
        for name in keys.SOURCES
    }
    migrate = {f"{name}_{setting}": url for name in urls for setting, url in urls[name].items()}
    parts = {
        "postgres": {"admin.password": password},
        "nats": users,
        "migrate": {"admin_database_url": admin_url} | migrate,
        "gateway": _signer(layout, "gateway"),
    }
    for name in keys.SOURCES:
        broker = {"nats_url": f"nats://{name}:{users[name]}@{nats}"}
        parts[name] = _signer(layout, name) | _files(keys.event_keys_file(layout)) | urls[name] | broker
    parts["workspace"] |= _files(keys.bootstrap_token_file(layout))
    parts["execution"] |= _files(keys.sealing_keys_file(layout))
    return parts


def _signer(layout: Layout, name: str) -> dict[str, str]:
    return _files(keys.signing_key_file(layout, name), keys.trust_keys_file(layout))


def _files(*paths: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in paths}
