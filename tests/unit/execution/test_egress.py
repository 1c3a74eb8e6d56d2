"""Where requests of steps may go, whatever the address is written like."""

import pytest

from services.execution.egress import Egress, NotAllowed


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("localhost", "loopback"),
        ("::1", "loopback"),
        ("0x7f000001", "loopback"),
        ("169.254.169.254", "link-local"),
        ("0xA9FEA9FE", "link-local"),
        ("2852039166", "link-local"),
        ("0251.0376.0251.0376", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("fe80::1", "link-local"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("fd00::1", "private"),
        ("100.64.0.1", "not public"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),  # noqa: S104  # nobody listens
        ("255.255.255.255", "private"),
    ],
)
async def test_address_that_is_not_public_is_not_reached(host: str, kind: str) -> None:
    """The refusal says which address it is, and of which class."""
    with pytest.raises(NotAllowed, match=kind) as refusal:
        await Egress().address_of(host, 443)
    assert refusal.value.reason == "DESTINATION_NOT_ALLOWED"


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
async def test_address_that_is_public_is_reached(host: str) -> None:
    """By the address that was checked."""
    assert await Egress().address_of(host, 443) == host


async def test_network_that_the_installation_allows_is_reached_and_no_other() -> None:
    """However it is written."""
    egress = Egress.allowing("10.1.0.0/16, fd00:1::/32")
    assert await egress.address_of("10.1.2.3", 8080) == "10.1.2.3"
    assert await egress.address_of("::ffff:10.1.2.3", 8080) == "::ffff:10.1.2.3"
    with pytest.raises(NotAllowed):
        await egress.address_of("10.2.0.1", 8080)


async def test_port_of_another_protocol_is_not_reached() -> None:
    """As that of mail or of shells."""
    for port in (22, 25):
        with pytest.raises(NotAllowed, match=f"port {port}"):
            await Egress().address_of("1.1.1.1", port)
