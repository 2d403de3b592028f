"""Front: what every request meets first: the access checks, and the routes that are answered before Quart's router."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from tracker.access.forwarded import Proxies
from tracker.errors import BadRequest, NotFound, Overloaded, TrackerError
from tracker.node import Node
from tracker.turns.buffer import Share
from tracker.web.ingest import http as ingest
from tracker.web.ingest.bodies import Body, Patience, Whole, refuse
from tracker.web.ingest.repeated import Repeated
from tracker.web.live.channel import OPENING
from tracker.web.server import sockets
from tracker.web.server.answers import Answered, Receive, Scope, Send, problem
from tracker.web.server.hardening import EVERYWHERE, hardened, over_tls_only

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def _without_host(scope: Scope) -> Scope:
    """As a modem asks that takes us for its proxy: `GET http://host/?id=…` is answered like `GET /?id=…`."""
    raw = scope.get("raw_path") or b""
    if not raw.lower().startswith((b"http://", b"https://")):
        return scope
    path, raw_path = scope["path"].split("/", 3)[3:], raw.split(b"/", 3)[3:]
    return scope | {"path": "/" + "".join(path), "raw_path": b"/" + b"".join(raw_path)}


class Front:
    """What every request meets before Quart's router: the access checks, and the route that must be fast."""

    def __init__(self, node: Node, inner: Asgi, known_sockets: Mapping[str, sockets.Route]) -> None:
        self._node = node
        self._inner = inner
        self._sockets = known_sockets
        self._ingest = ingest.Ingest(node)
        self._proxies = Proxies(node.settings.behind_proxy)
        self.hardening = EVERYWHERE + (over_tls_only(node.settings.hsts_s) if node.settings.cert else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            send = hardened(send, self.hardening)
            if scope["type"] == "http" and not scope["path"].startswith("/"):
                scope = _without_host(scope)
            try:
                scope = self._as_asked(scope)
            except TrackerError as fault:
                await self._refuse_before(scope, receive, send, fault)
                return
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif target := self._ingest.at(scope):
            await self._ingest(target, scope, receive, send)
        else:
            await self._ordinary(scope, receive, send)

    def _as_asked(self, scope: Scope) -> Scope:
        """Before a proxy took it. Raises BadRequest, Overloaded; NotFound where it came by the wrong door."""
        scope = self._counted(scope, self._proxies.seen(scope))
        if sockets.ONLY_POSITIONS in (scope.get("extensions") or {}) and not self._ingest.has_address(scope):
            raise NotFound("not_found", "positions are taken at this port, and nothing else")
        return scope

    def _counted(self, told: Scope, seen: Scope) -> Scope:
        """What a proxy asks counts for whoever asked it. Raises Overloaded."""
        asks_for = None if seen is told else (seen.get("extensions") or {}).get(sockets.ASKS_FOR)
        if asks_for and not asks_for(seen["client"][0]):
            raise Overloaded("too many connections from this address; close some, or try again in a moment", 5)
        return seen

    async def answer(self, scope: Scope, body: bytes) -> Answered | None:
        """What a request whose body has come is answered. None: it is not of positions, and nothing was done."""
        try:
            scope = self._as_asked(scope)
        except TrackerError as fault:
            return problem(fault)
        target = self._ingest.at(scope)
        return await self._ingest.answer(target, scope, Whole(body)) if target else None

    def repeated(self, scope: Scope) -> Repeated | None:
        """What takes the next requests with this head, which was just answered."""
        target = self._ingest.at(scope)
        return self._ingest.repeated(target, scope) if target else None

    def connect(self, scope: Scope) -> sockets.Opening:
        """What whoever asks for a WebSocket may have. Raises TrackerError."""
        guard = partial(self._node.access.check, "CONNECT")
        return sockets.opened(self._sockets, guard, self._as_asked(scope))

    async def _ordinary(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            opens = scope["path"].rstrip("/") in OPENING
            scope["tracker.grant"] = self._node.access.check("CONNECT" if opens else scope["method"], scope)
            if not scope["path"]:
                raise BadRequest("bad_target", "the request target does not begin with a slash")
            if not _is_readable((scope.get("raw_path") or b"") + scope["query_string"]):
                message = "the address is not percent-encoded UTF-8: an id in it is written as encodeURIComponent does"
                raise BadRequest("bad_target", message)
        except TrackerError as fault:
            await self._refuse(receive, send, problem(fault))
            return
        length = headers.get(b"content-length")
        if length == b"0" or (length is None and b"transfer-encoding" not in headers and scope["method"] in _BODILESS):
            await self._inner(scope, receive, send)
            return
        with Share(self._node.bodies) as share:
            patience = Patience(receive, send, self._node.settings.body_timeout_s, share)
            await self._inner(scope | {"tracker.patience": patience}, patience.receive, patience.send)

    async def _refuse_before(self, scope: Scope, receive: Receive, send: Send, fault: TrackerError) -> None:
        if scope["type"] == "http":
            await self._refuse(receive, send, problem(fault))
        else:
            await receive()  # websocket.connect
            await sockets.Socket(scope, receive, send).reject(fault)

    async def _refuse(self, receive: Receive, send: Send, answer: Answered) -> None:
        await refuse(send, Body(receive, self._node.settings.body_timeout_s), answer)


_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def _is_readable(address: bytes) -> bool:
    """Whether it says for certain what it means: others would read a `%ff` as whatever they like."""
    if b"%" not in address:
        return True
    try:
        unquote_to_bytes(address).decode()
    except UnicodeDecodeError:
        return False
    return not _BROKEN.search(address)


_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
