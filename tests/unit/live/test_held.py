"""Who is held: what it follows is not known here as it is by now, and it is told when that has come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.grants import limited
from tests.unit.live.test_hub import Desk, event, moved, region, tick, urgent
from tracker.access.grants import EVERYTHING
from tracker.live.hub import Hub
from tracker.live.viewer import Wish
from tracker.model.change import Change


def test_who_is_held_is_told_nothing_and_then_how_it_is_by_then(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    desk = Desk(hub, all=True)
    hub.hold(desk.viewer)
    tick(hub)
    urgent(hub)
    hub.route(Change(moved=[moved("v1", 2, lat=61.0)], events=[event(1)]))
    tick(hub)
    urgent(hub)
    assert desk.take() == []
    hub.release_viewer(desk.viewer)
    urgent(hub)
    tick(hub)
    told = desk.take()
    assert [row[1] for message in told for row in message.get("vehicles", ())] == ["v1"]
    assert "60000000" not in str(told) and "61000000" in str(told)
    assert [one["seq"] for message in told for one in message.get("events", ())] == [1]


def test_a_snapshot_that_was_begun_before_is_begun_anew(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 601)]))
    desk = Desk(hub, all=True)
    tick(hub)
    assert desk.told("vehicles")
    hub.hold(desk.viewer)
    hub.route(Change(moved=[moved(f"v{n}", 2, lat=61.0) for n in range(1, 601)]))
    tick(hub)
    assert desk.take() == []
    hub.release_viewer(desk.viewer)
    for _ in range(3):
        tick(hub)
    parts = desk.take()
    assert [(part["part"], part["parts"]) for part in parts if "part" in part] == [(1, 3), (2, 3), (3, 3)]
    assert len([row for part in parts for row in part["vehicles"]]) == 600 and "60000000" not in str(parts)


def test_who_follows_single_vehicles_is_held_as_well(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    desk = Desk(hub, vehicles=["v1"])
    tick(hub)
    desk.take()
    hub.hold(desk.viewer)
    hub.route(Change(moved=[moved("v1", 2, lat=61.0)]))
    urgent(hub)
    assert desk.take() == []
    hub.release_viewer(desk.viewer)
    tick(hub)
    assert "61000000" in str(desk.take())


def test_who_is_held_twice_is_told_when_it_was_released_as_often(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    desk = Desk(hub, all=True)
    hub.hold(desk.viewer)
    hub.hold(desk.viewer)
    hub.release_viewer(desk.viewer)
    tick(hub)
    assert desk.take() == []
    hub.release_viewer(desk.viewer)
    tick(hub)
    assert desk.told("vehicles")


def test_others_are_told_while_somebody_is_held(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    held, other = Desk(hub, all=True), Desk(hub, all=True)
    hub.hold(held.viewer)
    tick(hub)
    assert other.told("vehicles") and not held.take()


def test_who_goes_while_it_is_held_leaves_nothing_behind(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    hub.hold(desk.viewer)
    hub.drop(desk.viewer)
    hub.release_viewer(desk.viewer)
    assert hub.take_urgent() is None
    tick(hub)
    assert (hub._held, desk.take()) == ({}, [])


def test_it_is_known_what_is_followed_and_by_which_grant(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1)]))
    here = limited("a")
    desks = [Desk(hub, all=True), Desk(hub, all=True), Desk(hub, grant=here, regions=["a"]), Desk(hub)]
    followed = hub.followers.followed()
    assert sorted((wish.all, sorted(wish.regions), grant.everything) for wish, grant in followed) == [
        (False, ["a"], False),
        (True, [], True),
    ]
    hub.detach(desks[2].viewer)
    assert [grant for _, grant in hub.followers.followed()] == [EVERYTHING]


@pytest.mark.parametrize(
    ("follow", "comes"),
    [
        ({"vehicles": ["v1"]}, Change(moved=[moved("v1", 1)])),
        ({"regions": ["a"]}, Change(regions=[region("a")])),
    ],
)
def test_that_a_name_somebody_follows_is_known_is_said(hub: Hub, follow: dict[str, Any], comes: Change) -> None:
    found: list[Wish] = []
    hub.followers.on_find = lambda: found.extend(wish for wish, _ in hub.followers.followed())
    Desk(hub, **follow)
    hub.route(Change(moved=[moved("v9", 1)]))
    assert not found
    hub.route(comes)
    assert found
    assert [(wish.vehicles, wish.regions) for wish, _ in hub.followers.followed()] == [
        (frozenset(follow.get("vehicles", ())), frozenset(follow.get("regions", ())))
    ]
