"""The demo: a simulated fleet of delivery vans on the real streets of central Helsinki.

`Simulation` is pure and seeded: the same seed, start and number of vans give the same pings, whoever asks and however
often. `play` feeds it through the same pipeline as everybody's pings, at the pace of the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from tracker.config import Settings
from tracker.demo.streets import Drive, Fix, Point, Streets, moved
from tracker.errors import Overloaded, StoreError
from tracker.model.change import Registered
from tracker.model.ping import Ping

if TYPE_CHECKING:
    from tracker.node import Node

log = logging.getLogger("tracker.demo.simulation")

SEED = 9  # four regions see their first `enter` within eight seconds
TICK_S = 0.1  # pings leave at most so late
BEHIND_MS = 5_000  # a machine that slept, or cannot keep up: leave the time out rather than catch up

#: first stop wherever the van is going: (group, letters of the number plate)
GROUPS = (("Kallio", "KAL"), ("Kamppi", "KMP"), ("Harbour", "HRB"), ("Centre", "CTR"))
STOPS = 60  # depots and customers, spread over the town
PARKED, IDLE = 0.08, 0.05  # shares of the fleet that begin the day so
HURRY = 1.3  # one in sixty is always late, and is too fast in Mannerheimintie
PER_CENT_M = 2_500  # driven on a hundredth of the battery


def fixtures() -> Path:
    """The folder with the demo's data: packed into a wheel beside the code, in a checkout at its top."""
    package = Path(__file__).parent.parent
    packed = package / "_fixtures"
    return (packed if packed.is_dir() else package.parent / "fixtures") / "demo"


class Van:
    """One van and its day: drive to a stop, stay there a while, drive on. Times are seconds since the start."""

    def __init__(self, number: int, streets: Streets, stops: list[int], seed: int, place: Point | None = None) -> None:
        self.number = number
        self.vehicle = f"van-{number:02d}"
        self.streets, self.stops = streets, stops
        self.random = random = Random(f"{seed}:{number}")
        self.haste = random.uniform(0.85, 1.1) * (HURRY if number % 60 == 47 else 1)
        self.every_ms = random.randrange(1_000, 3_000)
        self.battery = random.uniform(45, 98) if number % 30 != 15 else 21.5 + number / 20
        self.odometer = random.uniform(2_000, 90_000)
        self.drift = (0.0, 0.0)  # of the receiver, metres east and north
        self.here = streets.nearest(*place) if place else stops[number * 7 % len(stops)]
        self.ignition = True
        self.drive = self._next_drive()
        first = random.random()
        # the others are already somewhere on their way: nothing starts in lockstep
        self.began = -self.drive.seconds * random.uniform(0.05, 0.6) if place is None else 0.0
        self.stop_s = self._stop_length()
        if first < PARKED + IDLE:
            self.began = random.uniform(60, 1_200)
            self.ignition = first >= PARKED

    def register_entry(self) -> Registered:
        number = self.number
        group, letters = GROUPS[number % len(GROUPS)]
        return Registered(
            vehicle=self.vehicle,
            name=f"Van {number}",
            plate=f"{letters}-{100 + number * 37 % 900}",
            group=group,
            kind="van",
            attributes={"demo": True},
        )

    def ping(self, time: int, seconds: float) -> Ping:
        """What the van's tracker sends at that moment; the moments must not go back."""
        fix, driving = self._fix(seconds)
        lat, lon, accuracy = self._received(fix)
        speed = max(0.0, fix.speed_mps + self.random.gauss(0, 0.15)) if fix.speed_mps > 0.3 else 0.0
        # Like most trackers it keeps the last course while the van stands at a light.
        heading = (fix.heading + self.random.gauss(0, 2)) % 360 if speed > 1 else fix.heading
        return Ping(
            vehicle=self.vehicle,
            time=time,
            lat=round(lat, 7),
            lon=round(lon, 7),
            speed_mps=round(speed, 2),
            heading=round(heading, 1) % 360,
            accuracy_m=accuracy,
            ignition=driving or self.ignition,
            battery_pct=round(self.battery - fix.driven_m / PER_CENT_M, 1),
            odometer_m=round(self.odometer + fix.driven_m),
        )

    def next_after_ms(self, seconds: float) -> int:
        """How long until its next ping: parked with the engine off it reports less often."""
        return self.every_ms if self.ignition or seconds >= self.began else 5 * self.every_ms

    def _fix(self, seconds: float) -> tuple[Fix, bool]:
        while seconds >= self.began + self.drive.seconds + self.stop_s:
            self._arrive()
        spent = seconds - self.began
        if spent < 0:
            return self.drive.at(0)._replace(speed_mps=0.0), False
        if spent < self.drive.seconds:
            return self.drive.at(spent), True
        return self.drive.at(self.drive.seconds)._replace(speed_mps=0.0), False

    def _arrive(self) -> None:
        end = self.began + self.drive.seconds
        driven = self.drive.along[-1]
        self.odometer += driven
        self.battery -= driven / PER_CENT_M
        if self.battery < 8:
            self.battery = 100.0  # swapped at the stop
        self.began = end + self.stop_s
        self.drive = self._next_drive()
        self.stop_s = self._stop_length()
        self.ignition = self.random.random() < 0.5

    def _next_drive(self) -> Drive:
        """To the farther of two stops: most drives go through the town."""
        choice = [one for one in self.random.sample(self.stops, 3) if one != self.here][:2]
        goal = max(choice, key=lambda one: self.streets.distance_m(self.here, one))
        way = self.streets.route(self.here, goal, self.random)
        self.here = goal
        return Drive(self.streets, way, self.random, self.haste)

    def _stop_length(self) -> float:
        return self.random.uniform(20, 90)

    def _received(self, fix: Fix) -> tuple[float, float, float]:
        """What a receiver makes of it: an error of 3 to 5 m that wanders rather than jumps."""
        accuracy = round(self.random.uniform(3.0, 6.0), 1)
        if fix.speed_mps > 0.3:
            east, north = self.drift
            self.drift = (0.9 * east + self.random.gauss(0, 1.1), 0.9 * north + self.random.gauss(0, 1.1))
        lat, lon = moved(fix.lat, fix.lon, self.drift[0], 90)
        return *moved(lat, lon, self.drift[1], 0), accuracy


