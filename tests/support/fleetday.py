"""A day of a fleet out of a seed, as a store would answer it; and the small file of fixtures/fleetday.

python -m tests.support.fleetday        writes fixtures/fleetday/sample.fleetday anew
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import numpy as np

from tests.support.servers import ROOT, circle
from tracker.bundles.day.gathering import gathered
from tracker.bundles.day.reading import Day
from tracker.bundles.day.writing import Written
from tracker.model.change import Registered
from tracker.model.columns import Columns, Part, Tracks
from tracker.model.commit import HELD, LATE, Loaded, SavedRegion
from tracker.model.events import Event
from tracker.stores import EventQuery, StoredDay

BEGIN, HOUR, DAY = 1_795_384_800_000, 3_600_000, 86_400_000  #: 2026-11-23 in Helsinki
SAMPLE = ROOT / "fixtures" / "fleetday" / "sample.fleetday"


class SeededStore:
    """So many vehicles with a fix each `step_ms` from `since` on; of those port verbs that a day is gathered by."""

    def __init__(self, vehicles: int, step_ms: int, since: int = BEGIN, until: int = BEGIN + DAY) -> None:
        self.kept = {n: _drive(n, step_ms, since, until) for n in range(1, vehicles + 1)}
        self.names = {f"van-{n:03}": n for n in self.kept}
        self.told: list[Event] = []
        self.versions: list[tuple[SavedRegion, int | None]] = []
        self.thinned: list[StoredDay] = []
        self.lost: dict[int, int] = {}

    def loaded(self) -> Loaded:
        registered = [Registered("van-001", "Väinö", "ABC-1", "north", "lorry"), Registered("never", "Nobody")]
        newest = [one for one, until in self.versions if until is None]
        return Loaded([], newest, registered, {}, 0, len(self.kept))

    async def numbers(self) -> dict[str, int]:
        return dict(self.names)

    async def columns(self, n: int, since: int, until: int) -> Columns:
        return self.kept[n].cut(since, until)

    async def tracks(
        self, shares: Sequence[Sequence[int]], since: int, until: int, look: Callable[[int, Tracks], Any]
    ) -> AsyncGenerator[Any, None]:
        for at, share in enumerate(shares):
            cut = [(which, self.kept[n].cut(since, until)) for which, n in enumerate(share)]
            parts = [Part.stored(which, one.time, one.taken, one.lat, one.lon) for which, one in cut]
            yield look(at, Tracks.joined(len(share), parts))

    async def regions_then(
        self, since: int, until: int, _ids: None, after: tuple[str, int], limit: int
    ) -> list[tuple[SavedRegion, int | None]]:
        held = [one for one in self.versions if one[0].updated_at < until and (one[1] is None or one[1] > since)]
        return [one for one in held if (one[0].id, one[0].version) > after][:limit]

    async def events(self, query: EventQuery) -> list[Event]:
        assert query.after is not None and query.since is not None and query.until is not None
        of_hour = [one for one in self.told if query.since <= one.time < query.until and one.seq > query.after]
        return of_hour[: query.limit]

    async def days(self) -> list[StoredDay]:
        return self.thinned

    async def gone(self) -> dict[int, int]:
        return self.lost


def _drive(n: int, step_ms: int, since: int, until: int) -> Columns:
    rng = np.random.default_rng(n)
    time = np.arange(since, until, step_ms) + rng.integers(0, step_ms // 4, -(-(until - since) // step_ms))
    count = len(time)
    speed = rng.integers(0, 15_000, count) * (rng.random(count) < 0.7)
    course = np.cumsum(rng.normal(0, 0.3, count))
    metres = speed / 1e3 * (step_ms / 1e3)
    lat = np.cumsum(metres * np.cos(course)) * 90 + 601_700_000 + rng.integers(-2_000_000, 2_000_000)
    lon = np.cumsum(metres * np.sin(course)) * 180 + 249_400_000 + rng.integers(-4_000_000, 4_000_000)
    heading = np.degrees(course) % 360 * 100
    altitude, accuracy = np.full(count, -(1 << 31)), rng.integers(200, 1500, count)
    delay = rng.integers(100, 3000, count)
    arrays = np.arange(count), time, lat, lon, speed, heading, altitude, accuracy, time + delay, np.zeros(count)
    types = ("i8", "i8", "i4", "i4", "i4", "i4", "i4", "i4", "i8", "i1")
    return Columns.from_arrays((one.astype(kind) for one, kind in zip(arrays, types, strict=True)), {})


def sample_store() -> SeededStore:
    """Six vehicles for five hours, with all there can be in a file."""
    store = SeededStore(6, 60_000, BEGIN + 7 * HOUR - 600_000, BEGIN + 12 * HOUR)
    first, second = store.kept[1], store.kept[2]
    first.extra = {20: b'{"ignition":true,"attributes":{"door":"open"}}', 70: b'{"driver":"Aino"}'}
    second.taken[[30, 31]] = HELD, LATE
    second.lat[30] += 30_000_000  # a jump
    second.lat[40], second.lon[40] = 0, 0  # it did not know where it was
    store.kept[3] = store.kept[3].cut(0, BEGIN + 8 * HOUR)  # then it fell silent
    yard = circle(60.17, 24.94, 300, name="Yard", group="home")
    wider = circle(60.17, 24.94, 500, name="Home yard", group="home")
    store.versions = [
        (SavedRegion("yard", 1, BEGIN - DAY, yard), BEGIN + 9 * HOUR),
        (SavedRegion("yard", 2, BEGIN + 9 * HOUR, wider), None),
    ]
    at = BEGIN + 8 * HOUR + 60_000
    store.told = [
        Event("e-enter", "enter", "van-001", at, at + 900, "crossed", 60.17, 24.94, "yard", 1, seq=1),
        Event("e-gone", "erased", "", at + 1, at + 1, "erased", 0.0, 0.0, seq=2),
        Event("e-exit", "exit", "van-001", at + 2 * HOUR, at + 2 * HOUR, "crossed", 60.18, 24.9, "yard", 2, seq=3),
    ]
    store.thinned = [StoredDay(4, "van-004", BEGIN + 2 * HOUR, 300, 900, True)]
    store.lost = {BEGIN + 2 * HOUR: 25, BEGIN - 10 * DAY: 99}
    return store


def made(store: SeededStore, zone: str = "Europe/Helsinki", now: int = BEGIN + 2 * DAY) -> tuple[bytes, Written]:
    written = Written("2026-11-23", zone, BEGIN, BEGIN + DAY)

    async def pieces() -> bytes:
        stored: Any = store
        return b"".join([piece async for piece in gathered(stored, store.loaded(), written, now)])

    return asyncio.run(pieces()), written


def opened(file: bytes) -> Day:
    return Day.open(io.BytesIO(file))


if __name__ == "__main__":
    SAMPLE.write_bytes(made(sample_store())[0])
    print(f"{SAMPLE.stat().st_size:,} bytes")
