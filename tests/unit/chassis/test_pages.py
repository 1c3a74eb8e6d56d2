"""Page tokens fit the list, the arguments and the account they were made for, and nothing else."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stateroom.session.v1 import session_service_pb2
from stateroom.workspace.v1 import workspace_service_pb2

from chassis import ids
from chassis.errors import InvalidPageToken
from chassis.pages import DEFAULT_SIZE, MAXIMUM_SIZE, Pages

PAGES = Pages(b"secret")
ACCOUNT = ids.new()
Request = workspace_service_pb2.ListWorkspacesRequest


def _token(request: Request, last: UUID) -> str:
    page = PAGES.open(request, ACCOUNT)
    shown, token = page.cut([last] * page.limit, key=lambda row: row)
    assert len(shown) == page.size == page.limit - 1
    return token


def test_open_without_a_token_begins_at_the_start_with_the_default_size() -> None:
    """0 means the default."""
    page = PAGES.open(Request(), ACCOUNT)
    assert (page.size, page.after, page.after_id, page.after_number) == (DEFAULT_SIZE, None, None, None)


def test_open_with_a_large_size_cuts_it_to_the_maximum() -> None:
    """A large size is no error (AIP-158)."""
    assert PAGES.open(Request(page_size=100_000), ACCOUNT).size == MAXIMUM_SIZE


def test_open_with_its_own_token_goes_on_after_the_last_row() -> None:
    """The token carries the key, and the page size may change between pages."""
    last = ids.new()
    token = _token(Request(page_size=3, name="a"), last)
    page = PAGES.open(Request(page_size=7, page_token=token, name="a"), ACCOUNT)
    assert (page.size, page.after_id) == (7, last)


def test_cut_of_a_last_page_gives_no_token() -> None:
    """An empty token is the only sign of the end."""
    page = PAGES.open(Request(page_size=3), ACCOUNT)
    assert page.cut([1, 2, 3], key=lambda row: row) == ([1, 2, 3], "")


@pytest.mark.parametrize(
    ("request_", "account"),
    [
        (Request(name="b"), ACCOUNT),
        (Request(name="a", show_deleted=True), ACCOUNT),
        (Request(name="a"), ids.new()),
        (session_service_pb2.ListSessionsRequest(), ACCOUNT),
    ],
    ids=["other filter", "one more filter", "other account", "other list"],
)
def test_open_with_a_token_of_another_list_refuses_it(request_: Request, account: UUID) -> None:
    """A token never carries what it was made for somewhere else."""
    request_.page_token = _token(Request(name="a"), ids.new())
    with pytest.raises(InvalidPageToken):
        PAGES.open(request_, account)


def test_open_with_a_token_of_another_installation_refuses_it() -> None:
    """Another secret opens nothing."""
    token = _token(Request(), ids.new())
    with pytest.raises(InvalidPageToken):
        Pages(b"other").open(Request(page_token=token), ACCOUNT)


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_open_with_one_flipped_bit_refuses_the_token(position: int, bit: int) -> None:
    """Tokens are authenticated."""
    sealed = bytearray(base64.urlsafe_b64decode(_token(Request(), ids.new()) + "=="))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(InvalidPageToken):
        PAGES.open(Request(page_token=base64.urlsafe_b64encode(sealed).decode()), ACCOUNT)


@given(text=st.text(min_size=1, max_size=100))
def test_open_with_any_text_refuses_it(text: str) -> None:
    """No text makes it fail in another way."""
    with pytest.raises(InvalidPageToken):
        PAGES.open(Request(page_token=text), ACCOUNT)
