"""One fleet of several, each with vehicles of its own: taken from another, given away, and edits that another decided."""

from __future__ import annotations

from tests.support.scenario import START, box, feature, place
from tracker.fleet.fleet import Fleet, Outcome, Step
from tracker.model.commit import Loaded, SavedVehicle
from tracker.model.ping import Ping
from tracker.regions.region import Region

DEPOT = box(0, 0, 400, 300)
INSIDE, OUTSIDE = (100, 100), (2000, 2000)


def at(vehicle: str, where: tuple[float, float], time: int = START) -> Ping:
    return Ping(vehicle, time, *place(*where))


def depot(version: int = 1, **properties: object) -> Region:
    return Region.read_feature(feature(DEPOT, **properties), id="depot", version=version, now=START)


def settle(fleet: Fleet) -> list[tuple[str, str, str | None]]:
    """All that an edit makes of its vehicles."""
    told = []
    while step := fleet.evaluate(1000):
        told += [(event.kind, event.vehicle, event.region) for event in step.commit.events]
    return told


def saved(step: Step) -> list[SavedVehicle]:
    return step.commit.vehicles


def edited(*regions: Region, now: int = START) -> tuple[Fleet, str]:
    """A fleet without vehicles where somebody put these in force, and the edit as it is kept."""
    fleet = Fleet()
    return fleet, fleet.save_regions(list(regions), now).commit.meta["edit"]


def test_vehicles_are_adopted_as_they_were_with_their_numbers_and_timers() -> None:
    one, other = Fleet(), Fleet()
    for fleet in (one, other):
        fleet.save_regions([depot(rules={"dwell_s": 30})], START)
        settle(fleet)
    step = one.apply([at("van", INSIDE), at("bus", OUTSIDE)], START)
    live = other.adopt([*saved(step), SavedVehicle(7, "sold", None)], START + 1000)
    assert live == ["van", "bus"]
    assert {name: vehicle.published() for name, vehicle in other.vehicles.items()} == {
        name: vehicle.published() for name, vehicle in one.vehicles.items()
    }
    assert (other.number("sold"), other.number("van")) == (7, one.number("van"))
    rung = other.fire(START + 31_000)
    assert rung is not None and [(event.kind, event.vehicle) for event in rung.commit.events] == [("dwell", "van")]
    assert other.apply([at("van", INSIDE)], START + 32_000).outcomes == [Outcome.DUPLICATE]


def test_who_is_adopted_sees_the_edit_that_his_last_owner_did_not_see() -> None:
    behind = Fleet()
    step = behind.apply([at("van", INSIDE), at("bus", OUTSIDE)], START)
    fleet, _ = edited(depot())
    settle(fleet)
    assert not fleet.is_evaluating
    fleet.adopt(saved(step), START)
    assert fleet.is_evaluating
    assert settle(fleet) == [("enter", "van", "depot")]
    assert list(fleet.vehicles["van"].visits) == ["depot"] and not fleet.vehicles["bus"].visits


def test_who_is_adopted_and_has_seen_the_edit_does_not_see_it_twice() -> None:
    one, other = Fleet(), Fleet()
    step = one.apply([at("van", INSIDE)], START)
    edit = one.save_regions([depot()], START)
    made = one.evaluate(1000)
    assert made is not None
    other.follow_edit(edit.commit.meta["edit"], [depot()])
    settle(other)
    other.adopt(saved(made) or saved(step), START)
    assert not other.is_evaluating
    assert settle(other) == []
    assert list(other.vehicles["van"].visits) == ["depot"]


def test_of_a_vehicle_that_is_adopted_gone_the_store_is_asked_for_old_fixes() -> None:
    fleet = Fleet()
    fleet.adopt([SavedVehicle(7, "van", None)], START)
    step = fleet.apply([at("van", INSIDE, START + 5000)], START + 6000)
    assert step.commit.pings[0].n == 7
    assert fleet.unknown_fixes([at("van", INSIDE, START)]) == [(7, START)]


