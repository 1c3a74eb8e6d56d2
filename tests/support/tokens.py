"""Keys of services, and tokens signed with them: honest ones and forged ones."""

import json
import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OKPKey

from chassis import ids
from chassis.rpc.call import Principal
from chassis.rpc.tokens import LIFETIME, TokenSigner

USER = Principal(
    subject=str(ids.new()),
    account_id=ids.new(),
    role=2,
    scopes=frozenset({"sessions.read"}),
    credential_id=str(ids.new()),
    name="Ada Lovelace",
)


class Keys:
    """Keys of three services, and the trust file that names them."""

    def __init__(self, folder: Path) -> None:
        self.by_service = {name: OKPKey.generate_key("Ed25519") for name in ("workspace", "session", "gateway")}
        trusted = [key.as_dict(private=False) | {"kid": name} for name, key in self.by_service.items()]
        self.trust = folder / "trust.json"
        self.trust.write_text(json.dumps({"keys": trusted}))
        for name, key in self.by_service.items():
            (folder / name).write_text(json.dumps(key.as_dict(private=True)))
        self.folder = folder

    def signer(self, service: str) -> TokenSigner:
        """Return the signer of a service."""
        return TokenSigner(service, self.folder / service)

    def forge(self, *, key: str = "workspace", kid: str = "workspace", **claims: object) -> str:
        """Return a token with the claims of a person, changed as asked; a claim that is None is left out."""
        now = int(time.time())
        honest: dict[str, object] = {
            "iss": kid,
            "aud": "stateroom",
            "sub": USER.subject,
            "account_id": str(USER.account_id),
            "role": 2,
            "scopes": ["*"],
            "credential_id": "",
            "iat": now,
            "exp": now + LIFETIME,
        }
        merged = {name: value for name, value in (honest | claims).items() if value is not None}
        return jwt.encode({"alg": "Ed25519", "kid": kid}, merged, self.by_service[key], algorithms=["Ed25519"])
