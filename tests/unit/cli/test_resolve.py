"""From what a person types to what the API wants."""

import pytest

from cli import resolve
from cli.client import Client
from cli.endpoint import Endpoint
from cli.errors import Refused


async def test_workspace_id_of_an_empty_name_is_refused() -> None:
    """An empty name, as from an unset variable, is nobody's; `ws delete ""` must not hit the newest room."""
    with pytest.raises(Refused, match="There is no workspace ''"):
        await resolve.workspace_id(Client(Endpoint("http://127.0.0.1:9", "key")), "")


@pytest.mark.parametrize("text", ["", "nope", "../users/me", "01a1fd0a"])
def test_session_path_of_no_id_is_refused(text: str) -> None:
    """A path is made of an id only."""
    with pytest.raises(Refused, match="is no session's id"):
        resolve.session_path(text)