def test_who_is_dropped_is_forgotten_and_nobody_else() -> None:
    fleet = Fleet()
    fleet.apply([at("van", INSIDE), at("bus", INSIDE)], START)
    fleet.apply([Ping("gone", START, 0.0, 0.0, alarm="sos")], START)
    fleet.drop(lambda name: name in ("van", "gone"))
    assert fleet.vehicles.keys() == {"bus"}
    assert fleet.number("van") is None and fleet.number("gone") is None and fleet.number("bus") == 2
    assert not fleet._alarms
    assert fleet.fire(START + 10_000_000) is not None, "the bus fell silent"
    assert fleet.vehicles.keys() == {"bus"}


def test_who_is_dropped_while_an_edit_goes_round_is_not_asked() -> None:
    fleet = Fleet()
    fleet.apply([at("van", INSIDE), at("bus", INSIDE)], START)
    fleet.save_regions([depot()], START)
    fleet.drop(lambda name: name == "van")
    assert settle(fleet) == [("enter", "bus", "depot")]
    assert not fleet.is_evaluating


def test_new_vehicles_get_the_numbers_that_were_given_and_known_ones_keep_theirs() -> None:
    fleet = Fleet()
    assert fleet.numbers_ahead == 0
    fleet.give_numbers(range(100, 102))
    fleet.give_numbers([300])
    assert fleet.numbers_ahead == 3
    fleet.apply([at("van", INSIDE), at("bus", INSIDE)], START)
    fleet.apply([at("van", INSIDE, START + 1000), at("car", INSIDE)], START + 1000)
    assert [fleet.number(name) for name in ("van", "bus", "car")] == [100, 101, 300]
    assert fleet.numbers_ahead == 0


def test_numbers_that_were_given_outlive_a_failed_commit() -> None:
    fleet = Fleet()
    fleet.give_numbers(range(100, 103))
    fleet.apply([at("van", INSIDE)], START)
    fleet.restore(Loaded([], [], [], {}, 0, 0), START)
    fleet.apply([at("van", INSIDE)], START)
    assert fleet.number("van") == 101, "the one before may be stored"


def test_a_followed_edit_makes_of_our_vehicles_what_it_made_of_theirs() -> None:
    fleet = Fleet()
    fleet.apply([at("van", INSIDE), at("bus", OUTSIDE)], START)
    _, text = edited(depot())
    step = fleet.follow_edit(text, [depot()])
    assert not step.commit.meta and not step.commit.regions, "they are stored"
    assert settle(fleet) == [("enter", "van", "depot")]
    theirs = Fleet()
    theirs.apply([at("van", INSIDE)], START)
    theirs.save_regions([depot()], START)
    made = theirs.evaluate(1000)
    assert made is not None
    assert list(theirs.vehicles["van"].visits.items()) == list(fleet.vehicles["van"].visits.items())


def test_a_followed_deletion_lets_our_vehicles_out() -> None:
    fleet = Fleet()
    fleet.apply([at("van", INSIDE)], START)
    other, text = edited(depot())
    fleet.follow_edit(text, [depot()])
    settle(fleet)
    settle(other)
    deleted = other.delete_regions(["depot"], START + 5000).commit.meta["edit"]
    fleet.follow_edit(deleted, [])
    assert not fleet.regions.regions
    assert settle(fleet) == [("exit", "van", "depot")]


def test_before_a_followed_edit_all_have_seen_the_one_before_and_timers_have_gone_off() -> None:
    fleet = Fleet()
    fleet.apply([at("van", INSIDE)], START)
    other, first = edited(depot(rules={"dwell_s": 30}))
    settle(other)
    second = other.save_regions([depot(2)], START + 60_000).commit.meta["edit"]
    fleet.follow_edit(first, [depot(rules={"dwell_s": 30})])
    step = fleet.follow_edit(second, [depot(2)])
    assert [event.kind for event in step.commit.events] == ["enter", "dwell"]
    assert step.commit.events[1].time == START + 30_000


def test_our_own_next_edit_comes_after_the_followed_one() -> None:
    fleet = Fleet()
    _, text = edited(depot())
    fleet.follow_edit(text, [depot()])
    settle(fleet)
    own = fleet.save_regions([depot(2)], START + 1000).commit.meta["edit"]
    assert '"rev":2' in own
