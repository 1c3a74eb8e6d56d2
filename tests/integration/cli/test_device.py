"""A device of a session over real WebSockets that break."""

from cli.attachment import Ended, Output, Wish
from cli.device import Device, Reconnecting
from tests.support.fake_session import CREDIT_BYTES, FakeSession

PRINTED = b"".join(b"line %d\r\n" % number for number in range(20_000))


async def test_events_connection_cut_twice_yields_every_byte_once() -> None:
    """The bytes are those that were printed, whatever happened to the connections."""
    session = FakeSession(PRINTED, cuts=(30_000, 100_000))
    async with session.serve() as endpoint:
        events = [event async for event in Device(endpoint, Wish("s")).events()]
    assert b"".join(event.data for event in events if isinstance(event, Output)) == PRINTED
    assert sum(isinstance(event, Reconnecting) for event in events) == 2
    assert events[-1] == Ended("STOPPED", "EXIT", 3, None, len(PRINTED))


async def test_events_attach_at_offset_goes_on_from_there() -> None:
    """A device that has some bytes already gets the others."""
    async with FakeSession(PRINTED).serve() as endpoint:
        events = [event async for event in Device(endpoint, Wish("s", 123_456)).events()]
    assert b"".join(event.data for event in events if isinstance(event, Output)) == PRINTED[123_456:]


async def test_events_after_cut_controller_takes_control_back() -> None:
    """Its own dead connection may still hold control; the device asks for it and names its offset."""
    session = FakeSession(PRINTED, cuts=(30_000,))
    async with session.serve() as endpoint:
        _ = [event async for event in Device(endpoint, Wish("s", columns=80, rows=24)).events()]
    first, second = session.wishes
    assert first == {"attach.offset": "0", "attach.columns": "80", "attach.rows": "24"}
    assert second["attach.role"] == "CONTROLLER"
    assert second["attach.takeOver"] == "true"
    assert int(second["attach.offset"]) >= 30_000 - 1000


async def test_events_more_than_the_credit_is_acknowledged() -> None:
    """The server sends 128 KiB beyond what is acknowledged and no more; the device keeps it going."""
    session = FakeSession(PRINTED)
    async with session.serve() as endpoint:
        events = [event async for event in Device(endpoint, Wish("s")).events()]
    assert b"".join(event.data for event in events if isinstance(event, Output)) == PRINTED
    assert session.acknowledged >= len(PRINTED) - CREDIT_BYTES
