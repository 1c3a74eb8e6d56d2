"""Internal tokens: what is ours and alive is believed, and nothing else."""

import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from chassis.errors import CredentialInvalid
from chassis.rpc.call import Principal
from chassis.rpc.tokens import LIFETIME, TokenVerifier, role_in
from tests.support.tokens import USER, Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Return fresh keys."""
    return Keys(tmp_path)


def test_verify_of_a_user_token_returns_the_person(keys: Keys) -> None:
    """Everything that rights depend on travels in the token."""
    token, expiry = keys.signer("workspace").sign_user(USER)
    assert TokenVerifier(keys.trust).verify(token) == USER
    assert role_in(token) == USER.role
    assert 0 < expiry - time.time() <= LIFETIME


def test_verify_of_a_service_token_returns_the_service_without_an_account(keys: Keys) -> None:
    """A service that calls for itself acts in no account."""
    ((_, value),) = keys.signer("session").metadata()
    assert TokenVerifier(keys.trust).verify(value.removeprefix("Bearer ")) == Principal(subject="service:session")


FORGERIES: dict[str, dict[str, Any]] = {
    "signed by another service's key": {"key": "session"},
    "kid of nobody": {"kid": "nobody"},
    "issuer is not the kid": {"iss": "session"},
    "wrong audience": {"aud": "elsewhere"},
    "no audience": {"aud": None},
    "expired": {"exp": int(time.time()) - 1},
    "no expiry": {"exp": None},
    "lives for a year": {"exp": int(time.time()) + 365 * 24 * 3600},
    "service token that claims an account": {"key": "session", "kid": "session", "sub": "service:session"},
    "gateway token that claims a user": {"key": "gateway", "kid": "gateway"},
    "service that claims to be another": {
        "key": "session",
        "kid": "session",
        "sub": "service:workspace",
        "account_id": None,
    },
    "user without an account": {"account_id": None},
    "account that is no UUID": {"account_id": "me"},
    "no scopes": {"scopes": None},
}


@pytest.mark.parametrize("claims", FORGERIES.values(), ids=FORGERIES.keys())
def test_verify_of_a_forged_token_is_invalid(keys: Keys, claims: dict[str, Any]) -> None:
    """Each claim that is not exactly right refuses the token."""
    with pytest.raises(CredentialInvalid):
        TokenVerifier(keys.trust).verify(keys.forge(**claims))


def test_verify_of_the_honest_token_the_forgeries_start_from_succeeds(keys: Keys) -> None:
    """The forgeries above fail for their one fault, not for a common one."""
    assert TokenVerifier(keys.trust).verify(keys.forge()).account_id == USER.account_id


def test_verify_of_an_unsigned_token_is_invalid(keys: Keys) -> None:
    """Algorithm `none` is not in the list."""
    _, claims, _ = keys.forge().split(".")
    header = "eyJhbGciOiJub25lIiwia2lkIjoid29ya3NwYWNlIn0"  # {"alg":"none","kid":"workspace"}
    with pytest.raises(CredentialInvalid):
        TokenVerifier(keys.trust).verify(f"{header}.{claims}.")


def test_verify_of_a_token_signed_with_the_public_key_as_a_secret_is_invalid(keys: Keys) -> None:
    """HMAC with what everybody knows is the classic confusion of algorithms."""
    public = keys.by_service["workspace"].as_dict(private=False)
    key = OctKey.import_key({"kty": "oct", "k": str(public["x"])})
    claims = {"iss": "workspace", "aud": "stateroom", "sub": "service:workspace", "exp": int(time.time()) + 30}
    token = jwt.encode({"alg": "HS256", "kid": "workspace"}, claims, key, algorithms=["HS256"])
    with pytest.raises(CredentialInvalid):
        TokenVerifier(keys.trust).verify(token)


@pytest.mark.parametrize("token", ["", "eyJ", "eyJ.eyJ.eyJ", "a.b", "eyJhbGciOiJFZDI1NTE5In0..", "\u0000"])
def test_verify_of_garbage_is_invalid(keys: Keys, token: str) -> None:
    """Nothing a stranger sends makes it fail in another way."""
    with pytest.raises(CredentialInvalid):
        TokenVerifier(keys.trust).verify(token)
