"""The interface of the fleet: steps, numbers, slices, timers, going back. What drives mean is in test_scenarios.py."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

import pytest

from tests.support.scenario import START, Town, box, feature, place, ring
from tracker.fleet.edits import PAIRS, Concerned, Edit, Reach, evaluate
from tracker.fleet.fleet import Fleet, Outcome
from tracker.fleet.vehicle import Vehicle
from tracker.model.change import Registered
from tracker.model.commit import HELD, LATE, LIVE, Loaded, SavedVehicle
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

DEPOT = box(0, 0, 400, 300)


def at(vehicle: str, east: float, north: float, time: int = START) -> Ping:
    return Ping(vehicle, time, *place(east, north))


def depot(version: int = 1) -> Region:
    return Region.read_feature(feature(DEPOT), id="depot", version=version, now=START)


def test_a_step_holds_a_row_for_every_ping_that_is_to_be_stored() -> None:
    fleet = Fleet()
    fleet.apply([at("a", 0, 500)], START)
    step = fleet.apply(
        [
            at("a", 0, 510, START + 1000),
            at("a", 0, 400, START - 1000),
            at("a", 0, 510, START + 1000),
            at("a", 9, 510, START + 1000),
            at("a", 9000, 0, START + 2000),
            at("b", 0, 0, START),
        ],
        START + 3000,
    )
    assert step.outcomes == [
        Outcome.ACCEPTED,
        Outcome.LATE,
        Outcome.DUPLICATE,
        Outcome.CONFLICT,
        Outcome.HELD,
        Outcome.ACCEPTED,
    ]
    rows = [(row.n, row.ping.time - START, row.taken) for row in step.commit.pings]
    assert sorted(rows) == [(1, -1000, LATE), (1, 1000, LIVE), (1, 2000, HELD), (2, 0, LIVE)]
    assert {row.received_at for row in step.commit.pings} == {START + 3000}


def test_every_ping_that_is_accepted_is_stored_whatever_its_time() -> None:
    rng = random.Random(7)
    times = rng.sample(range(START, START + 100_000), 300)
    step = Fleet().apply([at(f"van-{time % 3}", 0, 0, time) for time in times], START + 100_000)
    assert step.outcomes == [Outcome.ACCEPTED] * 300
    assert sorted(row.ping.time for row in step.commit.pings) == sorted(times)


def test_a_vehicle_is_saved_and_published_once_a_step() -> None:
    fleet = Fleet()
    step = fleet.apply([at("a", 0, n, START + n * 1000) for n in range(10)], START + 9000)
    [saved], [moved] = step.commit.vehicles, step.change.moved
    assert (saved.n, saved.vehicle) == (1, "a")
    assert moved.ping.time == START + 9000
    assert fleet.apply([at("a", 0, 0, START)], START + 9000).commit.vehicles == []


def test_a_late_ping_saves_and_publishes_nothing() -> None:
    fleet = Fleet()
    fleet.apply([at("a", 0, 500)], START)
    step = fleet.apply([at("a", 0, 400, START - 1000)], START)
    assert (step.commit.vehicles, step.change.moved) == ([], [])


def test_nothing_is_a_step_too() -> None:
    step = Fleet().apply([], START)
    assert (step.outcomes, step.commit.pings, step.change.moved) == ([], [], [])


def test_late_is_older_than_the_newest_before_the_request() -> None:
    fleet = Fleet()
    pings = [at("a", 0, n * 10, START + n * 1000) for n in (5, 1, 3)]
    assert fleet.apply(pings, START + 9000).outcomes == [Outcome.ACCEPTED] * 3


def test_numbers_go_on_after_the_highest_ever_given() -> None:
    fleet = Fleet()
    fleet.restore(Loaded([], [], [], {}, 0, 41), START)
    assert fleet.apply([at("a", 0, 0)], START).change.moved[0].n == 42


def test_only_the_store_knows_fixes_from_before_a_restart() -> None:
    town = Town()
    town.drive("van").at(0, 0).at(10, 0).at(20, 0)
    stored = town.stored()
    town.restart()
    old, new = at("van", 10, 0, START + 20_000), at("van", 30, 0, START + 40_000)
    assert town.fleet.unknown_fixes([old, new]) == [(1, START + 20_000)]
    other = at("van", 99, 0, START + 10_000)
    between = at("van", 10, 0, START + 15_000)
    step = town.fleet.apply([old, other, between, between], town.now, stored)
    assert step.outcomes == [Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.LATE, Outcome.DUPLICATE]


def test_the_history_of_a_removed_vehicle_is_asked_for_too() -> None:
    town = Town()
    town.drive("van").at(0, 0).at(10, 0)
    stored = town.stored()
    town.took(town.fleet.remove_vehicle("van", town.now))
    again = at("van", 0, 0, START + 10_000)
    for _ in range(2):
        assert town.fleet.unknown_fixes([again]) == [(1, START + 10_000)]
        step = town.fleet.apply([again], town.now, stored)
        assert step.outcomes == [Outcome.DUPLICATE]
        assert "van" not in town.fleet.vehicles, "a duplicate does not bring it back"
        town.restart()
    back = at("van", 5, 0, START + 12_000)
    town.took(town.fleet.apply([back], town.now, stored))
    assert town.fleet.unknown_fixes([at("van", 10, 0, START + 20_000)]) == [(1, START + 20_000)]


def test_removing_tells_the_store_and_the_map() -> None:
    town = Town().region("depot", DEPOT)
    town.drive("van").at(200, 100)
    town.took(town.fleet.register(Registered("van", name="Seven")))
    step = town.fleet.remove_vehicle("van", town.now)
    assert step.commit.vehicles == [SavedVehicle(1, "van", None)]
    assert step.commit.unregistered == step.change.removed == ["van"]
    assert step.change.moved == []
    assert [event.reason for event in step.change.events] == ["vehicle_removed"]
    nobody = town.fleet.remove_vehicle("never seen", town.now)
    assert nobody.commit.vehicles == []
    assert nobody.change.removed == ["never seen"]


def test_a_snapshot_is_all_there_is() -> None:
    town = Town().region("depot", DEPOT)
    town.drive("van").at(200, 100)
    town.took(town.fleet.register(Registered("van", name="Seven")))
    for _ in range(2):
        snapshot = town.fleet.snapshot()
        assert [moved.regions for moved in snapshot.moved] == [{"depot": START + 10_000}]
        assert [one["id"] for one in snapshot.regions] == ["depot"]
        assert snapshot.registered == [Registered("van", name="Seven")]
        assert snapshot.events == []
        town.restart()


def test_regions_are_evaluated_in_slices() -> None:
    fleet = Fleet()
    fleet.apply([at(f"van-{n}", 100, 100) for n in range(5)], START)
    assert fleet.evaluate(2) is None
    step = fleet.save_regions([depot()], START)
    assert [saved.version for saved in step.commit.regions] == [1]
    assert [one["id"] for one in step.change.regions] == ["depot"]
    assert step.change.events == []
    slices = []
    while one := fleet.evaluate(2):
        slices.append([event.vehicle for event in one.change.events])
    assert slices == [["van-0", "van-1"], ["van-2", "van-3"], ["van-4"]]


def test_a_ping_of_a_vehicle_that_waits_evaluates_it_first() -> None:
    fleet = Fleet()
    fleet.apply([at("van", 100, 100)], START)
    fleet.save_regions([depot()], START)
    step = fleet.apply([at("van", 500, 100, START + 10_000)], START + 10_000)
    assert [(event.kind, event.reason) for event in step.change.events] == [
        ("enter", "region_created"),
        ("exit", "moved"),
    ]
    last = fleet.evaluate(10)
    assert last is not None
    assert last.change.events == []


def test_a_second_edit_waits_for_the_first() -> None:
    fleet = Fleet()
    fleet.apply([at("van", 100, 100)], START)
    fleet.save_regions([depot()], START)
    step = fleet.delete_regions(["depot"], START + 1)
    assert [event.reason for event in step.change.events] == ["region_created"]
    last = fleet.evaluate(10)
    assert last is not None
    assert [event.reason for event in last.change.events] == ["region_deleted"]


def test_deleting_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Fleet().delete_regions(["depot"], START)


def test_timers_are_due_and_then_done() -> None:
    town = Town().region("depot", DEPOT, rules={"dwell_s": 60})
    assert town.fleet.due_at() is None
    assert town.fleet.fire(START + 1_000_000) is None
    town.drive("van").at(200, 100, speed_mps=10)
    assert town.fleet.due_at() == START + 70_000
    assert town.fleet.fire(START + 69_999) is None
    step = town.fleet.fire(START + 70_000)
    assert step is not None
    assert [event.kind for event in step.change.events] == ["dwell"]
    assert [saved.vehicle for saved in step.commit.vehicles] == ["van"]


def test_no_more_timers_go_off_than_asked_for() -> None:
    town = Town().region("depot", DEPOT, rules={"dwell_s": 60})
    for n in range(5):
        town.drive(f"van-{n}").at(200, 100, after=0)
    step = town.fleet.fire(START + 90_000, limit=3)
    assert step is not None
    assert len(step.change.events) == 3
    assert (town.fleet.due_at() or 0) <= START + 90_000


def test_after_a_failed_commit_the_store_is_right() -> None:
    town = Town().region("depot", DEPOT)
    town.drive("van").at(200, 100)
    saved = town.steps[-1].commit.vehicles
    town.fleet.apply([at("van", 500, 100, START + 20_000), at("new", 0, 0, START + 20_000)], START + 20_000)
    town.fleet.forget_vehicles(["van", "new"], saved)
    assert "new" not in town.fleet.vehicles
    step = town.fleet.apply([at("van", 500, 100, START + 20_000)], START + 20_000)
    assert step.outcomes == [Outcome.ACCEPTED]
    assert [event.kind for event in step.change.events] == ["exit"]


def test_a_vehicle_of_a_failed_commit_still_sees_the_edit() -> None:
    town = Town()
    town.drive("van").at(200, 100)
    saved = town.steps[-1].commit.vehicles
    town.took(town.fleet.save_regions([depot()], town.now))
    town.fleet.apply([at("van", 210, 100, START + 20_000)], START + 20_000)
    town.fleet.forget_vehicles(["van"], saved)
    town.evaluate()
    assert [event.reason for event in town.events] == ["region_created"]


def test_a_vehicle_costs_little_memory() -> None:
    town = Town().region("depot", DEPOT)
    drive = town.drive("van")
    for n in range(500):
        drive.at(200 + n % 7, 100, after=1, speed_mps=1.0, heading=90.0, accuracy_m=5.0)
    vehicle = town.fleet.vehicles["van"]
    owned = [vehicle, vehicle.visits, vehicle.touches, vehicle.regions, vehicle.anchor, vehicle.ping]
    owned += vehicle.visits.values()
    numbers = 24 * 40
    assert sum(map(sys.getsizeof, owned)) + numbers <= 2048
    assert sys.getsizeof(vehicle.fixes) <= 200 + 9 * len(vehicle.fixes)


FAR = box(9000, 9000, 9400, 9300)


def test_whom_an_edit_does_not_concern_is_not_written_for_it() -> None:
    town = Town()
    for n in range(5):
        town.drive(f"van-{n}").at(100 * n, 100)
    town.steps.clear()
    town.region("far", FAR).region("depot", box(-10, 0, 150, 300)).delete("far")
    assert {saved.vehicle for step in town.steps for saved in step.commit.vehicles} == {"van-0", "van-1"}
    assert town.steps[-1].commit.meta["edit_done"] == "3"


def test_an_edit_does_not_reach_back_through_a_failed_commit_to_whom_it_passed_by() -> None:
    """Near the edge a vehicle is in no region yet: evaluated again it would be, as if the region had just been made."""
    town = Town()
    town.drive("van").at(1000, 100)
    before = town.steps[-1].commit.vehicles
    town.region("depot", DEPOT)
    town.drive("van").at(600, 100).at(395, 100).expect()
    step = town.fleet.apply([at("van", 396, 100, town.now + 10_000)], town.now + 10_000)
    assert step.change.events == []
    town.fleet.forget_vehicles(["van"], town.steps[-1].commit.vehicles)  # the store could not take it
    town.evaluate().wait(3600)
    assert "enter" not in [event.kind for event in town.events]
    town.fleet.forget_vehicles(["van"], before)  # nor anything since the region was made
    town.evaluate()
    assert "enter" not in [event.kind for event in town.events]


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every vehicle that is evaluated, each time."""
    names: list[str] = []

    def spy(book: RegionBook, vehicle: Vehicle, edit: Edit, inside: Sequence[str] | None = None) -> list[Event]:
        names.append(vehicle.ping.vehicle)
        return evaluate(book, vehicle, edit, inside)

    monkeypatch.setattr("tracker.fleet.fleet.evaluate", spy)
    return names


