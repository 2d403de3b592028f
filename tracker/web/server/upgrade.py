"""Upgrade: the plain handshake of a WebSocket that came whole, as browsers send it, read without h11 and wsproto.

As shortcut.py it recognises what can be read in one way only, and leaves all else to Hypercorn.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wsproto.utilities import generate_accept_token

from tracker.web.server.answers import Scope
from tracker.web.server.shortcut import HEADERS, MOST_HEAD, date_line, headers_of

BEGINS = b"GET /"
_HEAD = re.compile(rb"GET (/[!$&-~]*) HTTP/1\.1\r\n(" + HEADERS + rb")\r\n")
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_UPGRADES = ({b"upgrade"}, {b"upgrade", b"keep-alive"})
#: what changes how a request is read
_NOT_PLAIN = frozenset(
    {b"transfer-encoding", b"content-length", b"expect", b"te", b"trailer", b"proxy-connection", b"http2-settings"}
)
#: of these nothing is ever agreed to
_EXTENSIONS = b"sec-websocket-extensions"


class Upgrade(NamedTuple):
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]  # lower-case names, each once
    key: bytes
    subprotocols: list[str]
    end: int  # of the request in what came


def recognised(data: bytes) -> Upgrade | None:
    """The request that `data` begins with. None: it is no plain handshake."""
    end = data.find(b"\r\n\r\n", 0, MOST_HEAD) + 4
    if end < 4 or (found := _HEAD.fullmatch(data, 0, end)) is None:
        return None
    target, block = found.groups()
    headers = headers_of(block)
    if headers is None or not _NOT_PLAIN.isdisjoint(headers) or headers.get(b"upgrade", b"").lower() != b"websocket":
        return None
    key, offered = headers.get(b"sec-websocket-key", b""), headers.get(b"sec-websocket-protocol")
    if _KEY.fullmatch(key) is None or headers.get(b"sec-websocket-version") != b"13":
        return None
    if _words(headers.get(b"connection", b"").lower()) not in _UPGRADES or not (offered or b"").isascii():
        return None
    headers.pop(_EXTENSIONS, None)
    path, _, query = target.partition(b"?")
    subprotocols = [] if offered is None else [one.strip() for one in offered.decode().split(",")]
    return Upgrade(path, query, list(headers.items()), key, subprotocols, end)


def _words(value: bytes) -> set[bytes]:
    return {one.strip(b" \t") for one in value.split(b",")}


def scope_of(upgrade: Upgrade, common: Scope) -> Scope:
    """What Hypercorn says of such a handshake; `common` is what it says of each request of the connection."""
    return {name: common[name] for name in common if name != "method"} | {
        "type": "websocket", "asgi": {"spec_version": "2.3", "version": "3.0"},
        "scheme": "wss" if common["scheme"] == "https" else "ws", "path": upgrade.path.decode(),
        "raw_path": upgrade.path, "query_string": upgrade.query, "headers": upgrade.headers,
        "subprotocols": upgrade.subprotocols,
    }  # fmt: skip


def accepted(key: bytes, subprotocol: str | None) -> bytes:
    """The answer that lets it in."""
    chosen = b"" if subprotocol is None else b"sec-websocket-protocol: %b\r\n" % subprotocol.encode()
    return (b"HTTP/1.1 101 \r\n%bsec-websocket-accept: %b\r\nupgrade: WebSocket\r\nconnection: Upgrade\r\n%b\r\n") % (
        chosen,
        generate_accept_token(key),
        date_line(),
    )
