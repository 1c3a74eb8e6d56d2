"""Keys by which the services know each other, made once and kept in files of mode 0600."""

import base64
import json
import secrets
from pathlib import Path

from joserfc.jwk import OKPKey

from embedded import private_files
from embedded.layout import Layout

SERVICES = ("workspace", "session", "execution", "audit", "gateway")
"""Whoever signs internal tokens; the name is the key's id."""
SOURCES = ("workspace", "session", "execution", "audit")
"""Whoever publishes changes."""


def signing_key_file(layout: Layout, service: str) -> Path:
    """Return the file with the service's private key (JWK, Ed25519)."""
    return layout.keys / f"{service}.jwk"


def trust_keys_file(layout: Layout) -> Path:
    """Return the file with everybody's public keys (JWKS)."""
    return layout.keys / "trust.jwks"


def event_keys_file(layout: Layout) -> Path:
    """Return the file with the key of each source of changes: 32 bytes in base64, for HMAC-SHA-256."""
    return layout.keys / "event-keys.json"


def sealing_keys_file(layout: Layout) -> Path:
    """Return the file with the keys by which secrets are sealed that the database keeps: 32 bytes in base64 each."""
    return layout.keys / "sealing-keys.json"


def bootstrap_token_file(layout: Layout) -> Path:
    """Return the file with the token that the first user is created with."""
    return layout.keys / "bootstrap.token"


def prepare(layout: Layout) -> None:
    """Make what is missing; what exists is never replaced."""
    public = [_signing_key(signing_key_file(layout, service), service).as_dict(private=False) for service in SERVICES]
    private_files.write_json(trust_keys_file(layout), {"keys": public})
    events = event_keys_file(layout)
    known: dict[str, str] = json.loads(events.read_text()) if events.exists() else {}
    fresh = {source: base64.b64encode(secrets.token_bytes(32)).decode() for source in SOURCES}
    private_files.write_json(events, fresh | known)
    sealing = sealing_keys_file(layout)
    if not sealing.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        private_files.write_json(sealing, {"current": "1", "keys": {"1": key}})
    private_files.secret(bootstrap_token_file(layout))


def _signing_key(file: Path, service: str) -> OKPKey:
    if not file.exists():
        key = OKPKey.generate_key("Ed25519", {"kid": service, "alg": "Ed25519", "use": "sig"}, private=True)
        private_files.write_json(file, key.as_dict(private=True))
    return OKPKey.import_key(json.loads(file.read_text()))