def test_nobody_far_from_an_edit_is_evaluated(evaluated: list[str]) -> None:
    town = Town()
    for n in range(5):
        town.drive(f"van-{n}").at(100 * n, 100)
    town.region("depot", box(-10, 0, 150, 300)).region("far", FAR).delete("far")
    town.drive("van-4").at(410, 100).at(420, 100)  # nor later, by its own next fix
    assert evaluated == ["van-0", "van-1"]


def test_a_start_evaluates_nobody_again(evaluated: list[str]) -> None:
    town = Town()
    town.drive("van").at(1000, 100)
    town.region("depot", DEPOT).restart()
    assert town.fleet.evaluate(10) is None
    town.wait(3600)
    town.drive("van").at(990, 100)
    assert evaluated == []


def test_a_touch_counts_as_having_part_in_a_region() -> None:
    town = Town().region("depot", DEPOT)
    town.drive("van").at(600, 100).at(395, 100).expect()
    town.region("depot", FAR)
    assert [saved.vehicle for saved in town.steps[-1].commit.vehicles] == ["van"]  # the touch is over
    town.drive("van").at(600, 100).expect()


FRAME = [(0, 0), (400, 0), (400, 300), (0, 300), (0, 0)], [(10, 10), (390, 10), (390, 290), (10, 290), (10, 10)]


