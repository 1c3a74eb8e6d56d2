"""Where requests of users may go: a name is resolved once, all its addresses are checked, and one of them is used."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_LOWEST_PORT = 1024
_PORTS = {80, 443}
"""Ports below that which are for HTTP."""


class NotAllowed(Exception):
    """A request may not go there: why for programs, and in a sentence for people."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be reached: the public internet, and the networks that the installation allows beside it."""

    allowed: Sequence[Network] = ()

    @classmethod
    def allowing(cls, networks: str) -> "Egress":
        """Return it with networks that are separated by commas, such as `10.1.0.0/16`. ValueError for what is none."""
        return cls(tuple(ip_network(each.strip()) for each in networks.split(",") if each.strip()))

    async def address_of(self, host: str, port: int) -> str:
        """Return the address to connect to. NotAllowed when one of them may not be reached, or there is none."""
        if port < _LOWEST_PORT and port not in _PORTS:
            raise NotAllowed("PORT_NOT_ALLOWED", f"port {port} is not for HTTP")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise NotAllowed("DESTINATION_UNKNOWN", f"{host} has no address") from exc
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        for address in addresses:
            kind = self._obstacle(ip_address(address))
            if kind:
                raise NotAllowed("DESTINATION_NOT_ALLOWED", f"{host} is {address}, which is {kind}")
        return addresses[0]

    def allows(self, address: str) -> bool:
        """Return whether an address is in a network that the installation allows."""
        inner = _inside(ip_address(address))
        return any(inner in network for network in self.allowed if network.version == inner.version)

    def _obstacle(self, address: Address) -> str:
        """Return why an address may not be reached; empty when it may."""
        if self.allows(str(address)):
            return ""
        inner = _inside(address)
        for kind in ("loopback", "link_local", "multicast", "unspecified", "private", "reserved"):
            if getattr(inner, f"is_{kind}"):
                return kind.replace("_", "-")
        return "" if inner.is_global else "not public"


def _inside(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
