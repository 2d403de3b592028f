"""The live channel: WebSocket here, Server-Sent Events and polling in stream.py, all over one hub.

One task reads a connection, nobody writes but the two lanes here: `_soon` for what does not wait (answers, events,
single vehicles) and the tick for everything else. Attacks and limits: docs/live.md.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from functools import partial
from time import thread_time
from typing import NamedTuple, Protocol

from tracker.access.grants import WATCH, Grant
from tracker.errors import BadRequest, Overloaded, TrackerError
from tracker.live import close_codes, messages, requests
from tracker.live.event_log import MOST
from tracker.live.viewer import PENDING, Outlet, Viewer
from tracker.node import Node
from tracker.nodes.interest import Needs, needed
from tracker.stores import EventQuery
from tracker.turns.allowance import Allowance
from tracker.turns.slices import in_slices
from tracker.turns.ticking import QUICK_S, SHARE, TICK_S, Slices, tick_s
from tracker.web.live.admission import Admission
from tracker.web.live.catch_up import CatchUp
from tracker.web.server import sockets
from tracker.web.server.answers import Scope, address_of
from tracker.web.server.wires import NOBODY, Listener

log = logging.getLogger(__name__)

PATH = "/api/v1/live"
STREAM, CHANGES = "/api/v1/stream", "/api/v1/changes"
OPENING = frozenset({STREAM, CHANGES})  #: to ask for these is to open a channel: the guard is told so
EVENTS_S = 0.01  #: between two rounds of events
HOUSE_SLICE_S = 0.005  #: house-keeping never holds the loop for longer
ROUNDS = 8  #: a snapshot goes on so often in one tick, others having their turn in between
HOUSE_S = 1.0
GRANTS_S = 0.5  #: between two looks at whose session or token has ended by itself
REGRANTED = 50  #: viewers looked at in one go
BACK_MS = 1000  #: after a fault of ours a viewer comes back within about so long
MOST_BAD = 10  #: messages of one connection that could not be read


class Connection(Protocol):
    """A viewer's connection, as far as ending it goes."""

    def close(self, code: int) -> None: ...

    def ping(self) -> None: ...

    @property
    def heard(self) -> float: ...


class Line:
    """What is known of one connection apart from what it is told."""

    __slots__ = ("_live", "address", "allowance", "bad", "connection", "opened", "ping_at", "viewer")

    def __init__(self, live: Live, viewer: Viewer, connection: Connection, address: str, now: float) -> None:
        self._live = live
        self.viewer = viewer
        self.connection = connection
        self.address = address
        self.opened = now
        self.ping_at = now + live.settings.live_heartbeat_s * random.uniform(0.5, 1.0)  # spread
        self.bad = 0
        self.allowance = Allowance(live.settings.live_messages_per_s, now)

    def hear_message(self, message: str | bytes) -> None:
        """What cannot be obeyed for a fault of ours is the end of it."""
        if self.viewer in self._live.lines:
            try:
                self._live.hear(self, message)
            except Exception as fault:
                self._live.fail(self.viewer, fault)

    def hear_end(self) -> None:
        self._live.close(self)


class Statistics(NamedTuple):
    viewers: int
    tick_s: float


