"""Site: one running server as an ASGI application: positions, the live channel, and the pages as soon as they are made.

A start takes positions after half of what it takes to answer everything: Quart and 100 routes are imported by a thread
while it already does (0.7 → 0.35 s to the first position). Who asks for a page meanwhile waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tracker.access.grants import Access
from tracker.access.guard import check_bind
from tracker.config import Settings
from tracker.node import Node
from tracker.turns.jobs import Job
from tracker.web.delivery.couriers import Couriers
from tracker.web.front import Asgi, Front
from tracker.web.ingest import socket as positions
from tracker.web.live.channel import PATH, Live
from tracker.web.server import health, sockets
from tracker.web.server.answers import Receive, Scope, Send, send_answer
from tracker.web.server.certificate import LOOK_S, Certificate

if TYPE_CHECKING:
    from quart import Quart

log = logging.getLogger("tracker.web")

#: who starts servers asks this again and again until it is so, and does not want to hear it of the pages
EARLY = {"/healthz": health.healthz, "/readyz": health.readyz}


class Site:
    """Has the `extensions` and the lifespan that `serve` and `sockets` know of an application."""

    def __init__(
        self,
        settings: Settings,
        beside: Callable[[Node], Awaitable[None]] | None = None,
        access: Access | None = None,
    ) -> None:
        self.node = node = Node(settings, access=access)
        self.extensions: dict[str, Any] = {"node": node, "tracker.slots": node.slots}
        self.asgi_websocket_class: Callable[[Any, Scope], Callable[[Receive, Send], Awaitable[None]]]
        self._beside = beside
        self._companion: asyncio.Future[None] | None = None
        if settings.cert:
            certificate = self.extensions["tracker.certificate"] = Certificate(settings.cert, settings.key)
            node.statistics["certificate"] = certificate.statistics
            node.jobs.add_job(Job("look at the certificate", LOOK_S, certificate.keep_fresh, at_once=True))
        self._couriers = self.extensions["couriers"] = Couriers(node)
        self._live = self.extensions["live"] = Live(node)
        node.statistics["live"] = self._live.statistics
        self._pages: Asgi | None = None
        self._making: asyncio.Task[None] | None = None
        positions.install(self, node)
        sockets.install(self, {PATH: sockets.Route(self._live)}, partial(node.access.check, "CONNECT"))
        sockets.on_drain(self, node.leave)
        sockets.on_drain(self, self._live.drain)
        self._front = self.extensions["tracker.front"] = Front(node, self._answer, self.extensions["tracker.sockets"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live_through(receive, send)
        else:
            await self._front(scope, receive, send)

    async def startup(self) -> None:
        await self.node.start()
        settings = self.node.settings
        bound = check_bind(settings, self.node.directory.has_administrator)
        for warning in (bound, _nobody_yet(self.node), _nothing_shared(settings)):
            if warning:
                log.warning(warning)
        self._couriers.set_out()
        if self._beside:
            self._companion = asyncio.ensure_future(self._beside(self.node))
            self._companion.add_done_callback(_ended)
        await self._live.start()

    async def shutdown(self) -> None:
        await self._live.stop()
        for task in (self._companion, self._making):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._couriers.stop()
        await self.node.stop()

    def make_pages(self) -> Quart:
        from tracker.web import pages

        quart = pages.make(self.node, self._couriers, self._live)
        self._pages = quart.asgi_app
        return quart

    def begin_pages(self) -> asyncio.Task[None]:
        """Under way; what failed is tried again."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._import_pages(), name="pages")
        return self._making

    async def _import_pages(self) -> None:
        await asyncio.to_thread(import_module, "tracker.web.pages")
        self.make_pages()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What no route before Quart's router answers."""
        if scope["type"] == "websocket":
            await self.asgi_websocket_class(self, scope)(receive, send)
            return
        if self._pages is None:
            if scope["method"] == "GET" and (early := EARLY.get(scope["path"])):
                await send_answer(send, await early(self.node))
                return
            await asyncio.shield(self.begin_pages())  # who hangs up ends it for nobody else
            assert self._pages is not None
        await self._pages(scope, receive, send)

    async def _live_through(self, receive: Receive, send: Send) -> None:
        """The lifespan of ASGI."""
        for name, step in (("startup", self.startup), ("shutdown", self.shutdown)):
            await receive()
            try:
                await step()
            except Exception as fault:
                await send({"type": f"lifespan.{name}.failed", "message": str(fault)})
                raise
            await send({"type": f"lifespan.{name}.complete"})


def _ended(companion: asyncio.Future[None]) -> None:
    """What ends beside a server that goes on is missed by nobody until it is too late."""
    if not companion.cancelled() and (fault := companion.exception()):
        log.error("what runs beside the server has failed", exc_info=fault)


def _nobody_yet(node: Node) -> str | None:
    """What the log hears at each start until there is an administrator."""
    if node.directory.has_administrator or node.settings.demo or node.access is not node.doorman:
        return None
    proxies = ", and whoever the proxies let in," if node.settings.behind_proxy else ""
    return (
        f"nobody signs in here yet: whoever reaches this server{proxies} sees and changes everything. To end that, "
        "open the link it prints, or `tracker users add NAME --role administrator` (docs/upgrading.md)"
    )


def _nothing_shared(settings: Settings) -> str | None:
    if settings.bus == "memory:" or settings.is_shared:
        return None
    return (
        "there is a bus and a folder: what others say there is shown here and kept nowhere. Nodes share a store in "
        "PostgreSQL: name it with --store (docs/scale.md), or leave `bus` away"
    )
