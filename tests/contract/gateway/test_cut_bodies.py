"""Bodies that end before they are whole: the connection broke, or was never meant to hold."""

import asyncio

import pytest
from stateroom.session.v1.session_service_pb2 import CreateSessionRequest

from tests.contract.gateway.conftest import Stack
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHOLE = b'{"columns":90}'


async def _post(stack: Stack, framing: str, sent: bytes, *, leaves: bool = True) -> str:
    """Send a head and some bytes, then nothing more when it `leaves`; returns the answer."""
    reader, writer = await asyncio.open_connection(*stack.listen.split(":"))
    head = (
        f"POST /v1/sessions HTTP/1.1\r\nHost: {stack.listen}\r\nAuthorization: Bearer {stack.credential}\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\n{framing}\r\n\r\n"
    )
    writer.write(head.encode() + sent)
    if leaves:
        writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return answer.decode()


def _orders(stack: Stack) -> int:
    """Return how many requests for a session there were; the first call of all exchanges the credential as well."""
    return sum(isinstance(request, CreateSessionRequest) for request in stack.services.requests)


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        pytest.param("Content-Length: 99", b"", id="nothing"),
        pytest.param("Content-Length: 99", WHOLE, id="what-looks-whole"),
        pytest.param("Transfer-Encoding: chunked", b"", id="no-chunk"),
        pytest.param("Transfer-Encoding: chunked", b"e\r\n" + WHOLE + b"\r\n", id="no-last-chunk"),
    ],
)
async def test_create_session_body_that_is_cut_short_reaches_no_service(
    stack: Stack, framing: str, sent: bytes
) -> None:
    """Part of a request is not what was asked for: an etag or a limit may have stood in the rest."""
    before = _orders(stack)
    answer = await _post(stack, framing, sent)
    assert answer[:12] in {"HTTP/1.1 400", ""}, "who leaves may miss the answer"
    assert _orders(stack) == before


async def test_create_session_chunk_that_is_none_is_refused(stack: Stack) -> None:
    """Nor does what a broken client sends; it is told, as it is still there."""
    before = _orders(stack)
    answer = await _post(stack, "Transfer-Encoding: chunked", b"e\r\n" + WHOLE + b"\r\nZZ\r\n\r\n", leaves=False)
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"field":"body"' in answer
    assert _orders(stack) == before


async def test_create_session_body_in_whole_chunks_passes(stack: Stack) -> None:
    """The last chunk is the end."""
    chunks = b"5\r\n" + WHOLE[:5] + b"\r\n9\r\n" + WHOLE[5:] + b"\r\n0\r\n\r\n"
    answer = await _post(stack, "Transfer-Encoding: chunked", chunks, leaves=False)
    assert answer.startswith("HTTP/1.1 200 ")
    assert '"columns":90' in answer
