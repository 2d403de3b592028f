"""When a vehicle was in a region, and which of its fixes say so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.grants import limited, of_all
from tests.support.scenario import START, box, feature, place
from tracker.history.visits import NEVER, Shown, inside_then, visits
from tracker.model.change import Change, VehicleState
from tracker.model.coarse import coarsened
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region
from tracker.stores import EventQuery

BOTH = frozenset({"depot", "yard"})
INSIDE, EDGE, OUTSIDE = place(200, 100), place(460, 100), place(1000, 100)


class Log:
    """Only the events of a store."""

    def __init__(self, *events: Event) -> None:
        self._events = [msgspec.structs.replace(event, seq=at + 1) for at, event in enumerate(events)]

    async def events(self, query: EventQuery) -> list[Event]:
        assert query.vehicles and query.kinds
        return [
            event
            for event in self._events
            if event.seq > (query.after or 0)
            and event.vehicle in query.vehicles
            and event.kind in query.kinds
            and (query.regions is None or event.region in query.regions)
        ][: query.limit]


def event(kind: str, time: int, region: str | None = "depot", vehicle: str = "van", **detail: Any) -> Event:
    return Event(f"{kind}{time}", kind, vehicle, time, time, "moved", 0.0, 0.0, region, detail=detail)


def exit(entered_at: int, time: int, region: str = "depot", vehicle: str = "van") -> Event:
    return event("exit", time, region, vehicle, entered_at=entered_at)


def book() -> RegionBook:
    regions = RegionBook()
    for id, west in (("depot", 0), ("yard", 5000)):
        drawn = feature(box(west, 0, west + 400, 300))
        regions.put(Region.read_feature(drawn, id=id, version=1, now=START))
    return regions


def state(**regions: int) -> VehicleState:
    return VehicleState(1, Ping("van", 1, *INSIDE), 1, regions=regions)


def fix(time: int, at: tuple[float, float] = INSIDE, vehicle: str = "van") -> Ping:
    return Ping(vehicle, time, *at)


async def test_a_visit_lasts_from_the_enter_to_the_deciding_fix_of_the_exit() -> None:
    log = Log(exit(100, 200), exit(500, 600), exit(550, 700, "yard"), exit(1, 9, "theirs"), exit(1, 9, vehicle="car"))
    found = await visits(log, book(), "van", state(depot=900, theirs=950), None, limited(*BOTH))  # type: ignore[arg-type]
    assert found.spans() == [(100, 200), (500, 700), (900, NEVER)]
    admitted = [time for time in (99, 100, 200, 201, 600, 601, 899, 900, 10**15) if found.shown(fix(time))]
    assert admitted == [100, 200, 600, 900, 10**15]


@pytest.mark.parametrize("reason", ["region_changed", "region_deleted", "vehicle_removed"])
async def test_a_visit_that_an_edit_ends_has_no_fix_that_came_later_however_old(reason: str) -> None:
    """A recording: its fixes are older than any edit made while it comes."""
    edit = msgspec.structs.replace(exit(100, 9000), reason=reason)
    for why, last in (({"why": {"to": {"time": 150}}}, 150), ({}, 9000)):
        log = Log(msgspec.structs.replace(edit, detail=edit.detail | why))
        found = await visits(log, book(), "van", None, None, limited(*BOTH))  # type: ignore[arg-type]
        assert found.spans() == [(100, last)], "the newest fix it was seen at; without why, the time it is said to end"


async def test_a_fix_of_a_visit_that_lies_far_outside_is_not_told() -> None:
    """A jump, or one that came late: it says where else the vehicle was."""
    found = await visits(Log(exit(100, 200)), book(), "van", None, None, limited(*BOTH))  # type: ignore[arg-type]
    assert [bool(found.shown(fix(150, at))) for at in (INSIDE, EDGE, OUTSIDE)] == [True, True, False]
    assert not found.shown(fix(150, place(5100, 100))), "it was in the depot then, not in the yard"


async def test_who_never_was_there_has_no_visit() -> None:
    assert not await visits(Log(exit(1, 2, vehicle="car")), book(), "van", state(theirs=5), None, limited(*BOTH))  # type: ignore[arg-type]


async def test_a_region_that_is_gone_tells_no_place() -> None:
    found = await visits(Log(exit(100, 200)), RegionBook(), "van", None, None, limited(*BOTH))  # type: ignore[arg-type]
    assert found
    assert not found.shown(fix(150))


@pytest.mark.parametrize(
    ("later", "now", "inside"),
    [
        ([], {}, set()),
        ([], {"depot": 1}, {"depot"}),
        ([event("exit", 60)], {}, {"depot"}),
        ([event("enter", 60)], {"depot": 60}, set()),
        ([event("enter", 60), event("exit", 70)], {}, set()),
        ([event("exit", 60), event("enter", 70)], {"depot": 70}, {"depot"}),
        ([event("exit", 60, "yard"), event("exit", 70)], {}, {"depot", "yard"}),
        ([event("exit", 60, "theirs")], {}, set()),
    ],
)
async def test_where_a_vehicle_was_then_is_told_by_what_came_since(
    later: list[Event], now: dict[str, int], inside: set[str]
) -> None:
    log = Log(event("enter", 10), event("alarm", 50, None), *later)
    picture = Picture()
    if now:
        picture.apply(Change(moved=[state(**now)]))
    alarm = log._events[1]
    assert await inside_then(log, picture, alarm, BOTH) == inside  # type: ignore[arg-type]
    assert await inside_then(log, picture, alarm) >= inside  # type: ignore[arg-type]


async def test_a_preview_is_shown_the_fixes_of_visits_and_who_is_there_now() -> None:
    picture = Picture()
    picture.apply(Change(moved=[state(depot=900), VehicleState(2, fix(9, vehicle="car"), 9, regions={"theirs": 1})]))
    shown = Shown(Log(exit(100, 200)), book(), picture, limited(*BOTH))  # type: ignore[arg-type]
    decided = fix(8)
    assert [shown.place(vehicle, decided) for vehicle in ("van", "car", "nobody")] == [decided, None, None]
    told = [(fix(150), 1), (fix(300), 2), (fix(950), 3), (fix(950, vehicle="car"), 4)]
    assert await shown.fixes(told) == [told[0], told[2]]


async def test_a_fix_is_told_as_exactly_as_the_finest_part_that_shows_its_visit() -> None:
    grant = of_all(
        limited("depot", coarse_m=500),
        limited("yard", vehicles=frozenset({"north"})),
        limited(anywhere=True, coarse_m=5000),
    )
    log, yard = Log(exit(100, 200), exit(300, 400, "yard")), place(5100, 100)
    for group, of_yard in (("north", 0), ("south", 5000), (None, 5000)):
        found = await visits(log, book(), "van", None, group, grant)  # type: ignore[arg-type]
        assert found.spans() == [(-NEVER, NEVER)]
        for time, at, cell_m in ((150, INSIDE, 500), (350, yard, of_yard), (250, INSIDE, 5000), (150, OUTSIDE, 5000)):
            told = fix(time, at)
            assert found.shown(told) == (coarsened(told, cell_m) if cell_m else told)
    found = await visits(log, book(), "van", None, "south", limited("depot", vehicles=frozenset({"north"})))  # type: ignore[arg-type]
    assert not found
    assert found.shown(fix(150)) is None
