"""Several devices at one session: who may type, and that all are shown the same."""

import asyncio

import pytest

from cli.attachment import Wish, attach
from cli.client import Client
from cli.endpoint import Endpoint
from cli.errors import Refused
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import attached, ended, opened_session, output, shown, write
from tests.support.waiting import until


async def test_two_devices_are_shown_the_same_bytes(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """One device from the beginning with a cut in the middle, one from an offset while the program prints."""
    api = embedded_stack.api
    async with opened_session(client, workspace_id) as session_id:
        async with attached(api, Wish(session_id, role="CONTROLLER")) as first:
            await first.device.type(b"for i in $(seq 2000); do echo line $i; done; exit\n")
            await shown(first, b"line 500\r\n")
            first.device.cut()
            offset = len(first.data) // 2
            async with attached(api, Wish(session_id, offset, "OBSERVER")) as second:
                await asyncio.gather(ended(first), ended(second))
        stored = await output(client, session_id)
    assert bytes(first.data) == stored
    assert bytes(second.data) == stored[offset:]


async def test_attach_input_of_an_observer_is_refused(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A device that only watches cannot type, and is told so."""
    api = embedded_stack.api
    async with opened_session(client, workspace_id) as session_id:
        async with attach(api, Wish(session_id, role="OBSERVER")) as observer:
            await observer.type(b"echo typed by nobody\n")
            with pytest.raises(Refused) as refusal:
                async for _ in observer.events():
                    pass
        assert refusal.value.reason == "READ_ONLY"
        await write(client, session_id, b"exit\n")
        assert b"nobody" not in await output(client, session_id)


async def test_attach_take_over_first_device_only_watches_on(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A second device is refused control, takes it, and types; the first is told and goes on watching."""
    api = embedded_stack.api
    async with opened_session(client, workspace_id) as session_id:
        async with attached(api, Wish(session_id, role="CONTROLLER")) as first:
            await first.device.type(b"echo fir''st\n")
            await shown(first, b"first")
            with pytest.raises(Refused) as refusal:
                await _attach(api, Wish(session_id, role="CONTROLLER"))
            assert refusal.value.reason == "CONTROLLER_TAKEN"
            async with attached(api, Wish(session_id, role="CONTROLLER", take_over=True)) as second:
                await second.device.type(b"echo sec''ond; exit\n")
                await asyncio.gather(ended(first), ended(second))
            assert first.device.role == "OBSERVER"
        assert b"second" in first.data
        assert bytes(first.data) == bytes(second.data)


async def test_write_session_only_while_no_device_controls_it(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """Typing by a call works beside observers, and is refused beside a controller."""
    api = embedded_stack.api
    async with opened_session(client, workspace_id) as session_id:
        async with attached(api, Wish(session_id, role="CONTROLLER")) as controller:
            await controller.until(lambda device: device.device.role == "CONTROLLER")
            with pytest.raises(Refused) as refusal:
                await write(client, session_id, b"echo refused\n")
            assert refusal.value.reason == "CONTROLLER_TAKEN"
        async with attached(api, Wish(session_id, role="OBSERVER")) as observer:
            await _write_once_free(client, session_id, b"echo wri''tten\n")
            await shown(observer, b"written")
        assert b"refused" not in observer.data


async def _attach(api: Endpoint, wish: Wish) -> None:
    """Attach and watch until the session ends."""
    async with attach(api, wish) as attachment:
        async for _ in attachment.events():
            pass


async def _write_once_free(client: Client, session_id: str, text: bytes) -> None:
    """Type as soon as the server has noticed that the controller is gone."""

    async def written() -> bool:
        try:
            await write(client, session_id, text)
        except Refused as refusal:
            if refusal.reason != "CONTROLLER_TAKEN":
                raise
            return False
        return True

    await until(written)