class Live:
    """Everybody who watches this node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.hub = node.hub
        self.settings = node.settings
        self.lines: dict[Viewer, Line] = {}
        self.admission = Admission(node.settings)
        self.catch_up = CatchUp(node, spawn=self._spawn, fail=self.fail, wake=self._wake)
        self.tick_s = QUICK_S
        self.lanes = node.lanes
        self._loop: asyncio.AbstractEventLoop
        self._dirty = asyncio.Event()
        self._regranted = asyncio.Event()
        self._soon_handle: asyncio.TimerHandle | asyncio.Handle | None = None
        self._lagging = False  # somebody could not be told all
        self._urgent = Slices(thread_time)
        self._events_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------------------------------------ start and end

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        newest = self.node.picture.last_seq
        events = await self.node.store.events(EventQuery(after=max(0, newest - MOST - 1), limit=MOST + 1))
        now = self.node.clock()
        self.hub.begin(epoch=os.urandom(4), t0=now - now % 1000, events=events)
        self.hub.listen(self._wake, self.settings.live_max_vehicles)
        self.node.on_regrant = self._doubt_grants
        self.hub.followers.on_find = self.node.pipeline.on_look(
            lambda: [needed(wish, grant) for wish, grant in self.hub.followers.followed()], self.hub.routing.within
        )
        for name, work in (
            ("tick", self._tick),
            ("house", self._keep_house),
            ("acks", self.catch_up.place_acks),
            ("grants", self._regrant),
        ):
            self._spawn(self.lanes[name].keep(work))

    async def stop(self) -> None:
        self.hub.listen(lambda: None)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Tell everybody to come back, not all at once, and let go of them."""
        self.admission.close()
        spread = max(1000, 5 * len(self.lines))
        for line in list(self.lines.values()):
            try:
                self.hub.serve_urgent(line.viewer, set(), self.node.clock())
            except Exception as fault:
                self.fail(line.viewer, fault)
            else:
                line.viewer.outlet.send(messages.bye(close_codes.RESTART, 250 + int(random.random() * spread)), True)
                line.connection.close(close_codes.RESTART)
        await asyncio.sleep(0)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            log.error("the live channel lost a task", exc_info=fault)

    def statistics(self) -> Statistics:
        return Statistics(len(self.lines), self.tick_s)

    # ------------------------------------------------------------------------------------------------ connections

    def open(self, outlet: Outlet, connection: Connection, address: str, grant: Grant, *, binary: bool = False) -> Line:
        """Raises TrackerError when whoever opens it was signed out since they were let in."""
        grant = self.node.access.again(grant)
        grant.check(WATCH)
        viewer = Viewer(outlet, binary=binary, grant=grant)
        line = Line(self, viewer, connection, address, self._loop.time())
        self.lines[viewer] = line
        self.admission.add_line(address)
        self.hub.attach(viewer)
        outlet.send(self.welcome(grant), True)
        return line

    def close(self, line: Line) -> None:
        """The connection is over."""
        if self.lines.pop(line.viewer, None) is None:
            return
        self.admission.leave_line(line.address)
        self.catch_up.forget_viewer(line.viewer)
        self.hub.detach(line.viewer)

    def fail(self, viewer: Viewer, fault: Exception) -> None:
        """A fault of ours costs this viewer its connection, and nobody else anything. What it had not been told it is
        told when it comes back with its cursor."""
        lane, line = self.lanes["viewers"], self.lines.get(viewer)
        lane.note(fault, "a viewer could not be served and is asked to come back")
        self.hub.drop(viewer)
        if line is None:
            return
        bye = messages.bye(close_codes.FAULT, random.randint(BACK_MS // 4, BACK_MS))
        for step in (
            partial(self.close, line),
            partial(viewer.outlet.send, bye, True),
            partial(line.connection.close, close_codes.FAULT),
        ):
            try:
                step()
            except Exception as worse:
                lane.note(worse, "a viewer could not be let go of")

    def _doubt_grants(self) -> None:
        self.hub.doubt_grants()
        self._regranted.set()

    async def _regrant(self) -> None:
        """What everybody may see by now: at once when something of it has changed, and twice a second, as sessions and
        tokens end by themselves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRANTS_S):
                await self._regranted.wait()
        self._regranted.clear()
        async for line in in_slices(self._with_other_grants(), REGRANTED):
            self.ask_again(line)

    def _with_other_grants(self) -> list[Line]:
        """Whose grant has to be asked again: of all who share one it is found out once."""
        if self.hub.doubted:
            return list(self.lines.values())
        grants = {id(viewer.grant): viewer.grant for viewer in self.lines}
        others = {id(grant) for grant in grants.values() if self._becomes(grant) is not grant}
        return [line for viewer, line in self.lines.items() if id(viewer.grant) in others] if others else []

    def _becomes(self, grant: Grant) -> Grant | None:
        """What may be seen by now; None: whoever it was given was signed out."""
        try:
            now = self.node.access.again(grant)
        except TrackerError:
            return None
        return now if WATCH in now.may else Grant(may=now.may, who=now.who, bearer=now.bearer)

    def ask_again(self, line: Line) -> None:
        """What this one may see by now, and be it nothing; whoever was signed out is let go of."""
        viewer = line.viewer
        if viewer not in self.lines:
            return
        if (grant := self._becomes(viewer.grant)) is None:
            self.close(line)
            line.connection.close(close_codes.SIGNED_OUT)
            return
        if viewer in self.hub.doubted or grant is not viewer.grant:
            self.hub.regrant(viewer, grant)
            self._hear_elsewhere(viewer)

    def welcome(self, grant: Grant) -> bytes:
        settings = self.settings
        limits = {
            "message_bytes": sockets.MESSAGE,
            "messages_per_s": settings.live_messages_per_s,
            "max_vehicles": settings.live_max_vehicles,
            "ids": requests.MOST_IDS,
        }
        return messages.welcome(
            self.hub.epoch, self.hub.routing.t0, self.node.clock(), settings.live_heartbeat_s, limits, grant.word()
        )

    def admit_from(self, address: str) -> None:
        """May one more watch from there? Raises Overloaded, Stopping."""
        self.admission.admit(address)

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        return next((name for name in offered if name in messages.SUBPROTOCOLS), None)

    def listen_to(self, transport: sockets.Transport, scope: Scope, grant: Grant, subprotocol: str | None) -> Listener:
        """A socket was accepted."""
        address = address_of(scope)
        try:
            return self.open(transport, transport, address, grant, binary=subprotocol == messages.BINARY)
        except TrackerError:
            transport.close(close_codes.SIGNED_OUT)
            return NOBODY

    def hear(self, line: Line, data: str | bytes) -> None:
        """One message of a client. What cannot be read is answered, and borne only so often."""
        if not line.allowance.take_one(self._loop.time()):
            line.connection.close(close_codes.FLOOD)
            return
        try:
            self.obey(line.viewer, requests.read_request(data))
        except Overloaded as busy:
            line.viewer.outlet.send(messages.error(busy.code, busy.detail), True)
        except BadRequest as fault:
            line.bad += 1
            line.viewer.outlet.send(messages.error(fault.code, fault.detail), True)
            if line.bad >= MOST_BAD:
                line.connection.close(close_codes.BAD_MESSAGES)

    def obey(self, viewer: Viewer, message: requests.Request) -> None:
        now = self.node.clock()
        if isinstance(message, requests.Follow):
            if not self.hub.follow(viewer, message):
                viewer.outlet.send(messages.UNKNOWN_REGION, True)
            self._hear_elsewhere(viewer)
        elif isinstance(message, requests.View):
            if viewer.wish is None:
                viewer.outlet.send(messages.error("not_following", "send a follow before the view moves"), True)
            else:
                self.hub.view(viewer, message, now)
                self._hear_elsewhere(viewer)
        elif isinstance(message, requests.Ping):
            viewer.outlet.send(messages.pong(message.t, now), True)
        elif isinstance(message, requests.Got) and self.hub.got(viewer, message.frame):
            self._dirty.set()

    def _hear_elsewhere(self, viewer: Viewer) -> None:
        """What other nodes have to tell first is waited for: it is old here where nobody looked."""
        if not self.node.is_shared or viewer.wish is None:
            return
        needs = needed(viewer.wish, viewer.grant)
        if not self.node.pipeline.hears(needs):
            self.hub.hold(viewer)
            self._spawn(self._hold(viewer, needs))

    async def _hold(self, viewer: Viewer, needs: Needs) -> None:
        try:
            await self.node.pipeline.hear_of(needs)
        finally:
            self.hub.release_viewer(viewer)

    # ------------------------------------------------------------------------------------------------ two lanes

    def _wake(self) -> None:
        self._dirty.set()
        hub = self.hub
        self.catch_up.begin()
        if hub.is_urgent and self._soon_handle is None:
            if self._loop.time() >= self._events_at:
                self._soon_handle = self._loop.call_soon(self._soon)
            else:
                self._soon_handle = self._loop.call_at(self._events_at, self._soon)

    def _soon(self) -> None:
        """What does not wait for the tick, in slices."""
        lane, self._soon_handle = self.lanes["urgent"], None
        try:
            wait_s: float | None = self._tell_urgent()
            lane.went_well()
        except Exception as fault:
            wait_s = lane.failed(fault)
        if wait_s is not None:
            self._soon_handle = self._loop.call_later(wait_s, self._soon)

    def _tell_urgent(self) -> float | None:
        """One slice of it; answers when the next is due."""
        hub, slices, now = self.hub, self._urgent, self.node.clock()
        slices.begin()
        while urgent := hub.take_urgent():
            viewer, numbers = urgent
            try:
                hub.serve_urgent(viewer, numbers, now)
            except Exception as fault:
                self.fail(viewer, fault)
            if slices.is_over(large=viewer.parts is not None):
                break
        slices.end()
        if hub.is_urgent:
            self._events_at = self._loop.time()
            return 0.0
        self._events_at = self._loop.time() + max(EVENTS_S, slices.spent_s / SHARE)
        slices.spent_s = 0.0
        return None

    async def _tick(self) -> None:
        with suppress(TimeoutError):  # whoever could not be told all is looked at again, if nothing comes before
            async with asyncio.timeout(TICK_S if self._lagging else None):
                await self._dirty.wait()
        began = self._loop.time()
        self._dirty.clear()
        try:
            spent = await self._tell_all()
        except BaseException:
            self._dirty.set()  # the next one tells it
            raise
        self.tick_s = tick_s(spent)
        await asyncio.sleep(max(0.0, began + self.tick_s - self._loop.time()))

    async def _tell_all(self) -> float:
        """One frame for everybody who has news: in slices, so that others have their turn. Answers the CPU it took."""
        viewers, hub = self.hub.tick(), self.hub
        slices, lagging, now = Slices(thread_time), False, self.node.clock()
        for viewer in viewers:
            for _ in range(ROUNDS):  # more than one only of a snapshot
                if viewer not in hub.viewers:
                    break  # gone since the tick began
                try:
                    lagging = hub.serve(viewer, now) or lagging
                except Exception as fault:
                    self.fail(viewer, fault)
                if slices.is_over(large=viewer.parts is not None):
                    slices.end()
                    await asyncio.sleep(0)
                    now = self.node.clock()
                    slices.begin()
                if viewer.parts is None:
                    break
        slices.end()
        self._lagging = lagging
        return slices.spent_s

    async def _keep_house(self) -> None:
        """Every second: heartbeats, and who is gone, stuck or never said what it wants."""
        began = self._loop.time()
        for step in (self._look_after_all(), self.hub.keep_house(self.node.clock())):
            for _ in step:
                if self._loop.time() - began > HOUSE_SLICE_S:
                    await asyncio.sleep(HOUSE_SLICE_S / SHARE)
                    began = self._loop.time()
        self.admission.forget_whole(self._loop.time())
        await asyncio.sleep(HOUSE_S)

    def _look_after_all(self) -> Iterator[None]:
        for line in list(self.lines.values()):
            try:
                self._look_after(line, self.node.clock())
            except Exception as fault:
                self.fail(line.viewer, fault)
            yield

    def _look_after(self, line: Line, now: int) -> None:
        settings, viewer, connection, loop_now = self.settings, line.viewer, line.connection, self._loop.time()
        if viewer.is_blocked(now, int(settings.live_blocked_s * 1000)):
            connection.close(close_codes.SLOW)
        elif loop_now - connection.heard > settings.live_silent_s:
            connection.close(close_codes.SILENT)
        elif viewer.wish is None and loop_now - line.opened > settings.live_follow_s:
            connection.close(close_codes.IDLE)
        elif loop_now >= line.ping_at:
            line.ping_at = loop_now + settings.live_heartbeat_s
            if viewer.outlet.pending <= PENDING:
                self.hub.tell_cursor(viewer)
                viewer.outlet.send(messages.ping(now), True)
                connection.ping()
