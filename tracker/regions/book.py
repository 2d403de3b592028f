"""RegionBook: the regions in force, with their cell index and what their schedules change when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tracker.geometry.cells.index import CellIndex
from tracker.regions.region import Region
from tracker.regions.schedule import SPAN_MS, Schedule


class RegionBook:
    """The regions in force and their index. A shape that lies nowhere near a vehicle costs its pings nothing."""

    def __init__(self) -> None:
        self.regions: dict[str, Region] = {}
        self.cells: CellIndex[str] = CellIndex()
        self.scheduled: frozenset[str] = frozenset()
        self._quiet = (0, 0)  # between these no schedule opens or closes anything

    def put(self, region: Region) -> None:
        self.remove(region.id)
        self.regions[region.id] = region
        self.cells.add_shape(region.id, region.shape)
        if region.rules.schedule is not None:
            self.scheduled |= {region.id}
            self._quiet = (0, 0)

    def remove(self, id: str) -> Region | None:
        region = self.regions.pop(id, None)
        if region is not None:
            self.cells.remove(id)
            self.scheduled -= {id}
        return region

    def covering(self, lat: float, lon: float, clock: int) -> Sequence[str]:
        """Ids of the open regions that cover a place, boundary included."""
        keys = self.cells.at(lat, lon)
        if self.scheduled and not self.scheduled.isdisjoint(keys):
            return [key for key in keys if self.regions[key].open_at(clock)]
        return keys

    def schedule(self, id: str) -> Schedule:
        """Of a region that has one."""
        schedule = self.regions[id].rules.schedule
        assert schedule is not None
        return schedule

    def turns_at(self, time: int) -> int:
        """As `next_change`, but remembered: asked for every ping."""
        if not self._quiet[0] <= time < self._quiet[1]:
            self.is_quiet(time, time)
        return self._quiet[1]

    def next_change(self, time: int) -> int | None:
        """The next instant after `time` at which a schedule opens or closes a region."""
        changes = (schedule.change_after(time) for schedule in self._schedules())
        return min((change for change in changes if change is not None), default=None)

    def is_quiet(self, since: int, until: int) -> bool:
        """Does no schedule open or close anything in since < time <= until?"""
        if not (self._quiet[0] <= since and until < self._quiet[1]):
            last = max((schedule.change_before(until) or 0 for schedule in self._schedules()), default=0)
            self._quiet = (last or since, self.next_change(until) or until + SPAN_MS)
        return self._quiet[0] <= since

    def _schedules(self) -> Iterable[Schedule]:
        schedules = (self.regions[key].rules.schedule for key in self.scheduled)
        return {id(schedule): schedule for schedule in schedules if schedule is not None}.values()
