"""The composition root: settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING

from tracker.access.console import Console, remove_console, write_console
from tracker.access.grants import Access
from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.node import Node
from tracker.turns.jobs import Job
from tracker.web.assets import missing_assets
from tracker.web.server import serving
from tracker.web.server.log_lines import write_log
from tracker.web.site import Site

if TYPE_CHECKING:
    from quart import Quart

log = logging.getLogger("tracker.web")


def create_app(
    settings: Settings | None = None,
    beside: Callable[[Node], Awaitable[None]] | None = None,
    access: Access | None = None,
) -> Quart:
    """The whole server as one ASGI application; its lifespan opens and closes the store.

    `beside` runs along with the started node and is cancelled at the end. `access` says who may see and do what.
    """
    site = Site(settings or Settings(), beside, access)
    app = site.make_pages()
    app.extensions |= site.extensions
    app.asgi_app = site  # type: ignore[assignment,method-assign]

    @app.while_serving
    async def running() -> AsyncGenerator[None]:
        await site.startup()
        try:
            yield
        finally:
            await site.shutdown()

    return app


def run(
    settings: Settings,
    beside: Callable[[Node], Awaitable[None]] | None = None,
    told: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until SIGTERM. `beside` runs along with the started node and is cancelled at the end; `told` hears the
    address.

    Raises SettingsError, StoreLocked and the like when it cannot begin.
    """
    if missing := missing_assets():
        raise TrackerError("no_assets", missing)
    write_log(settings.log_level)

    gc.disable()  # loading 100,000 vehicles makes nothing but what stays: collecting meanwhile costs a third more

    def ready(host: str, port: int) -> None:
        gc.enable()
        gc.freeze()  # and looking through it again and again finds nothing
        shown = f"[{host}]" if ":" in host else host
        url = f"{'https' if settings.cert else 'http'}://{shown}:{port}"
        print(url, flush=True)
        told(url)
        node = site.node
        reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        if not node.directory.has_administrator and not settings.demo:
            link = f"{url.replace(shown, reached) if reached != host else url}/signin#{node.give_first_link()}"
            print(f"nobody signs in here yet; to be the administrator, within 15 minutes: {link}", flush=True)
        secret = node.doorman.open_console()
        try:
            write_console(settings.folder, Console(reached, port, bool(settings.cert), secret))
        except OSError as fault:  # a disk without room is read all the same
            log.warning("commands on this folder do not find its server until it starts anew: %s", fault)
        site.begin_pages().add_done_callback(_settled)

    site = Site(settings, beside)

    async def main() -> None:
        site.node.jobs.add_job(Job("collect garbage", 3600, _collect))
        try:
            await serving.serve(site, settings, ready=ready)
        except OSError as fault:
            where = fault.filename or f"{settings.host}:{settings.port}"
            raise TrackerError("listen", f"cannot listen on {where}: {fault.strerror or fault}") from fault
        finally:
            remove_console(settings.folder)

    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(main())
    finally:
        gc.enable()


def _settled(making: asyncio.Task[None]) -> None:
    """All is there that stays."""
    if not making.cancelled() and (fault := making.exception()):
        log.error("the pages could not be made; who asks for one tries it again", exc_info=fault)
    _calm_collector()


def _calm_collector() -> None:
    """A full garbage collection of a large fleet stops every thread for half a second, and what we keep long (vehicles,
    regions, stored states) has no cycles. So what is there at the start is never looked at again, and a full collection
    is made once an hour, not whenever somebody asks for much."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2000, 10, 5000)


async def _collect(_now: int) -> None:
    gc.collect()


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop when the extra `fast` is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
