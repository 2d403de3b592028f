"""Torture: nodes under load, with viewers and dispatchers, to which faults happen by a seed; and what is wrong then."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.waiting import deadline, until
from tests.torture.checks.reread import is_calm, is_old
from tests.torture.dispatchers import Dispatcher
from tests.torture.faults import CUTS, FAULTS, ONE_NODE
from tests.torture.follows import hears
from tests.torture.found import Found, events_of
from tests.torture.readers import Reader
from tests.torture.routes import EDITED, REGIONS, routes_of
from tests.torture.schedule import Planned, schedule
from tests.torture.senders import Sender, all_delivered
from tests.torture.viewers import Viewer
from tests.torture.world import World, world

RECOVERS_S = 60  #: until everything is acknowledged again after a fault
TIMERS_S = 5  #: until who stays where it is has dwelled there
CALM_S = 60  #: until all is told to all at the end
AFTER_CUT_S = 3.0  #: so long nodes may tell older places once NATS and PostgreSQL are there again


class Load(NamedTuple):
    senders: int = 4
    vehicles: int = 12  # of each
    viewers: int = 8
    readers: int = 6
    deeds_every_s: float = 1.0


LOAD = Load()


async def torture(
    seed: int, seconds: float, nodes: int = 3, load: Load = LOAD, faults: Sequence[str] = ()
) -> list[str]:
    """What went wrong, in words. `faults`: only these."""
    async with world(nodes) as made:
        return await Torture(made, seed, seconds, load).run(faults or [*(FAULTS if nodes > 1 else ONE_NODE)])


class Torture:
    def __init__(self, world: World, seed: int, seconds: float, load: Load) -> None:
        self.world, self.seed, self.seconds = world, seed, seconds
        ports = [node.server.port for node in world.nodes]
        begin = time.time_ns() // 1_000_000
        self.senders = [
            Sender(number, routes_of(number, load.vehicles, begin, seconds), ports) for number in range(load.senders)
        ]
        self.viewers = [Viewer(number, [node.server.url for node in world.nodes]) for number in range(load.viewers)]
        self.dispatchers = [
            Dispatcher(number, ports, self._counts, lambda: self.viewers[0].events, load.deeds_every_s)
            for number, _ in enumerate(EDITED)
        ]
        routes = [route for sender in self.senders for route in sender.routes]
        self.readers = [Reader(number, world.nodes, routes, self._acknowledged) for number in range(load.readers)]
        self.threads: list[Sender | Dispatcher | Reader] = [*self.readers, *self.dispatchers, *self.senders]
        self.cut: list[tuple[float, float]] = []  # when NATS or PostgreSQL was away from some node
        self.done = Counter[str]()
        self.slowest = (0.0, "")  # until all is acknowledged after a fault, and which
        self.faults: list[str] = []

    def _counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Acknowledged is asked first: what is sent only grows."""
        acknowledged = {name: count for sender in self.senders for name, count in sender.acknowledged.items()}
        return acknowledged, {name: count for sender in self.senders for name, count in sender.sent.items()}

    def _acknowledged(self, vehicle: str) -> int:
        return next(one.acknowledged[vehicle] for one in self.senders if vehicle in one.acknowledged)

    async def run(self, faults: Sequence[str]) -> list[str]:
        await self._draw_regions()
        for viewer in self.viewers:
            viewer.start()
        await until(lambda: all(viewer.live.cursor for viewer in self.viewers), "all viewers are there", RECOVERS_S)
        for thread in self.threads:
            thread.start()
        watching = [asyncio.create_task(node.watch()) for node in self.world.nodes]
        try:
            await until(all_delivered(self.senders), "everybody has sent something", RECOVERS_S)
            await self._do(faults)
            await self._calm_down()
        except AssertionError as fault:
            self.faults += [str(fault), *self._last_words()]
        finally:
            for task in watching:
                task.cancel()
            for thread in self.threads:
                thread.over.set()
        found = Found(self.world, self.senders, self.viewers, self.dispatchers, self.readers, self.cut)
        self.faults += await found.faults()
        self._tell(found)
        if self.faults:
            self._keep_logs()
        for viewer in self.viewers:
            await viewer.close()
        return self.faults

    def _last_words(self) -> Iterator[str]:
        """What everybody heard last, where it does not go on."""
        for node in self.world.nodes:
            for sender in self.senders:
                yield f"    {sender.name} was answered by {node.name}: {sender.newest_answers.get(node.server.port)}"
        for viewer in self.viewers:
            yield f"    {viewer.name} heard last {viewer.newest}"

    def _keep_logs(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix=f"torture-{self.seed}-"))
        for node in self.world.nodes:
            shutil.copy(node.server.log, folder)
        print(f"logs are in {folder}")

    async def _draw_regions(self) -> None:
        server = self.world.nodes[0].server
        for name, feature in REGIONS.items():
            answer = await asyncio.to_thread(server.send, "PUT", f"/api/v1/regions/{name}", feature)
            assert answer.status == 201, answer.body
        for dispatcher, name in zip(self.dispatchers, EDITED, strict=True):
            assert await asyncio.to_thread(dispatcher.edit, name), f"{name} is not drawn: {dispatcher.faults}"

    async def _do(self, faults: Sequence[str]) -> None:
        end = time.monotonic() + self.seconds
        under_way = set[asyncio.Task[None]]()
        for planned in schedule(self.seed, faults, len(self.world.nodes)):
            if time.monotonic() > end:
                break
            print(
                f"{end - time.monotonic():4.0f} s left: {planned.fault} of {self.world.nodes[planned.node].name}, {planned.hold_s} s",
                flush=True,
            )
            task = asyncio.create_task(self._cause(planned))
            under_way.add(task)
            if planned.beside and len(under_way) < 3:
                await asyncio.sleep(random.Random(planned.chance).uniform(0, planned.hold_s))
                continue
            await asyncio.gather(*under_way)
            under_way.clear()
            await self._recover(planned.fault)
        await asyncio.gather(*under_way)

    async def _cause(self, planned: Planned) -> None:
        self.done[planned.fault] += 1
        began = time.monotonic()
        await FAULTS[planned.fault](self.world, self.world.nodes[planned.node], planned)
        if planned.fault in CUTS:
            self.cut.append((began, time.monotonic() + AFTER_CUT_S))

    async def _recover(self, fault: str) -> None:
        began = time.monotonic()
        await until(all_delivered(self.senders), f"everybody's pings are acknowledged after {fault}", RECOVERS_S)
        self.slowest = max(self.slowest, (time.monotonic() - began, fault))

    async def _calm_down(self) -> None:
        """No more faults, and nobody says anything new: now everything is told to all."""
        for thread in self.threads:
            thread.over.set()
        for viewer in self.viewers:
            viewer.stay()
        for thread in self.threads:
            await asyncio.to_thread(thread.join, deadline(CALM_S))
            assert not thread.is_alive(), f"{thread.name} still has something to say"
        await asyncio.sleep(TIMERS_S)
        await until(self._is_all_told, "everything is numbered and told", CALM_S)

    async def _is_all_told(self) -> bool:
        """Nothing more comes: the database has no event without a number, each node and viewer has heard the newest."""
        await asyncio.sleep(1.0)
        events = [await asyncio.to_thread(events_of, node) for node in self.world.nodes]
        waiting = await self.world.notes.unnumbered()
        heard = [
            all(key in heard for event in events[0] if hears(follow, event) for key in [(event["seq"], event["id"])])
            for follow, heard in [(viewer.follow, set(viewer.events)) for viewer in self.viewers]
        ]
        return not waiting and all(len(one) == len(events[0]) for one in events) and all(heard)

    def _tell(self, found: Found) -> None:
        answers = sum((Counter(sender.answers) for sender in self.senders), Counter[int]())
        print(f"seed {self.seed}, {len(self.world.nodes)} nodes, faults: {dict(self.done)}")
        print(
            f"{sum(found.acknowledged.values())} pings acknowledged, {len(found.events)} events,"
            f" {sum(len(one.edits) for one in self.dispatchers)} edits of which"
            f" {sum(edit.version is not None for one in self.dispatchers for edit in one.edits)} were answered,"
            f" acknowledgements {[one.answers for one in self.dispatchers]},"
            f" {sum(viewer.live.connects for viewer in self.viewers)} connections; answers {dict(answers)}"
        )
        longest = max(sender.longest for sender in self.senders)
        calm = sum(is_calm(read, self.cut) and read.status == 200 for read in found.reads)
        old = [read for read in found.reads if is_old(read)]
        print(
            f"{len(found.reads)} reads, {calm} of them answered while NATS and PostgreSQL were there; {len(old)} were old"
        )
        print(f"nothing acknowledged for {longest:.1f} s at most; slowest back after {self.slowest}", flush=True)
