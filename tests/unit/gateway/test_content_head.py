"""The head of answers with content: parts of it, and versions that the client knows."""

import pytest
from stateroom.api.v1.content_pb2 import ContentInfo

from gateway.content_head import head_of, range_fields
from gateway.http import HttpRequest

INFO = ContentInfo(etag='"1"', size_bytes=10, offset=2, length=3, file_name='a"\n.txt')


def _request(**headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest("GET", "/", b"", named, 0, False, "", "id", "")  # noqa: FBT003  # as in its definition


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ("bytes=0-0", {"offset": "0", "length": "1"}),
        ("bytes=5-", {"offset": "5"}),
        ("bytes=-5", {}),
        ("bytes=5-4", {}),
        ("bytes=0-1,3-4", {}),
        ("lines=0-1", {}),
        ("bytes=" + "9" * 40 + "-", {}),
        ("", {}),
    ],
)
def test_range_fields_are_those_of_one_range_that_begins_somewhere(asked: str, fields: dict[str, str]) -> None:
    """Others are not heeded, as HTTP allows: the answer is then the whole."""
    assert range_fields({"range": asked}) == fields
    assert range_fields({"range": asked, "if-range": '"1"'}) == {}


def test_head_of_a_part_says_which() -> None:
    """Of how much it is a part, and how long it is; a name cannot break out of its header."""
    status, headers = head_of(_request(), INFO, ranged=True)
    assert status == 206
    assert dict(headers) == {
        b"etag": b'"1"',
        b"content-disposition": b"attachment; filename*=UTF-8''a%22%0A.txt",
        b"accept-ranges": b"bytes",
        b"content-length": b"3",
        b"content-range": b"bytes 2-4/10",
    }


def test_head_of_known_content_is_not_modified_and_of_an_empty_part_not_satisfiable() -> None:
    """Neither has a body."""
    assert head_of(_request(if_none_match='"0", W/"1"'), INFO, ranged=False)[0] == 304
    assert head_of(_request(if_none_match='"0"'), INFO, ranged=False)[0] == 200
    empty = ContentInfo(size_bytes=10, offset=10)
    assert head_of(_request(), empty, ranged=True) == (
        416,
        [(b"accept-ranges", b"bytes"), (b"content-range", b"bytes */10")],
    )


def test_head_of_content_of_unknown_length_has_none() -> None:
    """An archive that is made while it is sent, or a stream of a service that says nothing."""
    assert head_of(_request(), ContentInfo(), ranged=False) == (200, [])
