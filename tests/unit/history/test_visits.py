"""When a vehicle was in a region, and which of its fixes say so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.grants import limited, of_all
from tests.support.scenario import START, box, feature, place
from tracker.access.grants import Grant
from tracker.history.visits import NEVER, Shown, inside_then, visits
from tracker.model.change import Change, VehicleState
from tracker.model.coarse import coarsened
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
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


async def test_who_sees_everything_of_a_vehicle_is_told_of_it_as_it_was_and_no_event_is_read() -> None:
    found = await visits(None, book(), "van", state(depot=900), None, limited(anywhere=True))  # type: ignore[arg-type]
    assert found and found.whole and found.spans() == [(-NEVER, NEVER)]
    told = [fix(1), fix(2, OUTSIDE)]
    assert [found.shown(one) for one in told] == told
    limits = await visits(Log(), book(), "van", None, None, limited("depot", coarse_m=500))  # type: ignore[arg-type]
    assert not limits and not limits.whole


async def test_visits_are_cut_to_the_time_that_is_asked_for() -> None:
    log = Log(exit(100, 200), exit(150, 300, "yard"), exit(500, 600))
    found = await visits(log, book(), "van", None, None, limited(*BOTH))  # type: ignore[arg-type]
    assert found.cut(0, 1000) == [(100, 301), (500, 601)]
    assert found.cut(200, 501) == [(200, 301), (500, 501)]
    assert found.cut(301, 500) == []


GRANTS = {
    "one region": limited("depot"),
    "all there are": limited(*BOTH),
    "coarsely": limited("depot", coarse_m=500),
    "anywhere, but coarsely": limited(anywhere=True, coarse_m=5000),
    "anywhere": limited(anywhere=True),
    "the depot coarsely, the yard exactly": of_all(limited("depot", coarse_m=500), limited("yard")),
    "the yard better than the rest": of_all(limited("yard", coarse_m=50), limited(anywhere=True, coarse_m=5000)),
    "one that is gone": limited("gone"),
}


@pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS)
async def test_of_many_fixes_those_are_told_that_would_be_told_alone(grant: Grant) -> None:
    log = Log(exit(100, 200), exit(150, 300, "yard"), exit(500, 600), exit(100, 900, "gone"))
    found = await visits(log, book(), "van", state(yard=800), None, grant)  # type: ignore[arg-type]
    spots = (INSIDE, EDGE, OUTSIDE, place(5100, 100))
    stored = [
        StoredPing(7, msgspec.structs.replace(fix(time + step, spot), heading=90.0, accuracy_m=8.0), 950)
        for time in (99, 100, 196, 201, 300, 301, 500, 601, 799, 800, 9000)
        for step, spot in enumerate(spots)
    ]
    stored = Columns.from_pings(stored).pings("van", 7)
    alone = [told for told in (found.shown(one.ping) for one in stored) if told]
    assert [one.ping for one in found.admit(Columns.from_pings(stored)).pings("van", 7)] == alone
    assert (len(alone) == 0) == (grant is GRANTS["one that is gone"])
    assert len(found.admit(Columns.from_pings([]))) == 0


async def test_all_visits_are_found_however_many_pages_they_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.history.visits.PAGE", 2)
    for count in (3, 4, 5):
        log = Log(*(exit(at * 100, at * 100 + 50) for at in range(count)))
        found = await visits(log, book(), "van", None, None, limited("depot"))  # type: ignore[arg-type]
        assert found.spans() == [(at * 100, at * 100 + 50) for at in range(count)]


async def test_what_was_looked_at_is_over_once_a_vehicle_changes_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture()
    shown = Shown(Log(exit(100, 200)), book(), picture, limited("depot", coarse_m=500))  # type: ignore[arg-type]
    assert shown.is_coarse and not Shown(Log(), book(), picture, limited("depot")).is_coarse  # type: ignore[arg-type]
    found = await shown.visits("van")
    assert await shown.visits("van") is found and not shown.is_over
    monkeypatch.setattr(picture, "group_of", {"van": "north"}.get)
    assert shown.is_over