class Simulation:
    """The whole fleet. `due` hands out what was sent up to a moment, in order, each ping once."""

    def __init__(
        self, streets: Streets, vehicles: int, start: int, seed: int = SEED, places: Mapping[str, Point] | None = None
    ) -> None:
        """`places`: where vans were seen before a restart; they go on from the junction next to it."""
        self.start = start
        known = places or {}
        stops = streets.stops(STOPS)
        self.vans = [Van(n, streets, stops, seed, known.get(f"van-{n:02d}")) for n in range(1, vehicles + 1)]
        self.queue = [(start + van.random.randrange(van.every_ms), i) for i, van in enumerate(self.vans)]
        heapq.heapify(self.queue)

    def due(self, now: int) -> Iterator[Ping]:
        while self.next_at <= now:
            time, i = self.queue[0]
            van, seconds = self.vans[i], (time - self.start) / 1000
            yield van.ping(time, seconds)
            heapq.heapreplace(self.queue, (time + van.next_after_ms(seconds), i))

    @property
    def next_at(self) -> int:
        """When the next ping is due."""
        return self.queue[0][0]

    def postpone(self, ms: int) -> None:
        """Leave out a stretch of time: everything that was to come comes so much later."""
        self.start += ms
        self.queue = [(time + ms, i) for time, i in self.queue]


def run(settings: Settings, vehicles: int, keep: bool, with_people: bool = False) -> None:
    """Serve the demo until it is told to stop; `keep` its data in the folder of the settings, or in a passing one."""
    from tracker.web.app import run as serve

    listens, urls = asyncio.Event(), list[str]()

    def told(url: str) -> None:
        urls.append(url)
        listens.set()

    async def beside(node: Node) -> None:
        if with_people:
            await introduce(node, listens, urls)
        await drive(node, vehicles)

    # whoever tries the curl line types any two places, seconds apart: here that is no receiver gone astray
    settings = msgspec.structs.replace(settings, jump_gap_s=0.0)
    with contextlib.ExitStack() as end:
        if not keep:
            folder = end.enter_context(tempfile.TemporaryDirectory(prefix="tracker-demo-", ignore_cleanup_errors=True))
            settings = msgspec.structs.replace(settings, data=folder, store="")
        print(f"{vehicles} simulated vans in central Helsinki, for this machine only. Ctrl-C ends it.", file=sys.stderr)
        serve(settings, beside=beside, told=told)


async def introduce(node: Node, listens: asyncio.Event, urls: list[str]) -> None:
    """Let three people in, and say so below the address."""
    from tracker.demo import people

    invited = await people.invite(node)
    await listens.wait()
    print("\n" + "\n".join(people.lines(urls[0], *invited)) + "\n", flush=True)


async def drive(node: Node, vehicles: int) -> None:
    """Furnish an empty server, or go on where the vans of an earlier run were last seen; then send pings for ever."""
    picture = node.picture
    places = {id: (state.ping.lat, state.ping.lon) for id, state in picture.vehicles.items()}
    streets = await asyncio.to_thread(Streets.load, fixtures() / "roads.json")
    simulation = await asyncio.to_thread(Simulation, streets, vehicles, node.clock(), places=places)
    if not picture.register and not picture.vehicles:
        await node.pipeline.save_regions(regions(), create_only=True)
    unnamed = [van.register_entry() for van in simulation.vans if van.vehicle not in picture.register]
    async with asyncio.TaskGroup() as tasks:  # each name is a commit of its own: thousands of vans do not wait for it
        tasks.create_task(name(node.pipeline.register, unnamed))
        tasks.create_task(play(node.pipeline.submit, simulation, node.clock))


async def name(register: Callable[[Registered], Awaitable[Any]], entries: list[Registered]) -> None:
    """Say what the vans are called; those a busy store refuses stay as they are until the next start."""
    for entry in entries:
        try:
            await register(entry)
        except (Overloaded, StoreError) as error:
            log.warning("%s got no name: %s", entry.vehicle, error)


def regions() -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = json.loads((fixtures() / "regions.geojson").read_text("utf-8"))["features"]
    return features


async def play(
    submit: Callable[[list[Ping]], Awaitable[Any]],
    simulation: Simulation,
    clock: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send what is due, for ever. A store that is busy or full costs the pings of that moment, not the demo."""
    while True:
        now = clock()
        if (late := now - simulation.next_at) > BEHIND_MS:
            simulation.postpone(late)
        try:
            if pings := list(simulation.due(now)):
                await submit(pings)
        except (Overloaded, StoreError) as error:
            log.warning("the demo's pings were refused: %s", error)
            await sleep(1)
        await sleep(TICK_S)
