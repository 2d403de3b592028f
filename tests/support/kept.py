"""Kept: what a store has of the past, as lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.support.scenario import START, box, feature, place
from tracker.model.change import Registered
from tracker.model.commit import LIVE, SavedRegion, StoredPing
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.model.records import Audit
from tracker.pipeline.entries.journal import Entry
from tracker.replay.past.stored import Known, Settings, in_order

HOUR = 3_600_000
DAY = 24 * HOUR


class Kept:
    """A source of lists."""

    name = "kept"

    def __init__(self, arrivals: list[StoredPing], regions: list[SavedRegion], settings: Settings) -> None:
        self._arrivals, self._regions, self.settings = arrivals, regions, settings
        self.told: list[Event] = []
        self.removed: list[Audit] = []
        self.gone: dict[int, int] = {}
        numbers = {one.ping.vehicle: one.n for one in arrivals}
        self.known = Known(numbers, [Registered("van-2", group="North")])

    def deeds(self, edits: bool = True) -> Iterator[Entry]:
        return in_order(self._regions if edits else (), self.removed, self.settings)

    def audits(self) -> Iterable[Audit]:
        return self.removed

    def region_log(self) -> Iterator[SavedRegion]:
        return iter(self._regions)

    def arrivals_within(self, since: int, until: int, numbers: frozenset[int] | None) -> Iterator[StoredPing]:
        within = (one for one in self._arrivals if since <= one.ping.time < until)
        return (one for one in within if numbers is None or one.n in numbers)

    def last_before(self, at: int, names: Iterable[str]) -> Iterator[list[StoredPing]]:
        for name in names:
            yield [one for one in self._arrivals if one.ping.vehicle == name and one.ping.time < at][-1:]

    def events_within(self, since: int, until: int) -> Iterator[Event]:
        return (one for one in self.told if since <= one.time < until)

    def end(self) -> int:
        return self._arrivals[-1].received_at

    def close(self) -> None: ...


def fix(at: int, east: float, n: int = 1, late: int = 300, taken: int = LIVE, **more: Any) -> StoredPing:
    """`at` ms after the start, so many metres east, received a moment later."""
    lat, lon = place(east, 0)
    return StoredPing(n, Ping(f"van-{n}", START + at, lat, lon, speed_mps=10.0, **more), START + at + late, taken)


def yard(version: int, at: int, west: float = -200, **properties: Any) -> SavedRegion:
    drawn = feature(box(west, -200, west + 400, 200), name="The yard", **properties)
    return SavedRegion("yard", version, START + at, drawn | {"id": "yard"})


DRIVE = [fix(0, -900), fix(60_000, 0), fix(10 * HOUR, 10), fix(10 * HOUR + 60_000, 900)]
