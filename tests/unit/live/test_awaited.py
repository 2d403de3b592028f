"""Names nobody knows: whoever follows them hears of them when they come, and they cost next to nothing."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from tests.support.grants import limited
from tests.unit.live.test_hub import Desk, event, keep_house, moved, region, tick, urgent
from tracker.errors import Invalid, Overloaded
from tracker.live import following, routing
from tracker.live.hub import Hub
from tracker.live.routing import KEPT_MS
from tracker.model.change import Change, Registered


@pytest.mark.parametrize("more", [{}, {"all": True}, {"regions": ["a"]}])
def test_a_thousand_vehicles_followed_before_their_first_fix_are_heard_at_once(hub: Hub, more: dict[str, Any]) -> None:
    desk = Desk(hub, vehicles=[f"v{n}" for n in range(1, 1001)], **more)
    tick(hub)
    tick(hub)
    desk.take()
    for n in range(1, 1001):
        hub.route(Change(moved=[moved(f"v{n}", n)]))
        urgent(hub)
    rows = desk.told("new")
    assert [row[1] for row in rows] == [f"v{n}" for n in range(1, 1001)]
    tick(hub)
    hub.route(Change(moved=[moved("v7", 2000, lat=61.0)]))
    tick(hub)
    assert [(row[0], row[2]) for row in desk.told("moved")][-1:] == [(7, 61_000_000)]
    assert hub.followers.awaited.count == (1 if "regions" in more else 0)


def test_who_sees_something_else_by_now_goes_on_awaiting_what_is_not_there_yet(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub, grant=limited("a"), vehicles=["v1", "v2"], regions=["b"])
    hub.route(Change(removed=["v1"]))
    hub.regrant(desk.viewer, limited("a", "c"))
    tick(hub)
    desk.take()
    hub.route(Change(moved=[moved("v1", 2, "a"), moved("v2", 2, "c")]))
    hub.route(Change(regions=[region("b")], moved=[moved("v3", 2, "b")]))
    hub.regrant(desk.viewer, limited("a", "b", "c"))
    tick(hub)
    assert sorted(row[1] for row in desk.told("vehicles")) == ["v1", "v2", "v3"]


def test_an_event_of_a_vehicle_nobody_knows_yet_reaches_who_follows_it(hub: Hub) -> None:
    desk, other = Desk(hub, vehicles=["v1"]), Desk(hub, vehicles=["v2"])
    tick(hub)
    hub.route(Change(events=[event(1, "alarm", region=None)]))
    tick(hub)
    assert [one["seq"] for one in desk.told("events")] == [1]
    assert other.told("events") == []


def test_a_vehicle_that_is_registered_first_is_told_and_then_its_fixes(hub: Hub) -> None:
    desk = Desk(hub, vehicles=["v1"])
    tick(hub)
    hub.route(Change(registered=[Registered("v1", "Van")]))
    tick(hub)
    assert [one["name"] for one in desk.told("vehicles")] == ["Van"]
    hub.route(Change(moved=[moved("v1", 1)]))
    tick(hub)
    assert [row[1:3] for row in desk.told("new")] == [["v1", "Van"]]


def test_invented_names_cost_next_to_nothing_and_leave_nothing_behind(hub: Hub) -> None:
    desks = [Desk(hub) for _ in range(5)]
    tracemalloc.start()
    try:
        for turn in range(3):
            for number, desk in enumerate(desks):
                some = [f"{turn}-{number}-{n}-".ljust(100, "x") for n in range(1000)]
                desk.follow(vehicles=some[:500], regions=some[500:])
            tick(hub)
            for desk in desks:
                desk.take()
                desk.raw.clear()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert hub.followers.awaited.count == 5_000
    assert kept < 5_000 * 100, "bytes, for 5,000 names of 100 characters"
    for desk in desks:
        hub.detach(desk.viewer)
    assert hub.followers.awaited.count == 0
    assert not any(hub.followers.awaited._slots)
    assert not hub.followers._singles
    assert not hub.followers._interests
    assert not hub.routing.vehicles
    assert not hub.routing.regions


def test_when_too_many_names_are_awaited_a_follow_changes_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MOST", 3)
    hub.route(Change(moved=[moved("v1", 1), moved("v2", 1)]))
    desk = Desk(hub, vehicles=["v1", "x", "y"])
    with pytest.raises(Overloaded):
        desk.follow(vehicles=["v2", "z", "zz"])
    tick(hub)
    assert [row[1] for row in desk.told("vehicles")] == ["v1"]
    Desk(hub, vehicles=["v1", "v2"])  # those there are can always be followed


def test_who_comes_back_to_names_nobody_knows_is_told_only_what_is_new(hub: Hub) -> None:
    desk = Desk(hub, vehicles=["v1", "v2"])
    tick(hub)
    cursor = desk.take()[-1]["cursor"]
    hub.detach(desk.viewer)
    back = Desk(hub, vehicles=["v2", "v1"], resume=cursor)
    tick(hub)
    assert [message["op"] for message in back.take()] == ["update"]


def test_a_vehicle_removed_while_nobody_followed_it_is_not_left_with_who_comes_back(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    desk = Desk(hub, vehicles=["v1"])
    tick(hub)
    cursor = desk.take()[-1]["cursor"]
    hub.detach(desk.viewer)
    hub.routing._drop(hub.routing.vehicles["v1"])  # as after five minutes, or among very many
    hub.route(Change(removed=["v1"]))
    back = Desk(hub, vehicles=["v1"], resume=cursor)
    tick(hub)
    assert back.take()[0].get("reset")


def test_a_deleted_region_that_no_topic_remembers_is_a_reset(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    cursor = desk.take()[-1]["cursor"]
    hub.detach(desk.viewer)
    hub.route(Change(regions_deleted=["a"]))
    hub.routing._drop(hub.routing.regions["a"])
    back = Desk(hub, regions=["a"], resume=cursor)
    tick(hub)
    assert back.take()[0].get("reset")


def test_no_more_topics_wait_for_a_follower_than_a_limit(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MOST_UNUSED", 100)
    desk = Desk(hub)
    for step in range(50):
        west = step * 3.0
        desk.follow(view={"bbox": [west, 10, west + 0.5, 10.5], "zoom": 11})
    in_use = len(desk.viewer.interest.topics)
    assert in_use < len(hub.routing.cells) <= 100 + in_use
    hub.detach(desk.viewer)
    for now in (1, KEPT_MS + 1):
        keep_house(hub, now)
    assert not hub.routing.cells
    assert not hub.routing._zooms


def test_house_is_kept_in_steps_of_one_topic(hub: Hub) -> None:
    Desk(hub, view={"bbox": [0, 0, 4, 4], "zoom": 9})
    assert sum(1 for _ in hub.keep_house(1)) >= len(hub.routing.cells) > 10


def test_kinds_nobody_makes_are_refused_in_words(hub: Hub) -> None:
    with pytest.raises(Invalid, match="some kinds of event: enter, exit"):
        Desk(hub, all=True, events=["enter", "invented"])
    assert set(Desk(hub, all=True, events=["enter", "erased"]).viewer.kinds or ()) <= {"enter", "erased"}


def test_a_vehicle_in_several_followed_regions_is_counted_once(hub: Hub) -> None:
    hub.route(Change(regions=[region(name) for name in "abc"]))
    hub.route(Change(moved=[moved(f"v{n}", 1, "a", "b", "c") for n in range(1, 5)]))
    desk = Desk(hub, regions=["a", "b", "c"], max_vehicles=4)
    assert desk.viewer.interest.size() == 4
    tick(hub)
    assert sorted(row[0] for row in desk.told("vehicles")) == [1, 2, 3, 4]
    hub.route(Change(moved=[moved("v5", 1, "a", "b")]))
    tick(hub)
    assert sum(count for *_, count in desk.told("cells")) == 5
    hub.route(Change(moved=[moved("v4", 2), moved("v5", 2)]))
    tick(hub)
    tick(hub)
    assert sorted(row[0] for row in desk.told("vehicles")) == [1, 2, 3]
