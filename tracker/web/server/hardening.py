"""Hardening: what every answer tells browsers, so that no other site makes use of it. What it says of itself stays."""

from __future__ import annotations

from collections.abc import Iterable

from tracker.web.server.answers import Message, Send

Headers = Iterable[tuple[bytes, bytes]]

#: what is no page loads nothing, runs nothing, and stands in no frame
NOTHING = b"default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
EVERYWHERE: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", NOTHING),
    (b"cross-origin-resource-policy", b"same-origin"),
    # tile servers ask who uses them: OpenStreetMap refuses requests without a Referer
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-content-type-options", b"nosniff"),
)
#: of a page: it needs none of what it could ask the browser for, and no other window reaches into it
PAGE = {
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
}

_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})


def over_tls_only(seconds: int) -> tuple[tuple[bytes, bytes], ...]:
    """For a server that speaks TLS itself: browsers come back by TLS or not at all."""
    return ((b"strict-transport-security", b"max-age=%d; includeSubDomains" % seconds),) if seconds else ()


def hardened(send: Send, pairs: Headers) -> Send:
    """The same channel; an answer that begins on it says what it did not."""

    async def told(message: Message) -> None:
        if message["type"] in _STARTS:
            message = message | {"headers": completed(message.get("headers", ()), pairs)}
        await send(message)

    return told


def completed(headers: Headers, pairs: Headers = EVERYWHERE) -> list[tuple[bytes, bytes]]:
    said = list(headers)
    names = {name.lower() for name, _ in said}
    return said + [pair for pair in pairs if pair[0] not in names]
