"""Credentials: what is minted is read back, and what is mistyped is seen before any look-up."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import ids
from chassis.errors import CredentialMalformed
from chassis.rpc import credential

IDS = st.uuids()
POSITIONS = st.integers(min_value=0)
CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126)


@given(credential_id=IDS)
def test_parse_of_what_mint_made_returns_the_same(credential_id: UUID) -> None:
    """The id comes back, and the secret's digest, for every id."""
    minted = credential.mint(credential.API_KEY, credential_id)
    parsed = credential.parse(minted.text)
    assert parsed == minted
    assert parsed.credential_id == credential_id


@given(credential_id=IDS, position=POSITIONS, character=CHARACTERS)
def test_parse_with_one_changed_character_is_malformed(credential_id: UUID, position: int, character: str) -> None:
    """A typing error is told apart from a revoked key, and costs no query."""
    text = credential.mint(credential.API_KEY, credential_id).text
    position %= len(text)
    if text[position] == character:
        return
    with pytest.raises(CredentialMalformed):
        credential.parse(text[:position] + character + text[position + 1 :])


@given(text=st.text(max_size=120))
def test_parse_of_any_text_is_malformed(text: str) -> None:
    """No text makes it fail in another way."""
    with pytest.raises(CredentialMalformed):
        credential.parse(text)


def test_mint_twice_for_one_id_makes_two_secrets() -> None:
    """The secret is random, not derived."""
    credential_id = ids.new()
    first, second = (credential.mint(credential.API_KEY, credential_id) for _ in range(2))
    assert first.secret_sha256 != second.secret_sha256
    assert first.prefix == first.text[:12]
