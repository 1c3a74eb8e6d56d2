"""I7, I8: whatever part dies while a program prints, every device and the log get every byte, once and in order."""

import asyncio
import random
from hashlib import sha256

import pytest

from chassis import ids
from cli.attachment import Wish
from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import attached, create_workspace, ended, make_repository, opened_session, output, shown

LINES, SLOW_LINES = 20_000, 150
NOISE = random.Random(7).randbytes(4 * 1024 * 1024)  # noqa: S311 -- the same bytes in each run
"""Every byte value there is: NUL, broken UTF-8, and by chance the beginnings of escape sequences."""
BEGIN = b"the output begins\n"
SCRIPT = f"""
stty -opost -echo
echo '{BEGIN.decode().strip()}'
for part in $(seq $1); do
    seq -f "line %.0f of part $part" {LINES}
    cat noise
    for number in $(seq {SLOW_LINES}); do echo "slow line $number of part $part"; sleep 0.01; done
done
exit 7
""".encode()


def printed(rounds: int) -> bytes:
    """Return what the script prints."""
    return BEGIN + b"".join(
        b"".join(b"line %d of part %d\n" % (number, part) for number in range(1, LINES + 1))
        + NOISE
        + b"".join(b"slow line %d of part %d\n" % (number, part) for number in range(1, SLOW_LINES + 1))
        for part in range(1, rounds + 1)
    )


@pytest.mark.timeout(180)
@pytest.mark.parametrize("part", ["session", "gateway", "postgres", "nats", "workspace"])
async def test_output_part_is_killed_no_byte_is_lost(
    part: str, embedded_stack: EmbeddedStack, client: Client, rounds: int
) -> None:
    """Two devices, one of them cut besides, and the log have exactly what the program wrote; the exit code is kept."""
    stack, name = embedded_stack, f"{part}-{ids.new().hex[-8:]}"
    repository = await make_repository(stack.folder / name, {"noise": NOISE, "print.sh": SCRIPT})
    workspace = await create_workspace(client, name, repository)
    async with opened_session(client, workspace["workspaceId"]) as session_id:
        async with (
            attached(stack.api, Wish(session_id, role="CONTROLLER", device="first")) as first,
            attached(stack.api, Wish(session_id, role="OBSERVER", device="second")) as second,
        ):
            await first.device.type(b"exec bash print.sh %d\n" % rounds)
            for number in range(1, rounds + 1):
                await shown(first, b"slow line 10 of part %d\n" % number)
                await stack.kill(part)
                second.device.cut()
            await asyncio.gather(ended(first), ended(second))
        stored = await output(client, session_id)
        session = await client.get(f"/v1/sessions/{session_id}")
    written = printed(rounds)
    assert sha256(first.data[-len(written) :]).digest() == sha256(written).digest()
    assert sha256(first.data).digest() == sha256(second.data).digest() == sha256(stored).digest()
    assert (session["state"], session["exitCode"], int(session["outputBytes"])) == ("STOPPED", 7, len(stored))
    assert session["logComplete"]
