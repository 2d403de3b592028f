"""The live channel where WebSockets cannot pass: the very same messages as Server-Sent Events, or polled."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.errors import NotSignedIn, Overloaded, TrackerError
from tracker.live import close_codes, messages, requests
from tracker.live.viewer import Viewer, narrow
from tracker.node import Node
from tracker.nodes.interest import needed
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.live.channel import CHANGES, PATH, STREAM, Line, Live
from tracker.web.server.answers import problem
from tracker.web.server.sockets import CUT, HUNG_UP

MOST_WAIT_S = 25.0  #: a proxy gives up at 30
FEW = 1000  #: vehicles in a snapshot that is answered without waiting for a turn
POLL_MS = 500  #: how soon to ask again: what was taken away is gone within a second
MOST_ANSWER = 1 << 20  #: bytes of one polled answer from which on further events wait for the next
MISTAKE = "the server made a mistake; come back with your cursor in a moment"


class Letters:
    """An outlet that keeps messages until an HTTP answer takes them."""

    def __init__(self, live: Live, hung_up: asyncio.Future[None] | None = None) -> None:
        self._live = live
        self.letters: list[bytes] = []
        self.pending = 0
        self.news = asyncio.Event()
        self.code = 0  # why it is over
        self.line: Line | None = None
        self.hurried = False  # the peer speaks no more: tell what there is, wait for nothing
        self._hung_up = hung_up
        if hung_up is not None:
            hung_up.add_done_callback(self._hurry)
        self.cut: Callable[[], None] = lambda: None  # the HTTP connection off
        self._loop = asyncio.get_running_loop()

    def send(self, payload: bytes, _text: bool = True) -> None:
        if not self.code:
            self.letters.append(payload)
            self.pending += len(payload)
            self.news.set()

    def take_letters(self) -> list[bytes]:
        letters, self.letters, self.pending = self.letters, [], 0
        self.news.clear()
        return letters

    @property
    def heard(self) -> float:
        return self._loop.time()  # TCP_USER_TIMEOUT finds out for us

    def ping(self) -> None:
        pass

    def _hurry(self, _: Any) -> None:
        self.hurried = True
        self.news.set()

    def done(self) -> None:
        """The answer is given; its connection may be kept for another."""
        if self._hung_up is not None:
            self._hung_up.remove_done_callback(self._hurry)

    def close(self, code: int) -> None:
        """End the stream; a peer that does not read is cut off."""
        stuck = bool(self.letters) and code == close_codes.SLOW
        self.code = self.code or code
        self.news.set()
        if self.line is not None:  # its answer may never have begun
            self._live.close(self.line)
        if stuck:
            self.cut()


def blueprint(live: Live) -> Blueprint:
    routes = Routes("live", live.node)
    routes.add_open(PATH, not_upgraded)
    routes.add(STREAM, GET=partial(stream, live))
    routes.add(CHANGES, GET=partial(changes, live))
    return routes.blueprint


async def not_upgraded(_node: Node) -> Response:
    fault = TrackerError(
        "upgrade_required", "open this address as a WebSocket, or use /api/v1/stream or /api/v1/changes"
    )
    status, headers, body = problem(fault)
    return Response(body, status, headers | {"upgrade": "websocket", "connection": "upgrade"})


async def stream(live: Live, _node: Node, grant: Grant) -> Response:
    address = _admitted(live)
    follow = asked(request.headers.get("Last-Event-ID") or None)
    if request.method == "HEAD":  # no stream to follow, and none that never ends
        return Response(b"", 200, {"content-type": "text/event-stream", "cache-control": "no-store"})
    letters = Letters(live, _hung_up())
    letters.cut = _extensions().get(CUT, letters.cut)
    line = letters.line = live.open(letters, letters, address, grant)
    _obey(live, line, follow)
    response = Response(_events(live, line, letters), 200, {"content-type": "text/event-stream"})
    response.headers["cache-control"] = "no-store, no-transform"  # who compresses it would hold it back
    response.headers["x-accel-buffering"] = "no"  # nginx passes it on as it comes
    response.timeout = None
    return response


async def changes(live: Live, _node: Node, grant: Grant) -> Response:
    wait_s = min(max(_number("wait") or 0.0, 0.0), MOST_WAIT_S)
    address = _admitted(live)
    follow = asked(None)
    wish, _ = live.hub.followers.known(narrow(follow, grant), grant)
    await live.node.hear_of(needed(wish, grant))  # before: it does not stay until that comes
    letters = Letters(live, _hung_up())
    line = letters.line = live.open(letters, letters, address, grant)
    line.ping_at = math.inf
    try:
        told = await _poll(live, line, letters, follow, wait_s)
    finally:
        letters.done()
        live.close(line)
    cursor = next((found for message in reversed(told) if (found := messages.cursor_of(message))), b"")
    after_ms = POLL_MS if sum(map(len, told)) <= MOST_ANSWER else 0
    body = b'{"messages":[%b],"cursor":"%b","after_ms":%d}' % (b",".join(told), cursor, after_ms)
    return Response(body, 200, {"content-type": "application/json", "cache-control": "no-store"})


def _admitted(live: Live) -> str:
    """The address of who asks, once there is room for it. Raises Overloaded."""
    address, port = (*(request.scope.get("client") or ("", 0)), 0)[:2]
    live.admission.admit_request((address, port), asyncio.get_running_loop().time())
    return str(address)


def _hung_up() -> asyncio.Future[None] | None:
    return _extensions().get(HUNG_UP)


def _extensions() -> dict[str, Any]:
    return request.scope.get("extensions") or {}


async def _events(live: Live, line: Line, letters: Letters) -> AsyncGenerator[bytes]:
    try:
        yield b"retry: 2000\n\n"
        while True:
            await letters.news.wait()
            for message in await _rest(live, line.viewer, letters) if letters.hurried else letters.take_letters():
                cursor = messages.cursor_of(message)
                yield (b"id: %b\n" % cursor if cursor else b"") + b"data: %b\n\n" % message
            if letters.code or letters.hurried:
                return
    finally:
        letters.done()
        live.close(line)


async def _poll(live: Live, line: Line, letters: Letters, follow: requests.Follow, wait_s: float) -> list[bytes]:
    """All there is to say now; with `wait_s`, only once there is something."""
    viewer, loop = line.viewer, asyncio.get_running_loop()
    live.catch_up.leave_to_itself(viewer)
    _obey(live, line, follow)
    until = loop.time() + wait_s
    messages: list[bytes] = []
    while not letters.code:
        try:
            if viewer.parts is not None and viewer.interest.size() > FEW:
                async with live.node.heavy.turn():
                    messages += await _rest(live, viewer, letters)
            else:
                messages += await _rest(live, viewer, letters)
        except TrackerError:
            raise
        except Exception as fault:
            live.fail(viewer, fault)
            break
        if loop.time() >= until or not all(map(_says_nothing, messages)) or letters.hurried:
            return messages
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await letters.news.wait()
    if letters.code == close_codes.FAULT:
        raise Overloaded(MISTAKE, code="fault")
    if letters.code == close_codes.SIGNED_OUT:
        raise NotSignedIn("not_signed_in", "you were signed out")
    return messages + letters.take_letters()


def _obey(live: Live, line: Line, follow: requests.Follow) -> None:
    """Raises Overloaded where a socket would be told so, or closed."""
    try:
        live.obey(line.viewer, follow)
    except Overloaded:
        live.close(line)
        raise
    except Exception as fault:
        live.fail(line.viewer, fault)
        raise Overloaded(MISTAKE, code="fault") from fault


async def _rest(live: Live, viewer: Viewer, letters: Letters) -> list[bytes]:
    """All there is to say now; of very many events only the first, the rest is for the next answer."""
    hub = live.hub
    messages: list[bytes] = []
    while True:
        if viewer in hub.doubted and letters.line is not None:
            live.ask_again(letters.line)
        hub.release_viewer(viewer)  # whoever asks for all there is has waited for it
        if viewer.parts is None:
            hub.serve(viewer, live.node.clock())
        else:
            async with live.node.heavy.piece():  # several are sent at once, and others have their turn between any two
                hub.serve(viewer, live.node.clock())
        messages += letters.take_letters()
        if letters.code:
            return messages
        if viewer.parts is not None:
            continue
        if viewer in hub.away:
            await live.catch_up.tell_acks(viewer)
        elif viewer.seq >= hub.recent.last or sum(map(len, messages)) > MOST_ANSWER:
            return messages
        elif viewer in hub.behind:
            await live.catch_up.replay_some(viewer)


def _says_nothing(message: bytes) -> bool:
    """A welcome, an error, or an update that only advances the cursor."""
    if message.startswith(b'{"op":"update"'):
        return message.count(b'":') == 3 + (b'"fields":' in message)
    return message.startswith((b'{"op":"welcome"', b'{"op":"error"'))


def asked(resume: str | None) -> requests.Follow:
    """The query parameters as the `follow` they stand for. Raises Invalid."""
    api.only(
        "all",
        "regions",
        "vehicles",
        "bbox",
        "zoom",
        "events",
        "hz",
        "max_vehicles",
        "counts",
        "since",
        "wait",
        "window",
        "fresh",
    )
    view, zoom = None, _number("zoom")
    if bbox := request.args.get("bbox"):
        try:
            west, south, east, north = (float(part) for part in bbox.split(","))
        except ValueError:
            raise api.bad("bbox", "west,south,east,north in degrees") from None
        view = requests.Box((west, south, east, north), zoom or 12.0)
    regions, vehicles = _ids("regions"), _ids("vehicles")
    hz = _number("hz")
    most = _number("max_vehicles")
    everything = _flag("all", view is None and regions is None and vehicles is None)
    follow = requests.Follow(
        all=everything,
        regions=regions,
        vehicles=vehicles,
        view=view,
        events=_events_asked(),
        hz=hz,
        max_vehicles=None if most is None else int(most),
        counts=_flag("counts", True),
        resume=resume or request.args.get("since"),
        fresh=_flag("fresh", False),
    )
    requests.check_request(follow)
    return follow


def _number(name: str) -> float | None:
    text = request.args.get(name, "")
    try:
        number = float(text) if text else None
    except ValueError:
        number = math.nan
    if number is not None and not math.isfinite(number):
        raise api.bad(name, "a number")
    return number


def _ids(name: str) -> list[str] | None:
    text = request.args.get(name)
    return None if text is None else [part for part in text.split(",") if part]


def _flag(name: str, default: bool) -> bool:
    text = request.args.get(name, "").lower()
    if text not in ("", "true", "false", "1", "0"):
        raise api.bad(name, "true or false")
    return text in ("true", "1") if text else default


def _events_asked() -> bool | list[str]:
    text = request.args.get("events", "true")
    if text.lower() in ("true", "1", ""):
        return True
    return [] if text.lower() in ("false", "0") else [kind for kind in text.split(",") if kind]
