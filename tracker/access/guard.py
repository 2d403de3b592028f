"""Guard: who is let in at all. Until accounts exist everybody who is may see and do everything.

What is checked already needs no account: the Host header (a web page that rebinds its own DNS name to our address
must not read the fleet) and the Origin of whatever changes something or opens a socket (no other site may).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from tracker.access.forwarded import RENAMED
from tracker.access.grants import EVERYTHING, Grant
from tracker.config import Settings, SettingsError
from tracker.errors import NotAllowed

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  #: methods that change nothing
STORE = "STORE"  #: whatever the method, something is stored: a GET of a phone; whoever shows a token may from anywhere
_USUAL = {"http": ":80", "https": ":443"}  #: ports that are written or not


class Guard:
    """The access of a server without accounts."""

    def __init__(self, settings: Settings) -> None:
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", *(name.lower().rstrip(".") for name in settings.hosts)}
        self._origins = {origin.lower().rstrip("/") for origin in settings.origins}
        self._known_host = lru_cache(maxsize=256)(self._is_our_host)

    def check(self, method: str, scope: Mapping[str, Any], headers: Mapping[bytes, bytes] | None = None) -> Grant:
        """What the sender of this request may do; to open a channel counts as a change. Raises NotAllowed."""
        if headers is None:
            headers = dict(scope["headers"])
        host = headers.get(b"host", b"")
        if host and not self._known_host(host):
            raise _not_ours(host)
        if (renamed := scope.get(RENAMED)) and not self._known_host(renamed):
            raise _not_ours(renamed)
        if method in SAFE:
            return EVERYTHING
        origin = headers.get(b"origin")
        if origin is None and _is_from_another_site(headers):
            raise NotAllowed("origin_not_allowed", "a page of another site may not do this, and it does not say which")
        if origin is not None and not self._is_same_origin(origin, host, str(scope.get("scheme", ""))):
            raise NotAllowed(
                "origin_not_allowed",
                f"a page from {_shown(origin)} may not do this; add it to the setting `origins` when it should",
            )
        return EVERYTHING

    def again(self, grant: Grant) -> Grant:
        return grant

    def _is_our_host(self, host: bytes) -> bool:
        """Addresses are safe by themselves: only names can be rebound."""
        name = host.decode("latin-1").lower()
        if name.startswith("["):
            name, closed, rest = name[1:].partition("]")
            if not closed or rest[:1] not in ("", ":"):
                return False
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        return name.rstrip(".") in self._names or _is_address(name)

    def _is_same_origin(self, origin: bytes, host: bytes, scheme: str) -> bool:
        """Without a word of `https` a proxy may speak TLS for us, so either scheme is ours."""
        text = origin.decode("latin-1").lower()
        theirs, _, authority = text.partition("://")
        if theirs == "https" or (theirs == "http" and scheme not in ("https", "wss")):
            usual = _USUAL[theirs]
            if host and authority.removesuffix(usual) == host.decode("latin-1").lower().removesuffix(usual):
                return True
        return text in self._origins


def check_bind(settings: Settings, administrator: bool = False) -> str | None:
    """A warning when others can come in, or listen, who should not. Raises SettingsError when that was not asked for.

    `administrator`: there is one, so people sign in and senders need tokens.
    """
    where = f"{settings.host}:{settings.port}"
    if settings.is_loopback:
        return None
    if not administrator:
        if settings.open:
            return f"everybody who can reach {where} may see and change everything (--open): nobody signs in yet"
        raise SettingsError(
            f"{settings.host} can be reached from other machines and nobody signs in yet: make an administrator "
            "(tracker users add NAME --role administrator), add --open to let everybody in, or listen on 127.0.0.1"
        )
    if settings.cert:
        return None
    if settings.behind_proxy:
        return _past_proxy(where, settings.behind_proxy)
    if settings.insecure or settings.open:
        return f"what is said to {where} can be read and changed on the way, passwords too"
    raise SettingsError(
        f"{settings.host} can be reached from other machines, and passwords would go there for all to read: add --cert "
        "and --key, or --behind-proxy where a proxy speaks TLS for this server, or --insecure in a network you trust"
    )


def _past_proxy(where: str, proxies: list[str]) -> str:
    past = f"whoever reaches {where} past the proxy is served without TLS"
    if proxies == ["loopback"]:
        return f"{past}: the proxy is on this machine, so listen on 127.0.0.1 only (docs/proxies.md)"
    admit = f"have a firewall admit {', '.join(proxies)} only"
    return f"{past}: {admit}; who asks from there is believed whom it asks for (docs/proxies.md)"


def _not_ours(host: bytes) -> NotAllowed:
    return NotAllowed(
        "host_not_allowed",
        f"this server does not go by the name {_shown(host)}; add it to the setting `hosts` when it should",
    )


def _is_from_another_site(headers: Mapping[bytes, bytes]) -> bool:
    """What the browser says of the page, where a page can keep its Origin from being sent."""
    said = headers.get(b"sec-fetch-site")
    return said is not None and said.strip().lower() not in (b"same-origin", b"none")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _shown(value: bytes) -> str:
    text = value.decode("latin-1")
    return repr(text if len(text) <= 80 else text[:79] + "…")
