"""The composition root: settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from tracker.access.console import Console, remove_console, write_console
from tracker.access.forwarded import Proxies
from tracker.access.grants import Access
from tracker.access.guard import check_bind
from tracker.config import Settings
from tracker.errors import BadRequest, NotFound, Overloaded, TrackerError
from tracker.node import Node
from tracker.turns.buffer import Share
from tracker.turns.jobs import Job
from tracker.web.api import events, feeds, health, openapi, page, regions, vehicles
from tracker.web.delivery.couriers import Couriers
from tracker.web.devices import echo, payloads
from tracker.web.history import (
    activity,
    arrivals,
    bundles,
    corrections,
    days,
    frames,
    inside,
    rehearse,
    then,
    told,
    trips,
    upkeep,
)
from tracker.web.ingest import http as ingest
from tracker.web.ingest import socket as positions
from tracker.web.ingest.bodies import Body, Gone, Patience, Whole, refuse
from tracker.web.live import routes as live
from tracker.web.people import audit, connect, described, groups, quarantine, session, targets, tokens, users
from tracker.web.reports import routes as reports
from tracker.web.reports import schedule
from tracker.web.reports.desk import Desk
from tracker.web.server import serving, sockets
from tracker.web.server.answers import Answered, Receive, Scope, Send, plain_problem, problem
from tracker.web.server.certificate import LOOK_S, Certificate
from tracker.web.server.hardening import EVERYWHERE, hardened, over_tls_only
from tracker.web.server.log_lines import write_log

log = logging.getLogger("tracker.web")

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def create_app(
    settings: Settings | None = None,
    beside: Callable[[Node], Awaitable[None]] | None = None,
    access: Access | None = None,
) -> Quart:
    """The whole server as one ASGI application; its lifespan opens and closes the store.

    `beside` runs along with the started node and is cancelled at the end. `access` says who may see and do what.
    """
    node = Node(settings or Settings(), access=access)
    app = Quart("tracker", static_folder=None)
    app.logger.addFilter(_is_unexpected)
    app.extensions["node"] = node
    app.extensions["tracker.slots"] = node.slots
    if node.settings.cert:
        certificate = app.extensions["tracker.certificate"] = Certificate(node.settings.cert, node.settings.key)
        node.statistics["certificate"] = certificate.statistics
        node.jobs.add_job(Job("look at the certificate", LOOK_S, certificate.keep_fresh, at_once=True))
    app.config["MAX_CONTENT_LENGTH"] = None  # Quart sees no body: routes read them within their own limits
    app.config["BODY_TIMEOUT"] = node.settings.body_timeout_s
    app.config["RESPONSE_TIMEOUT"] = None  # a track or a file may take a slow client long
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # it would send elsewhere: an address that is wrong below a proxy's path
    couriers = app.extensions["couriers"] = Couriers(node)
    app.register_blueprint(targets.blueprint(node, couriers))
    for routes in (
        *(
            vehicles,
            feeds,
            trips,
            regions,
            events,
            inside,
            frames,
            then,
            activity,
            arrivals,
            bundles,
            corrections,
            days,
            rehearse,
            told,
            upkeep,
            health,
            page,
        ),
        *(session, users, groups, tokens, quarantine, connect, audit, echo, payloads),
    ):
        app.register_blueprint(routes.blueprint(node))
    desk = Desk(node)
    node.statistics["reports"] = desk.statistics
    node.closing.append(desk.close)
    node.jobs.add_job(desk.job())
    app.register_blueprint(reports.blueprint(node, desk))
    if node.settings.report_folder:
        node.jobs.add_job(schedule.job(node, desk))
    app.register_blueprint(openapi.blueprint(node, *described.ROUTES, *upkeep.ROUTES, *reports.ROUTES))
    app.register_error_handler(TrackerError, partial(_tracker_error, node))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Gone, _gone)
    app.register_error_handler(Exception, _unexpected)
    positions.install(app, node)
    front = app.extensions["tracker.front"] = Front(node, app.asgi_app)
    app.asgi_app = front  # type: ignore[assignment,method-assign]

    @app.while_serving
    async def running() -> AsyncGenerator[None]:
        await node.start()
        for warning in (check_bind(node.settings, node.directory.has_administrator), _nobody_yet(node)):
            if warning:
                log.warning(warning)
        couriers.set_out()
        companion = asyncio.ensure_future(beside(node)) if beside else None
        if companion:
            companion.add_done_callback(_ended)
        try:
            yield
        finally:
            if companion:
                companion.cancel()
                await asyncio.wait({companion})
            await couriers.stop()
            await node.stop()

    sockets.on_drain(app, node.leave)
    live.install(app, node)  # after the node: it starts later and stops earlier
    return app


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


def _without_host(scope: Scope) -> Scope:
    """As a modem asks that takes us for its proxy: `GET http://host/?id=…` is answered like `GET /?id=…`."""
    raw = scope.get("raw_path") or b""
    if not raw.lower().startswith((b"http://", b"https://")):
        return scope
    path, raw_path = scope["path"].split("/", 3)[3:], raw.split(b"/", 3)[3:]
    return scope | {"path": "/" + "".join(path), "raw_path": b"/" + b"".join(raw_path)}


class Front:
    """What every request meets before Quart's router: the access checks, and the route that must be fast."""

    def __init__(self, node: Node, inner: Asgi) -> None:
        self._node = node
        self._inner = inner
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

    async def _ordinary(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            opens = scope["path"].rstrip("/") in live.OPENING
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


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Quart logs whatever a start-up raises; ours are one line on stderr, told by the command."""
    return not (record.exc_info and isinstance(record.exc_info[1], TrackerError))


def _respond(answer: Answered) -> Response:
    status, headers, body = answer
    return Response(body, status, headers)


async def _tracker_error(node: Node, fault: TrackerError) -> Response:
    if fault.code == "may_not":
        scope: Any = request.scope
        node.doorman.overstepped(scope["tracker.grant"], scope)
    return _respond(problem(fault))


async def _gone(_: Gone) -> Response:
    return Response(b"", 400)  # to nobody


async def _http_error(fault: HTTPException) -> Response:
    status = fault.code or 500
    detail = fault.description or "no more is known"
    if status == 404:
        detail = "there is nothing at this address; /openapi.json lists what there is"
    answer = _respond(plain_problem(status, detail))
    for name, value in fault.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


async def _unexpected(fault: Exception) -> Response:
    log.error("a request failed", exc_info=fault)
    return _respond(plain_problem(500, "the server made a mistake; its log says more"))


def run(
    settings: Settings,
    beside: Callable[[Node], Awaitable[None]] | None = None,
    told: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until SIGTERM. `beside` runs along with the started node and is cancelled at the end; `told` hears the
    address.

    Raises SettingsError, StoreLocked and the like when it cannot begin.
    """
    if missing := page.missing_assets():
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
        node: Node = app.extensions["node"]
        reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        if not node.directory.has_administrator and not settings.demo:
            link = f"{url.replace(shown, reached) if reached != host else url}/signin#{node.give_first_link()}"
            print(f"nobody signs in here yet; to be the administrator, within 15 minutes: {link}", flush=True)
        secret = node.doorman.open_console()
        try:
            write_console(settings.folder, Console(reached, port, bool(settings.cert), secret))
        except OSError as fault:  # a disk without room is read all the same
            log.warning("commands on this folder do not find its server until it starts anew: %s", fault)
        _calm_collector()

    app = create_app(settings, beside=beside)

    async def main() -> None:
        node: Node = app.extensions["node"]
        node.jobs.add_job(Job("collect garbage", 3600, _collect))
        try:
            await serving.serve(app, settings, ready=ready)
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
