"""Internal tokens: EdDSA JWTs of at most 60 seconds that every service verifies by itself (RFC 7519, RFC 9864)."""

import base64
import json
import time
from pathlib import Path
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from chassis.errors import CredentialInvalid
from chassis.rpc.call import Principal

ALGORITHM = "Ed25519"
AUDIENCE = "stateroom"
LIFETIME = 60  # seconds
USER_ISSUER = "workspace"
"""The one service whose tokens may speak for people."""

_RENEW_BEFORE = 20  # seconds before expiry at which a service makes itself a new token
_REMEMBERED = 4096  # verified tokens kept, so that a stream of calls with one token costs one verification


class TokenSigner:
    """Signs with the key of one service. The key file is a private Ed25519 JWK."""

    def __init__(self, service: str, key_file: Path) -> None:
        self._service = service
        self._key = OKPKey.import_key(json.loads(key_file.read_text()))
        self._own = ("", 0.0)

    def sign_user(self, principal: Principal) -> tuple[str, float]:
        """Return a token that speaks for a person, and when it expires (Unix seconds)."""
        return self._sign(
            {
                "sub": principal.subject,
                "account_id": str(principal.account_id),
                "role": principal.role,
                "scopes": sorted(principal.scopes),
                "credential_id": principal.credential_id,
                "name": principal.name,
            }
        )

    def own(self) -> str:
        """Return a token that the service shows for itself."""
        token, expiry = self._own
        if time.time() > expiry - _RENEW_BEFORE:
            token, expiry = self._own = self._sign({"sub": f"service:{self._service}"})
        return token

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a call that the service makes for itself."""
        return (("authorization", f"Bearer {self.own()}"),)

    def _sign(self, claims: dict[str, object]) -> tuple[str, float]:
        now = int(time.time())
        claims |= {"iss": self._service, "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME}
        token = jwt.encode({"alg": ALGORITHM, "kid": self._service}, claims, self._key, algorithms=[ALGORITHM])
        return token, now + LIFETIME


class TokenVerifier:
    """Verifies tokens of all services. The trust file is a JWK set whose key ids are the services' names."""

    def __init__(self, trust_file: Path) -> None:
        self._keys = KeySet.import_key_set(json.loads(trust_file.read_text()))
        self._verified: dict[str, tuple[float, Principal]] = {}

    def verify(self, token: str) -> Principal:
        """Return whom the token speaks for. CredentialInvalid for anything but a live token of ours."""
        expiry, principal = self._verified.get(token, (0.0, None))
        if principal is not None and time.time() < expiry:
            return principal
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
            issuer = decoded.claims["iss"]
            if decoded.header.get("kid") != issuer or decoded.claims["aud"] != AUDIENCE:
                raise CredentialInvalid
            expiry, principal = float(decoded.claims["exp"]), _principal(decoded.claims, issuer)
        except (JoseError, KeyError, TypeError, ValueError) as exc:
            raise CredentialInvalid from exc
        if not time.time() < expiry <= time.time() + 2 * LIFETIME:
            raise CredentialInvalid
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token] = (expiry, principal)
        return principal


def role_in(token: str) -> int:
    """Return the role that a token tells of, unverified: for whoever has just had it made."""
    payload = token.split(".")[1]
    return int(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["role"])


def _principal(claims: dict[str, object], issuer: str) -> Principal:
    subject = str(claims["sub"])
    if "account_id" not in claims:
        if subject != f"service:{issuer}":
            raise CredentialInvalid
        return Principal(subject=subject)
    if issuer != USER_ISSUER:
        raise CredentialInvalid
    scopes = claims["scopes"]
    return Principal(
        subject=subject,
        account_id=UUID(str(claims["account_id"])),
        role=int(str(claims["role"])),
        scopes=frozenset(map(str, scopes if isinstance(scopes, list) else [])),
        credential_id=str(claims["credential_id"]),
        name=str(claims.get("name", "")),  # a token of the release before has none
    )
