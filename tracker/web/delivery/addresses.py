"""Addresses: where the server may connect to when a target names the address. What is not public is somebody's own: the
router, a database, the metadata of a cloud, this server itself; it takes a setting to tell these anything.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

MOST_URL = 2000  #: characters
_NETWORK = IPv4Network | IPv6Network
#: IPv6 that leads to an address of IPv4: its last bytes (NAT64), or those behind the first two (6to4)
_NAT64, _6TO4 = ip_network("64:ff9b::/96"), ip_network("2002::/16")
#: what the standard library takes for public and nobody should
_OTHERS = [
    ip_network(name) for name in ("64:ff9b:1::/48", "::ffff:0:0:0/96", "fec0::/10", "::/96", "3fff::/20", "5f00::/16")
]


class Refused(Exception):
    """It may not be asked; says why."""


class Place(NamedTuple):
    """Where a URL leads."""

    host: str
    port: int
    is_tls: bool
    netloc: str
    target: str


def place_of(url: str) -> Place:
    """Raises Refused for what is no address of a webhook."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = host.encode("idna").decode("ascii")  # of ASCII it looks at the lengths
    except (ValueError, UnicodeError):
        raise Refused("it is no URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise Refused("a URL begins with https:// and a host")
    if len(url) > MOST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise Refused(f"a URL has at most {MOST_URL} characters, no spaces and no backslashes")
    if "@" in parts.netloc:
        raise Refused("a URL has no name and password in it: what comes is signed")
    if "#" in url:
        raise Refused("what follows a # in a URL is never sent: leave it out")
    is_tls = parts.scheme == "https"
    shown = f"[{name}]" if ":" in name else name
    netloc = shown if port is None else f"{shown}:{port}"
    return Place(name, port or (443 if is_tls else 80), is_tls, netloc, _target(parts))


def _target(parts: SplitResult) -> str:
    whole = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "".join(char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in whole)


def check(address: str, is_tls: bool, allowed: Iterable[_NETWORK]) -> None:
    """Raises Refused for an address that may not be asked, or not without TLS."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if any(found in network for network in allowed):
        return
    if not is_public(found):
        raise Refused(
            f"{address} is not of the public internet: whoever runs this server can allow it (`target_networks`)"
        )
    if not is_tls:
        raise Refused("without TLS all on the way could read it: use https://")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address in _6TO4:
            return is_public(IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
        if any(address in network for network in _OTHERS):
            return False
    return address.is_global and not address.is_multicast


async def resolved(place: Place, allowed: Iterable[_NETWORK]) -> list[str]:
    """The addresses of its host, each looked at: what is connected to is one of these, whatever the name means later.
    Raises Refused, OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        check(address, place.is_tls, allowed)
    return addresses
