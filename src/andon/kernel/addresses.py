"""Checks of addresses that outsiders name: a name that leads into the private network is refused.

The connection goes to the very address that was checked, so a name cannot change its meaning in between.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

_WRAPPING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")))
"""Networks of IPv6 whose addresses end in one of IPv4: NAT64, local NAT64, translated and compatible addresses."""

_PRIVATE = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96", "fec0::/10")))
"""Networks that Python counts as public but that lead into the private network.

They are local NAT64, translated, compatible and site-local addresses.
"""


class AddressRefused(Exception):
    """A host leads to an address that may not be reached."""


Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Gives all addresses of a host and port, or raises OSError."""


async def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host that the system knows. Raises OSError if there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def refuse_private(addresses: Sequence[str]) -> None:
    """Raise AddressRefused if any address is not on the public internet."""
    for address in addresses:
        if not is_public(address):
            raise AddressRefused(address)


def is_public(address: str) -> bool:
    """Return whether an address is on the public internet, even if an IPv4 address is wrapped in an IPv6 one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if any(parsed in network for network in _PRIVATE):
        return False
    return all(one.is_global and not one.is_multicast for one in _unwrapped(parsed))


def _unwrapped(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
    if any(address in network for network in _WRAPPING):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return [address] if inner is None else [address, inner]
