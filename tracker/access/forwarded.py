"""Forwarded: who asks where a proxy asks for them, and under which address they know us.

Headers are believed of the proxies in `behind_proxy` only, and of a chain of them the rightmost address that is none of
theirs is who asks: what stands left of it that one may have made up. `X-Forwarded-For`, `-Proto` and `-Host` and the
`Forwarded` of RFC 7239 are read; where both are there and name two callers, one was made up and passed on unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from tracker.config import networks
from tracker.errors import BadRequest

RENAMED = "tracker.renamed_host"  #: in the scope: the Host of the proxy's own request, where the caller used another
FOR, PROTO, HOST, FORWARDED = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded"
OURS = frozenset({FOR, PROTO, HOST, FORWARDED})

_PAIR = re.compile(r"""\s*(?:([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*))?\s*(;|,|$)""")
_AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")


class Hop(NamedTuple):
    """What one proxy says of whoever asked it."""

    address: str = ""
    scheme: str = ""
    host: str = ""


class Proxies:
    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = networks(trusted)
        self._trusts = lru_cache(maxsize=4096)(self._is_trusted)

    def seen(self, scope: dict[str, Any]) -> dict[str, Any]:
        """The scope of a request as it was before trusted proxies took it. Raises BadRequest."""
        if not self._networks:
            return scope
        peer, port = (*(scope.get("client") or ("", 0)), 0)[:2]
        if not self._trusts(plain(peer) or ""):
            return scope
        told: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in OURS:
                told[name] = f"{told[name]},{value.decode('latin-1')}" if name in told else value.decode("latin-1")
        if not told:
            return scope
        caller = self._caller(peer, told)
        secure = caller.scheme == "https" if caller.scheme else scope["scheme"] in ("https", "wss")
        scheme = ("wss" if secure else "ws") if scope["type"] == "websocket" else "https" if secure else "http"
        changed = {**scope, "client": (caller.address, port), "scheme": scheme}
        if caller.host:
            own = next((value for name, value in scope["headers"] if name == b"host"), b"")
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            changed |= {"headers": [(b"host", caller.host.encode("latin-1")), *others], RENAMED: own}
        return changed

    def _caller(self, peer: str, told: Mapping[bytes, str]) -> Hop:
        callers = []
        if FOR in told or PROTO in told or HOST in told:
            callers.append(self._behind(peer, _listed(told)))
        if FORWARDED in told:
            callers.append(self._behind(peer, _elements(told[FORWARDED])))
        if callers[0].address != callers[-1].address:
            raise BadRequest(
                "bad_header",
                "X-Forwarded-For and Forwarded name two callers, and one of them nobody wrote whom we trust: have the "
                "proxy set or remove both",
            )
        return callers[0]

    def _behind(self, peer: str, hops: list[Hop]) -> Hop:
        caller = hops[-1]._replace(address=plain(peer) or peer)
        for hop in reversed(hops):
            if (address := plain(hop.address)) is None:
                break  # that proxy hides it, or does not know
            caller = hop._replace(address=address)
            if not self._trusts(address):
                break
        return caller._replace(scheme=_scheme(caller.scheme), host=_host(caller.host))

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def plain(text: str) -> str | None:
    """An address as it is written in such headers (`[2001:db8::1]:443`, `192.0.2.1:80`), without the rest."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(found)


def _listed(told: Mapping[bytes, str]) -> list[Hop]:
    """Of lists that are equally long each hop has its own; else the last word is that of the nearest proxy."""
    addresses, schemes, hosts = (
        [part.strip() for part in told.get(name, "").split(",")] for name in (FOR, PROTO, HOST)
    )
    if len(schemes) != len(addresses):
        schemes = schemes[-1:] * len(addresses)
    if len(hosts) != len(addresses):
        hosts = hosts[-1:] * len(addresses)
    return [Hop(*hop) for hop in zip(addresses, schemes, hosts, strict=True)]


def _elements(text: str) -> list[Hop]:
    """RFC 7239. One that cannot be read might hide what a proxy wrote behind it. Raises BadRequest."""
    hops, pairs, at = [], dict[str, str](), 0
    while at <= len(text):
        if (found := _PAIR.match(text, at)) is None:
            raise BadRequest("bad_header", "this Forwarded header cannot be read; have the proxy write it anew")
        name, value, end = found.groups()
        if name:
            pairs[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        if end != ";":
            if pairs:
                hops.append(Hop(pairs.get("for", ""), pairs.get("proto", ""), pairs.get("host", "")))
            pairs = {}
        at = found.end() if end else len(text) + 1
    return hops or [Hop()]


def _scheme(text: str) -> str:
    text = {"wss": "https", "ws": "http"}.get(text.lower(), text.lower())
    return text if text in ("http", "https") else ""


def _host(text: str) -> str:
    return text if _AUTHORITY.fullmatch(text) else ""