def test_a_region_an_older_program_misread_is_read_again_and_that_is_told_once() -> None:
    town = Town()
    town.region("frame", {"type": "Polygon", "coordinates": [ring(corners) for corners in FRAME]})
    town.region("depot", FAR)
    saved = town.steps[0].commit.regions[0]
    assert saved.feature is not None
    properties = saved.feature["properties"]
    assert properties["area_m2"] == pytest.approx(400 * 300 - 380 * 280, rel=1e-2)
    properties["area_m2"] = 400.0 * 300 + 380 * 280  # the hole was added
    town.restart()
    town.drive("van").at(-300, 100).at(
        5, 100
    ).expect()  # 5 m in, right to 10 m: not deep enough for what it was taken for
    town.restart()
    misread = town.fleet.take_misread(town.now)
    assert [region.id for region in misread] == ["frame"]
    step = town.fleet.save_regions(misread, town.now)
    town.took(step)
    town.evaluate()
    told = [(event.kind, event.region, event.reason, event.version) for event in town.new()]
    assert told == [("enter", "frame", "region_changed", 2)]
    [again] = step.commit.regions
    assert again.feature is not None
    assert again.feature["properties"]["area_m2"] == pytest.approx(400 * 300 - 380 * 280, rel=1e-2)
    town.restart()
    assert town.fleet.take_misread(town.now) == []


def test_looking_whom_an_edit_concerns_is_sliced_by_how_many_regions_they_are_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    town, found, asked = Town(), list[int](), list[int]()
    concerned = Reach.concerned

    def watched(reach: Reach, vehicles: Sequence[Vehicle]) -> list[Concerned]:
        near = concerned(reach, vehicles)
        asked.append(len(vehicles))
        found.append(sum(len(one.inside or ()) for one in near))
        return near

    monkeypatch.setattr(Reach, "concerned", watched)
    town.fleet.apply([Ping(f"v{n}", START, *place(10, 10)) for n in range(100)], START)
    many = [feature(box(0, 0, 400, 300 + n)) for n in range(300)]
    regions = [Region.read_feature(one, id=f"r{n}", version=1, now=START) for n, one in enumerate(many)]
    town.fleet.save_regions(regions, START)
    town.evaluate()
    assert sum(found) == 100 * 300
    assert max(found) <= 2 * PAIRS
    asked.clear()
    town.fleet.apply([Ping(f"far-{n}", START, *place(90_000, 10)) for n in range(3000)], START)
    asked.clear()
    town.region("other", box(5000, 0, 400, 300))
    assert sum(asked) == 3100
    assert len(asked) < 12, "far from all: soon many are asked at once"
