"""The hub: who is told what, how often it is encoded, and what never reaches anybody else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.support.grants import limited
from tracker.access.grants import EVERYTHING, Grant
from tracker.geometry.earth import tile
from tracker.live import messages, requests
from tracker.live.cursor import NO_MARK, Cursor, mark_of, read_cursor
from tracker.live.event_log import MOST, Recent, Told, with_regions
from tracker.live.hub import Hub
from tracker.live.routing import KEPT_MS
from tracker.live.telling import UPDATE_ROWS
from tracker.live.topics import Entry, Topic
from tracker.live.viewer import Viewer
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping


class Desk:
    """An outlet that keeps what it is sent."""

    def __init__(self, hub: Hub, *, binary: bool = False, grant: Grant | None = None, **follow: Any) -> None:
        self.hub = hub
        self.pending = 0
        self.sent: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.viewer = Viewer(self, binary=binary, **({"grant": grant} if grant else {}))
        hub.attach(self.viewer)
        if follow:
            self.follow(**follow)

    def follow(self, **follow: Any) -> bool:
        message = requests.read_request(messages.encode({"op": "follow", **follow}))
        assert isinstance(message, requests.Follow)
        return self.hub.follow(self.viewer, message)

    def send(self, payload: bytes, text: bool = True) -> None:
        self.raw.append(payload)
        self.sent.append(msgspec.json.decode(payload) if text else messages.read_binary(payload))

    def take(self) -> list[dict[str, Any]]:
        sent, self.sent = self.sent, []
        return sent

    def told(self, member: str) -> list[Any]:
        return [item for message in self.take() for item in message.get(member, ())]


def moved(vehicle: str, time: int, *regions: str, lat: float = 60.0, lon: float = 24.0) -> VehicleState:
    return VehicleState(int(vehicle[1:]), Ping(vehicle, time, lat, lon), time, 1, 0, dict.fromkeys(regions, 0))


def region(id: str) -> dict[str, Any]:
    return {"type": "Feature", "id": id, "geometry": None, "properties": {"name": id}}


def event(seq: int, kind: str = "enter", vehicle: str = "v1", region: str | None = "a", **more: Any) -> Event:
    return Event(f"e{seq}", kind, vehicle, more.pop("time", seq), seq, "moved", 60.0, 24.0, region, seq=seq, **more)


def tick(hub: Hub, now: int = 0) -> None:
    for viewer in hub.tick():
        hub.serve(viewer, now)


def urgent(hub: Hub) -> None:
    while one := hub.take_urgent():
        hub.serve_urgent(*one, 0)


def keep_house(hub: Hub, now: int) -> None:
    for _ in hub.keep_house(now):
        pass


def test_a_follower_of_everything_gets_a_snapshot_and_then_what_changes(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a"), moved("v2", 2)]))
    desk = Desk(hub, all=True)
    tick(hub)
    (snapshot,) = desk.take()
    assert snapshot["reset"]
    assert [row[1] for row in snapshot["vehicles"]] == ["v1", "v2"]
    assert snapshot["in"] == [["a", [1]]]
    assert [feature["id"] for feature in snapshot["regions"]] == ["a"]
    tick(hub)
    hub.route(Change(moved=[moved("v2", 5, lat=61.0), moved("v3", 6)]))
    tick(hub)
    (update,) = desk.take()
    assert update["moved"] == [[2, 5, 61_000_000, 24_000_000, -1, -1, 1]]
    assert [row[1] for row in update["new"]] == ["v3"]


@pytest.mark.parametrize("grant", [EVERYTHING, limited(anywhere=True, vehicles=frozenset({"vans"}))])
@pytest.mark.parametrize("follow", [{"all": True}, {"regions": ["a"]}])
def test_who_is_in_a_region_is_told_when_the_region_is_heard_of_later(
    hub: Hub, grant: Grant, follow: dict[str, Any]
) -> None:
    """Another node decided both, and they come on two ways."""
    hub.route(Change(registered=[Registered("v1", group="vans")], moved=[moved("v1", 1)]))
    desk = Desk(hub, grant=grant, **follow)
    tick(hub)
    desk.take()
    hub.route(Change(moved=[moved("v1", 2, "a")]))
    tick(hub)
    desk.take()
    hub.route(Change(regions=[region("a")]))
    tick(hub)
    assert desk.told("in") == [["a", [1]]]


@pytest.mark.parametrize("grant", [EVERYTHING, limited("a")])
def test_what_is_too_old_is_forgotten_while_others_begin_to_look(hub: Hub, grant: Grant) -> None:
    def look(west: float) -> None:
        Desk(hub, grant=grant, view={"bbox": [west, 59, west + 1, 60], "zoom": 10}, regions=["a"], vehicles=["v1"])

    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    look(20)
    fault = None
    try:
        for west, _ in enumerate(hub.keep_house(0), 30):
            if west < 40:
                look(west)
    except RuntimeError as error:
        fault = error
    assert fault is None


def test_those_who_come_within_a_second_are_told_the_same_table_and_what_came_since(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    table = messages.table

    def counted(rows: list[list[Any]]) -> messages.Table:
        made.append(len(rows))
        return table(rows)

    monkeypatch.setattr(messages, "table", counted)
    monkeypatch.setattr("tracker.live.telling.SHARED", 1)
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1), moved("v2", 2)]))
    first = Desk(hub, binary=True, all=True)
    tick(hub)
    hub.route(Change(moved=[moved("v2", 5, "a", lat=61.0), moved("v3", 6, "a")]))
    second = Desk(hub, binary=True, all=True)
    tick(hub)
    assert made == [2]
    told = second.take()
    assert [message["op"] for message in told] == ["snapshot", "update"]
    snapshot, update = told
    assert snapshot["vehicles"] == first.take()[0]["vehicles"]
    assert [row[1] for row in update["new"]] == ["v3"]
    assert update["moved"] == [[2, 5, 61_000_000, 24_000_000, -1, -1, 1]]
    assert sorted(update["in"]) == [["a", [2, 3]]]
    keep_house(hub, 1000)
    third = Desk(hub, binary=True, all=True)
    tick(hub)
    assert made == [2, 3]
    assert [message["op"] for message in third.take()] == ["snapshot"]
    hub.route(Change(removed=["v1"]))
    Desk(hub, binary=True, all=True)
    tick(hub)
    assert made == [2, 3, 2], "what was removed is in no table any more"


@pytest.mark.parametrize("binary", [False, True])
def test_followers_of_a_region_keep_the_fix_that_decided_while_the_newest_lies_far_outside(
    hub: Hub, binary: bool
) -> None:
    near, far = moved("v1", 1, "a", "b"), moved("v1", 2, "a", "b", lat=61.0)
    rough = msgspec.structs.replace(far.ping, accuracy_m=900.0)
    hub.route(Change(regions=[region("a"), region("b")], moved=[near]))
    follows: dict[str, dict[str, Any]] = {
        "a": {"regions": ["a"]},
        "b": {"regions": ["b"]},
        "all": {"all": True},
        "both": {"regions": ["a"], "vehicles": ["v1"]},
    }
    desks = {name: Desk(hub, binary=binary, **follow) for name, follow in follows.items()}
    for _ in range(2):
        tick(hub)
    for desk in desks.values():
        desk.take()
    hub.route(Change(moved=[msgspec.structs.replace(far, ping=rough, decided=near.ping, beyond=("a",))]))
    tick(hub)
    columns = [messages.FIELDS.index(name) for name in ("when", "lat_e6", "accuracy_dm")]
    told = {name: [[row[at] for at in columns] for row in desk.told("new")] for name, desk in desks.items()}
    circle = [[2, 61_000_000, 9000]]
    assert told == {"a": [[1, 60_000_000, -1]], "b": circle, "all": circle, "both": circle}
    late = Desk(hub, binary=binary, regions=["a"])
    tick(hub)
    assert [row[4] for row in late.told("vehicles")] == [60_000_000]
    hub.route(Change(moved=[msgspec.structs.replace(far, ping=rough, decided=near.ping, beyond=("a",))]))
    hub.route(Change(moved=[moved("v1", 3, "a", "b", lat=60.1)]))
    tick(hub)
    assert [row[4] for row in late.told("new")] == [60_100_000]


def test_where_a_jump_leads_is_told_to_nobody_who_follows_only_a_region(hub: Hub) -> None:
    jumped = msgspec.structs.replace(moved("v1", 1, "a"), held=Ping("v1", 2, 10.0, 10.0))
    hub.route(Change(regions=[region("a")], moved=[jumped]))
    few, all_ = Desk(hub, regions=["a"]), Desk(hub, all=True)
    tick(hub)
    at = messages.FIELDS.index("held")
    assert [row[at] for row in few.told("vehicles")] == [None]
    assert [row[at] for row in all_.told("vehicles")] == [[2, 10_000_000, 10_000_000]]


def test_the_deciding_fix_of_an_exit_is_told_and_nothing_later(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    tick(hub)
    desk.take()
    exits = [event(1, "exit", time=2, detail={"duration_s": 1})]
    hub.route(Change(moved=[moved("v1", 2, lat=61.0)], events=exits))
    hub.route(Change(moved=[moved("v1", 3, lat=62.0)]))
    tick(hub)
    messages = desk.take()
    assert [row[2] for message in messages for row in message.get("moved", ())] == [61_000_000]
    assert messages[0]["left"] == [[1, "region"]]
    assert messages[0]["out"] == [["a", [1]]]
    hub.route(Change(moved=[moved("v1", 4, lat=63.0)]))
    tick(hub)
    assert desk.take() == []


def test_an_exit_followed_by_more_fixes_in_one_commit_tells_only_the_deciding_one(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    tick(hub)
    desk.take()
    hub.route(Change(moved=[moved("v1", 9, lat=63.0)], events=[event(1, "exit", time=2)]))
    tick(hub)
    assert [row[1:3] for row in desk.told("moved")] == [[2, 60_000_000]]


def test_crossing_between_two_followed_topics_does_not_flicker(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")], moved=[moved("v1", 1, "a")]))
    both = Desk(hub, regions=["a", "b"])
    view = Desk(hub, view={"bbox": [23, 59, 27, 61], "zoom": 9})
    tick(hub)
    tick(hub)
    both.take(), view.take()
    hub.route(Change(moved=[moved("v1", 2, "b", lon=26.0)], events=[event(1, "exit", time=2), event(2, region="b")]))
    tick(hub)
    assert both.told("left") == []
    assert view.told("left") == []


def test_panning_tells_the_cells_entered_and_nothing_of_those_left(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1), moved("v2", 1, lon=40.0)]))
    desk = Desk(hub, view={"bbox": [23.9, 59.9, 24.1, 60.1], "zoom": 12})
    tick(hub)
    tick(hub)
    first = desk.take()[0]
    assert [row[1] for row in first["vehicles"]] == ["v1"]
    hub.view(desk.viewer, requests.View((39.9, 59.9, 40.1, 60.1), 12), 0)
    tick(hub)
    (snapshot,) = desk.take()
    assert not snapshot["reset"]
    assert [row[1] for row in snapshot["vehicles"]] == ["v2"]
    assert snapshot["cursor"][:16] != first["cursor"][:16]
    hub.route(Change(moved=[moved("v1", 2)]))
    tick(hub)
    assert desk.take() == []


def test_an_unknown_region_is_reported_without_a_name_and_the_others_are_followed(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub)
    assert not desk.follow(regions=["a", "nowhere"])
    assert b"nowhere" not in messages.UNKNOWN_REGION
    tick(hub)
    assert [row[1] for row in desk.told("vehicles")] == ["v1"]
    hub.route(Change(regions=[region("nowhere")], moved=[moved("v2", 2, "nowhere")]))
    tick(hub)
    tick(hub)
    assert [row[1] for row in desk.told("new")] == ["v2"], "it is followed as soon as it exists"


def test_who_is_granted_some_regions_follows_no_others(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")], moved=[moved("v1", 1, "a"), moved("v2", 1, "b")]))
    desk = Desk(hub, grant=limited("a"))
    desk.follow(all=True)
    tick(hub)
    assert b"v2" not in b"".join(desk.raw)
    assert [row[1] for row in desk.told("vehicles")] == ["v1"]


def test_twenty_sets_over_one_city_leak_nothing_and_are_encoded_once(hub: Hub) -> None:
    """200 viewers; every frame is searched for vehicles and regions outside its set."""
    dice = random.Random(4)
    names = [f"r{i:02d}" for i in range(20)]
    hub.route(Change(regions=[region(name) for name in names]))
    where = {n: set(dice.sample(names, 2)) for n in range(1, 101)}
    hub.route(Change(moved=[moved(f"v{n}", 1, *regions) for n, regions in where.items()]))
    sets = [dice.sample(names, 3) for _ in range(20)]
    desks = [Desk(hub, regions=sets[i % 20], binary=i % 3 == 0) for i in range(200)]
    tick(hub)
    tick(hub)
    for time in range(2, 12):
        change = []
        for n in dice.sample(range(1, 101), 30):
            if dice.random() < 0.3:
                where[n] = set(dice.sample(names, 2))
            change.append(moved(f"v{n}", time, *where[n]))
        dirty = {name for state in change for name in state.regions}
        dirty |= {name for state in change for name in hub.picture.vehicles[state.ping.vehicle].regions}
        before = hub.telling.encodes
        hub.route(Change(moved=change))
        inside = {name: {f"v{n}" for n, regions in where.items() if name in regions} for name in names}
        tick(hub)
        assert hub.telling.encodes - before <= 3 * len(dirty)
        for i, desk in enumerate(desks):
            mine = set().union(*(inside[name] for name in sets[i % 20]))
            for message in desk.take():
                assert {row[1] for row in message.get("new", ())} <= mine
                assert {f"v{row[0]}" for row in message.get("moved", ())} <= mine
                assert {name for side in ("in", "out") for name, _ in message.get(side, ())} <= set(sets[i % 20])
    for i, desk in enumerate(desks):
        text = b"".join(desk.raw)
        for name in set(names) - set(sets[i % 20]):
            assert name.encode() not in text


def test_viewers_of_one_set_get_the_very_same_body(hub: Hub) -> None:
    desks = [Desk(hub, all=True) for _ in range(50)]
    tick(hub)
    tick(hub)
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 20)]))
    before = hub.telling.encodes
    tick(hub)
    assert hub.telling.encodes - before == 1
    assert len({desk.raw[-1] for desk in desks}) == 1


def test_a_viewer_held_back_hears_only_the_newest(hub: Hub) -> None:
    desk = Desk(hub, all=True, window=1)
    tick(hub)
    tick(hub)
    desk.take()
    for time in range(1, 50):
        hub.route(Change(moved=[moved("v1", time)]))
        tick(hub)
    assert len(desk.take()) == 1
    hub.got(desk.viewer, desk.viewer.frame)
    tick(hub, 1000)
    assert desk.told("moved") == [[1, 49, 60_000_000, 24_000_000, -1, -1, 1]]


def test_a_tick_asks_the_others_nothing_when_only_somebody_comes(hub: Hub) -> None:
    desks = [Desk(hub, all=True) for _ in range(3)]
    hub.route(Change(moved=[moved("v1", 1)]))
    assert len(hub.tick()) == 3
    tick(hub)
    assert hub.tick() == []
    late = Desk(hub, all=True)
    assert hub.tick() == [late.viewer]
    tick(hub)
    assert hub.tick() == []
    desks[0].pending = 1_000_000
    hub.route(Change(moved=[moved("v1", 2)]))
    tick(hub)
    assert hub.tick() == [desks[0].viewer]
    desks[0].pending = 0
    tick(hub)
    assert [one.told("moved")[-1][1] for one in (*desks, late)] == [2] * 4


def test_those_who_stand_at_the_same_place_are_told_the_same_but_for_their_numbers(hub: Hub) -> None:
    first = Desk(hub, all=True)
    tick(hub)
    hub.route(Change(moved=[moved("v1", 1)]))
    tick(hub)
    second, silent = Desk(hub, all=True), Desk(hub, all=True, events=False)
    tick(hub)
    for desk in (first, second, silent):
        desk.take()
    hub.route(Change(moved=[moved("v1", 2)], events=[event(1)]))
    tick(hub)
    one, other, last = (desk.take()[-1] for desk in (first, second, silent))
    assert (one["frame"], other["frame"], last["frame"]) == (2, 1, 1)
    assert one["moved"] == other["moved"] == last["moved"]
    assert one["events"] == other["events"]
    assert one["cursor"] == other["cursor"]
    assert "events" not in last


def test_a_viewer_that_does_not_read_costs_no_memory(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    tick(hub)
    tick(hub)
    desk.take()
    desk.pending = 1_000_000
    for time in range(1, 2000):
        hub.route(Change(moved=[moved("v1", time)]))
        tick(hub)
    assert desk.take() == []
    assert len(hub.routing.everything.moved) + len(hub.routing.everything.joined) <= 2


def test_hz_limits_the_frames(hub: Hub) -> None:
    desk = Desk(hub, all=True, hz=2)
    tick(hub)
    tick(hub)
    desk.take()
    for now in range(0, 10_000, 50):
        hub.route(Change(moved=[moved("v1", now)]))
        tick(hub, now)
    assert 18 <= len(desk.take()) <= 22


def test_an_event_without_a_number_is_not_told(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    hub.route(Change(moved=[moved("v1", 1, "a")]))
    hub.route(Change(unnumbered=[event(0, "alarm", region=None)]))
    hub.route(Change(moved=[moved("v1", 2)]))  # it has left
    tick(hub)
    assert not desk.told("events")
    with pytest.raises(AssertionError):
        hub.route(Change(events=[event(0, "alarm", region=None)]))
    hub.route(Change(events=[msgspec.structs.replace(event(0, "alarm", region=None), seq=1)]))
    tick(hub)
    assert [told["seq"] for told in desk.told("events")] == [1], "to the region it was in"


def test_events_and_single_vehicles_do_not_wait_for_the_tick(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1), moved("v2", 1)]))
    everybody, one = Desk(hub, all=True), Desk(hub, vehicles=["v2"])
    tick(hub)
    tick(hub)
    everybody.take(), one.take()
    hub.route(Change(moved=[moved("v1", 2, "a"), moved("v2", 2)], events=[event(1)]))
    assert hub.is_urgent
    while urgent := hub.take_urgent():
        hub.serve_urgent(*urgent, 0)
    assert not hub.is_urgent
    assert [e["seq"] for e in everybody.told("events")] == [1]
    assert one.told("moved") == [[2, 2, 60_000_000, 24_000_000, -1, -1, 1]]
    tick(hub)
    assert everybody.told("events") == []


def test_only_wanted_kinds_are_told_and_the_cursor_passes_the_others(hub: Hub) -> None:
    desk = Desk(hub, all=True, events=["exit"])
    tick(hub)
    tick(hub)
    desk.take()
    hub.route(Change(moved=[moved("v1", 2, "a")], events=[event(1), event(2, "exit")]))
    tick(hub)
    hub.route(Change(events=[event(3)]))
    tick(hub)
    assert [e["kind"] for e in desk.told("events")] == ["exit"]
    hub.tell_cursor(desk.viewer)
    cursor = read_cursor(desk.take()[-1]["cursor"])
    assert cursor is not None
    assert cursor.seq == 3


def test_resuming_tells_what_is_newer_tombstones_and_each_missed_event_once(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a"), moved("v2", 1, "a"), moved("v3", 1, "a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    tick(hub)
    cursor = desk.take()[0]["cursor"]
    hub.detach(desk.viewer)
    hub.route(Change(moved=[moved("v1", 2)], events=[event(1, "exit")]))
    hub.route(Change(moved=[moved("v2", 3, "a")]))
    back = Desk(hub, regions=["a"], resume=cursor)
    tick(hub)
    (update,) = back.take()
    assert update["op"] == "update"
    assert [row[0] for row in update["moved"]] == [2, 1] or [row[0] for row in update["moved"]] == [2]
    assert update["left"] == [[1, "region"]]
    assert [e["seq"] for e in update["events"]] == [1]


def test_who_moved_while_nobody_watched_is_told_to_the_first_who_comes_and_to_who_comes_back(hub: Hub) -> None:
    def on(state: VehicleState, time: int, lat: float) -> VehicleState:
        return msgspec.structs.replace(state, ping=Ping(state.ping.vehicle, time, lat, 24.0))

    states = [moved("v1", 1, "a"), moved("v2", 1, "a"), moved("v3", 1)]
    hub.route(Change(regions=[region("a")], moved=states))
    views: dict[str, dict[str, Any]] = {
        "all": {"all": True},
        "region": {"regions": ["a"]},
        "cells": {"view": {"bbox": [20, 50, 30, 65], "zoom": 5}},
    }
    desks = {name: Desk(hub, **follow) for name, follow in views.items()}
    tick(hub)
    tick(hub)
    cursors = {name: desk.take()[-1]["cursor"] for name, desk in desks.items()}
    for desk in desks.values():
        hub.detach(desk.viewer)
    hub.route(Change(moved=[on(states[0], 2, 61.0), on(states[2], 2, 62.0)]))
    hub.route(Change(moved=[on(states[0], 3, 63.0)]))
    for name, follow in views.items():
        back = Desk(hub, **follow, resume=cursors[name])
        tick(hub)
        update = back.take()[0]
        assert update["op"] == "update"
        seen = sorted(row[:3] for row in update.get("moved", ()))
        assert seen == [[1, 3, 63_000_000], [3, 2, 62_000_000]][: 1 if name == "region" else 2]
        cursors[name] = update["cursor"]
        hub.detach(back.viewer)
    hub.route(Change(moved=[on(states[2], 4, 62.5)]))
    hub.route(Change(removed=["v3"]))
    back = Desk(hub, **views["cells"], resume=cursors["cells"])
    tick(hub)
    assert back.told("left") == [[3, "removed"]]


def test_who_went_from_region_to_region_while_nobody_watched_is_where_it_is_for_who_comes_back(hub: Hub) -> None:
    names = ("a", "b", "c")
    hub.route(Change(regions=[region(name) for name in names], moved=[moved("v1", 1, "a"), moved("v2", 1, "a")]))
    desk = Desk(hub, all=True)
    tick(hub)
    cursor = desk.take()[0]["cursor"]
    hub.detach(desk.viewer)
    hub.route(Change(moved=[moved("v1", 2, "a", "b"), moved("v2", 2)]))
    hub.route(Change(moved=[moved("v1", 3, "c"), moved("v2", 3, "a")]))
    back = Desk(hub, all=True, resume=cursor)
    tick(hub)
    (update,) = back.take()
    assert update["op"] == "update"
    assert (update.get("in"), update.get("out")) == ([["c", [1]]], [["a", [1]]])
    assert sorted(row[:2] for row in update["moved"]) == [[1, 3], [2, 3]]
    hub.detach(back.viewer)
    hub.route(Change(moved=[moved("v1", 4)]))
    hub.route(Change(regions_deleted=["a"], moved=[moved("v2", 4)]))
    back = Desk(hub, all=True, resume=update["cursor"])
    tick(hub)
    (update,) = back.take()
    assert update.get("out") == [["a", [2]], ["c", [1]]]
    assert update["regions_deleted"] == ["a"]
    first = Desk(hub, regions=["c"])
    tick(hub)
    assert first.take()[0]["vehicles"] == []


def test_only_so_many_wait_for_somebody_to_watch(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.live.routing.MOST_UNTOLD", 1)
    states = [moved("v1", 1), moved("v2", 1)]
    hub.route(Change(moved=states))
    for time in (5, 6):
        news = [msgspec.structs.replace(one, ping=Ping(one.ping.vehicle, time, 61.0, 24.0)) for one in states]
        hub.route(Change(moved=news))
    assert [entry.state.ping.time for entry in hub.routing.entries.values()] == [1, 6]
    desk = Desk(hub, all=True)
    tick(hub)
    assert [row[3] for row in desk.take()[0]["vehicles"]] == [6, 6]


@pytest.mark.parametrize("other", [{"all": True}, {"regions": ["a", "b"]}, {"vehicles": ["v1"]}])
def test_resuming_another_set_is_a_reset_and_no_event_is_missed(hub: Hub, other: dict[str, Any]) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    cursor = desk.take()[0]["cursor"]
    hub.route(Change(events=[event(1, "alarm", region=None)]))
    back = Desk(hub, **other, resume=cursor)
    tick(hub)
    tick(hub)
    messages = back.take()
    assert messages[0]["reset"]
    assert [e["seq"] for message in messages for e in message.get("events", ())] == [1]


def test_a_cursor_of_another_run_is_a_reset_and_events_go_on(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    tick(hub)
    cursor = desk.take()[0]["cursor"]
    picture = Picture()
    picture.last_seq = 2
    later = Hub(picture)
    later.begin(epoch=b"efgh", t0=0, events=[event(1), event(2, "exit")])
    back = Desk(later, all=True, resume=cursor)
    tick(later)
    tick(later)
    messages = back.take()
    assert messages[0]["reset"]
    assert [e["seq"] for message in messages for e in message.get("events", ())] == [1, 2]


def test_a_log_that_went_another_way_is_noticed() -> None:
    """A backup was restored: the event the client knows as number 3 is another one now."""
    old = Hub(Picture())
    old.begin(epoch=b"abcd", t0=0)
    desk = Desk(old, all=True)
    old.route(Change(events=[event(1), event(2), event(3)]))
    tick(old)
    tick(old)
    cursor = desk.take()[-1]["cursor"]
    picture = Picture()
    picture.last_seq = 1
    restored = Hub(picture)
    restored.begin(epoch=b"efgh", t0=0, events=[event(1)])
    others = [msgspec.structs.replace(event(seq, "exit"), id=f"other{seq}") for seq in (2, 3, 4)]
    restored.route(Change(events=others))
    back = Desk(restored, all=True, resume=cursor)
    tick(restored)
    tick(restored)
    assert [e["id"] for e in back.told("events")] == ["other2", "other3", "other4"]


def test_who_comes_from_a_node_that_told_more_goes_on_there_and_hears_nothing_twice() -> None:
    """Another node has told three; here one is heard by now, the store has all of them."""
    old = Hub(Picture(), is_shared=True)
    old.begin(epoch=b"abcd", t0=0)
    desk = Desk(old, all=True)
    old.route(Change(events=[event(1), event(2), event(3)]))
    tick(old)
    tick(old)
    cursor = desk.take()[-1]["cursor"]
    here = Hub(Picture(), is_shared=True)
    here.begin(epoch=b"efgh", t0=0)
    here.route(Change(events=[event(1)]))
    back = Desk(here, all=True, resume=cursor)
    tick(here)
    tick(here)
    assert back.viewer in here.behind
    here.route(Change(events=[event(2), event(3), event(4)]))
    here.replay(back.viewer, [])  # the store had no more then
    tick(here)
    tick(here)
    assert [e["seq"] for e in back.told("events")] == [4]


def test_old_tombstones_are_forgotten_and_a_cursor_from_before_is_a_reset(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    cursor = desk.take()[0]["cursor"]
    hub.route(Change(moved=[moved("v1", 2)]))
    keep_house(hub, 0)
    keep_house(hub, KEPT_MS)
    assert not hub.routing.regions["a"].gone
    back = Desk(hub, regions=["a"], resume=cursor)
    tick(hub)
    assert back.take()[0]["reset"]


def test_topics_nobody_followed_for_long_are_dropped(hub: Hub) -> None:
    desk = Desk(hub, view={"bbox": [0, 0, 1, 1], "zoom": 9}, vehicles=["v1"], regions=["a"])
    hub.detach(desk.viewer)
    for now in (1, KEPT_MS + 1):
        keep_house(hub, now)
    assert not hub.routing.cells
    assert not hub.routing.regions
    assert not hub.routing.vehicles


def test_a_viewer_far_behind_is_continued_from_the_store(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    tick(hub)
    tick(hub)
    desk.pending = 1_000_000
    for start in range(1, 2 * MOST + 2, 1000):
        hub.route(Change(events=[event(seq) for seq in range(start, start + 1000)]))
    desk.pending = 0
    desk.take()
    tick(hub)
    assert desk.viewer in hub.behind
    assert desk.take() == [] or not desk.told("events")


def test_so_many_events_are_in_memory_and_hardly_more() -> None:
    recent = Recent()
    for seq in range(1, 2 * MOST):
        recent.add_event(Told(event(seq), frozenset()))
        assert min(seq, MOST) <= recent.last - recent.first + 1 == len(recent.since(recent.first - 1)) <= 1.1 * MOST


def test_more_vehicles_than_wanted_are_counted_per_cell(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1, lon=n / 10) for n in range(1, 101)]))
    desk = Desk(hub, all=True, max_vehicles=50)
    tick(hub)
    tick(hub)
    (counts,) = desk.take()
    assert counts["op"] == "counts"
    assert sum(cell[3] for cell in counts["cells"]) == 100
    hub.route(Change(removed=[f"v{n}" for n in range(1, 80)]))
    tick(hub, 2000)
    tick(hub, 2000)
    assert desk.take()[0]["reset"]


@pytest.mark.parametrize("zoom", [0, 2, 6, 11, 12, 13, 14, 15, 22])
@pytest.mark.parametrize(
    "also",
    [
        {},
        {"regions": ["a", "b"]},
        {"vehicles": [f"v{n}" for n in range(200, 300)]},
        {"all": True},
        {"regions": ["a"], "vehicles": ["v3", "v299"]},
    ],
)
def test_counts_tell_where_each_followed_vehicle_is_once_at_any_zoom(hub: Hub, zoom: int, also: dict[str, Any]) -> None:
    chance = random.Random(zoom)
    places = [(chance.uniform(-85, 85), chance.uniform(-180, 180)) for _ in range(100)]
    places += [(60 + chance.uniform(-0.02, 0.02), 24 + chance.uniform(-0.02, 0.02)) for _ in range(200)]
    named = [*["a"] * 40, *["b"] * 40, *[""] * 220]
    chance.shuffle(named)
    for n, ((lat, lon), region) in enumerate(zip(places, named, strict=True), 1):
        hub.route(Change(moved=[moved(f"v{n}", 1, *filter(None, [region]), lat=lat, lon=lon)]))
    bbox = [23.99, 59.99, 24.01, 60.01] if zoom > 10 else [0.0, -80.0, 180.0, 80.0]
    desk = Desk(hub, view={"bbox": bbox, "zoom": zoom}, max_vehicles=0, **also)
    assert also.get("all") or desk.viewer.cells_zoom == min(max(zoom, 3) + 1, 14)
    tick(hub)
    tick(hub)
    followed = desk.viewer.interest.numbers()
    right: dict[tuple[int, int], int] = {}
    z = 7 if also.get("all") else desk.viewer.cells_zoom
    for n in followed:
        lat, lon = places[n - 1]
        place = tile(lat, lon, z)
        right[place] = right.get(place, 0) + 1
    cells = [message for message in desk.take() if message["op"] == "counts"][-1]["cells"]
    assert cells == [[z, x, y, count] for (x, y), count in sorted(right.items())]


def test_those_who_only_look_in_share_what_was_counted_this_second(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 11)]))
    counted: list[int] = []
    count = hub.routing.count

    def counting(topics: list[Topic], zoom: int, seen: Callable[[Entry], Entry]) -> bytes:
        counted.append(zoom)
        return count(topics, zoom, seen)

    monkeypatch.setattr(hub.routing, "count", counting)

    def look(now: int) -> list[dict[str, Any]]:
        desk = Desk(hub, all=True, max_vehicles=5)
        hub.serve(desk.viewer, now)
        hub.detach(desk.viewer)
        return desk.take()

    assert look(5000) == look(5999)
    assert counted == [7]
    hub.route(Change(moved=[moved("v11", 1)]))
    assert look(6000)[0]["cells"][0][3] == 11
    keep_house(hub, 7000)
    assert not hub.telling._counts


def test_a_cursor_from_among_counts_brings_all_vehicles_to_whoever_has_room_for_them(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 11)]))
    desk = Desk(hub, all=True, max_vehicles=5)
    tick(hub)
    hub.route(Change(events=[event(1)]))
    tick(hub)
    cursor = next(message["cursor"] for message in desk.take() if "cursor" in message)
    again = Desk(hub, all=True, resume=cursor)
    tick(hub)
    (snapshot,) = again.take()
    assert snapshot["reset"]
    assert len(snapshot["vehicles"]) == 10


def test_events_told_within_a_snapshot_do_not_promise_the_rest_of_it(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 1201)]))
    hub.route(Change(events=[event(1)]))
    desk = Desk(hub, all=True)
    desk.viewer.seq = 0
    hub.replay(desk.viewer, [Told(event(1), frozenset())])
    (update,) = desk.take()
    cursor = read_cursor(update["cursor"])
    assert cursor is not None
    assert (cursor.seq, cursor.version) == (1, 0)


def test_a_change_of_the_register_is_told_of_a_followed_vehicle_that_is_not_live(hub: Hub) -> None:
    desk, other = Desk(hub, vehicles=["v1"]), Desk(hub, vehicles=["v2"])
    tick(hub)
    desk.take()
    hub.route(Change(registered=[Registered("v1", name="Van")]))
    tick(hub)
    assert [entry["name"] for entry in desk.told("vehicles")] == ["Van"]
    assert not other.told("vehicles")


def test_a_large_snapshot_comes_in_parts_and_only_the_last_can_be_resumed(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 601)]))
    desk = Desk(hub, all=True)
    tick(hub)
    parts = desk.take()
    assert len(parts) <= 2, "500 vehicles in one go: others have their turn"
    tick(hub)
    parts += desk.take()
    assert [(part["part"], part["parts"]) for part in parts] == [(1, 3), (2, 3), (3, 3)]
    versions = [cursor.version for part in parts if (cursor := read_cursor(part["cursor"]))]
    assert versions[:2] == [0, 0]
    assert versions[2] == hub.version


def test_register_regions_and_acknowledgements_come_on_the_same_channel(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")], moved=[moved("v1", 1, "a")], events=[event(1)]))
    everybody, other = Desk(hub, all=True), Desk(hub, regions=["b"])
    tick(hub)
    tick(hub)
    everybody.take(), other.take()
    hub.route(Change(registered=[Registered("v1", "Van 1")], acked=[Acked("e1", "Ann", 5)]))
    hub.route(Change(regions=[region("a")]))
    tick(hub)
    (update,) = everybody.take()
    assert update["vehicles"][0]["name"] == "Van 1"
    assert update["acked"] == [{"id": "e1", "by": "Ann", "at": "1970-01-01T00:00:00.005Z"}]
    assert [feature["id"] for feature in update["regions"]] == ["a"]
    assert other.take() == []
    hub.route(Change(regions_deleted=["a"]))
    tick(hub)
    (update,) = everybody.take()
    assert update["regions_deleted"] == ["a"]
    assert update["out"] == [["a", [1]]]


def test_a_removed_vehicle_leaves_everybody(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desks = [Desk(hub, all=True), Desk(hub, regions=["a"]), Desk(hub, vehicles=["v1"])]
    tick(hub)
    tick(hub)
    [desk.take() for desk in desks]
    hub.route(Change(removed=["v1"]))
    tick(hub)
    for desk in desks:
        assert desk.told("left") == [[1, "removed"]]


def test_who_begins_anew_with_a_cursor_waits_for_what_was_acknowledged(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1, "a")], events=[event(1)], regions=[region("a"), region("b")]))
    mine, others = (
        Desk(hub, regions=[name], resume=Cursor(b"else", b"elsewhat", mark_of("e1"), 1, 7).text())
        for name in ("a", "b")
    )
    tick(hub)
    assert hub.away == {mine.viewer, others.viewer}
    for desk in (mine, others):
        away = hub.was_away(desk.viewer)
        assert away is not None and away.upto == 1
        later = (Acked("e2", "Ann", 6), Told(event(2), frozenset()))  # it is told that in its turn
        hub.tell_acks(
            desk.viewer, away, [(Acked("e1", "Ann", 5), Told(event(1), frozenset())), later], more=desk is mine
        )
        hub.tell_acks(desk.viewer, away, [later], more=False)  # asked before, answered too late
    assert [ack["id"] for ack in mine.told("acked")] == ["e1"]
    assert others.told("acked") == []
    assert hub.away == {mine.viewer}
    hub.detach(mine.viewer)
    assert hub.away == set()


def test_where_a_vehicle_was_at_an_event_is_rebuilt_from_enters_and_exits() -> None:
    events = [
        event(1, "enter", region="a"),
        event(2, "alarm", region=None),
        event(3, "exit", region="a"),
        event(4, "enter", region="b"),
        event(5, "alarm", region=None),
    ]
    told = with_regions(events, {"v1": frozenset("b")})
    assert [one.regions for one in told] == [{"a"}, {"a"}, set(), {"b"}, {"b"}]


def test_whoever_saw_what_befell_a_vehicle_is_told_to_forget_as_its_history_is_erased(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")], moved=[moved("v1", 1, "a")], events=[event(1, region="a")]))
    desks = [Desk(hub, grant=grant, all=True) for grant in (limited("a"), limited("b"), EVERYTHING)]
    tick(hub)
    for desk in desks:
        desk.take()
    hub.route(Change(removed=["v1"], erased=["v1"]))
    tick(hub)
    assert [sum(one["op"] == "granted" for one in desk.take()) for desk in desks] == [1, 0, 1]


def test_what_is_told_of_an_erased_history_names_nobody(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1, "a"), moved("v2", 1)], events=[event(1), event(2, vehicle="v2")]))
    hub.route(Change(removed=["v1"], erased=["v1"], events=[event(3, "exit")]))
    everything, mine = (
        Desk(hub, **follow, resume=Cursor(b"else", b"elsewhat", NO_MARK, 0, 7).text())
        for follow in ({"all": True}, {"regions": ["a"]})
    )
    tick(hub)
    tick(hub)
    told = everything.told("events")
    assert [one["kind"] for one in told] == ["erased", "enter", "erased"]
    assert told[0] == {"seq": 1, "id": "e1", "kind": "erased", "time": "1970-01-01T00:00:00.001Z"}
    assert [one["seq"] for one in mine.told("events")] == [2]


def test_membership_is_told_once_every_number_in_it_is(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1, "a") for n in range(1, 601)], regions=[region("a"), region("b")]))
    desk = Desk(hub, all=True)
    tick(hub)
    tick(hub)
    known: set[int] = set()
    inside: set[int] = set()
    for message in desk.take():
        known |= {row[0] for row in message["vehicles"]}
        for name, numbers in message["in"]:
            assert known >= set(numbers), name
            inside |= set(numbers)
    assert inside == known == set(range(1, 601))


@pytest.mark.parametrize("binary", [False, True])
def test_the_first_update_of_who_comes_back_says_what_the_columns_are_even_if_nothing_was_missed(
    hub: Hub, binary: bool
) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    desk = Desk(hub, all=True, binary=binary)
    tick(hub)
    cursor = desk.take()[-1]["cursor"]
    hub.detach(desk.viewer)
    back = Desk(hub, all=True, resume=cursor, binary=binary)
    hub.serve_urgent(back.viewer, set(), 0)
    [first] = back.take()
    assert first == {"op": "update", "frame": 1, "cursor": cursor, "fields": list(messages.FIELDS)}
    hub.route(Change(moved=[moved("v1", 2)]))
    tick(hub)
    [second] = back.take()
    assert second["frame"] == 2
    assert "fields" not in second


def test_a_cursor_from_before_the_snapshot_was_whole_begins_anew(hub: Hub) -> None:
    hub.route(Change(moved=[moved(f"v{n}", 1) for n in range(1, 6001)]))
    for parts in (1, 2, 11):
        desk = Desk(hub, all=True)
        desk.pending = 10_000_000  # nothing is taken: the first part waits
        tick(hub)
        desk.pending = 0
        while len(desk.sent) < parts:
            hub.serve(desk.viewer, 0)
        hub.route(Change(events=[event(hub.picture.last_seq + 1, "alarm", region=None)]))
        cursor = desk.sent[parts - 1]["cursor"]
        assert desk.sent[parts - 1]["part"] < desk.sent[parts - 1]["parts"]
        hub.detach(desk.viewer)
        back = Desk(hub, all=True, resume=cursor)
        tick(hub)
        while back.viewer.parts is not None:
            tick(hub)
        assert back.sent[0].get("reset")
        assert len(back.told("vehicles")) == 6000


def test_whoever_counts_frames_hears_of_one_moment_in_one_frame(hub: Hub) -> None:
    desk, other = Desk(hub, all=True, window=5), Desk(hub, all=True)
    tick(hub, 0)
    for now in range(1000, 1050, 5):
        hub.route(Change(moved=[moved("v1", now)]))
        tick(hub, now)
    assert len(other.take()) - 1 == 10
    assert len(desk.take()) - 1 == 2


def test_who_has_no_credit_does_not_lag_and_its_got_goes_on(hub: Hub) -> None:
    desk = Desk(hub, all=True, window=1)
    tick(hub)
    for now in (1000, 2000):
        hub.route(Change(moved=[moved("v1", now)]))
        tick(hub, now)
    assert not hub.lags(desk.viewer)
    desk.viewer.got = desk.viewer.frame
    assert hub.lags(desk.viewer)


def test_events_in_several_messages_promise_only_what_was_sent(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    tick(hub)
    desk.pending = 1_000_000
    hub.route(Change(events=[event(seq) for seq in range(1, 1801)]))
    tick(hub)
    desk.pending = 0
    desk.take()
    tick(hub)
    frames = [message for message in desk.take() if "events" in message]
    assert len(frames) == 4
    for message in frames:
        cursor = read_cursor(message["cursor"])
        assert cursor is not None
        assert cursor.seq == message["events"][-1]["seq"]
        assert cursor.mark == mark_of(message["events"][-1]["id"])
    back = Desk(hub, all=True, resume=frames[1]["cursor"])
    tick(hub)
    assert [one["seq"] for one in back.told("events")] == list(range(1001, 1801))


def test_an_event_told_in_the_frame_of_its_move_is_told_once(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    tick(hub)
    hub.route(Change(moved=[moved("v1", 1)], events=[event(1)]))
    tick(hub)
    tick(hub)
    hub.route(Change(moved=[moved("v1", 2)], events=[event(2)]))
    tick(hub)
    assert [one["seq"] for one in desk.told("events")] == [1, 2]


def test_every_frame_made_is_sent(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    tick(hub)
    desk.take()
    for time in range(1, 2101):
        hub.route(Change(moved=[moved("v1", time)]))
        tick(hub)
        assert [(m["frame"], "moved" in m or "new" in m) for m in desk.take()] == [(time, True)]


def test_a_speeding_that_ends_elsewhere_is_nothing_to_a_regions_follower(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")]))
    hub.route(Change(moved=[moved("v1", 1, "a", "b")]))
    desk = Desk(hub, regions=["a"])
    tick(hub)
    desk.take()
    hub.route(Change(events=[event(1, "overspeed_end", region="b"), event(2, "overspeed_start", region="b")]))
    hub.route(Change(events=[event(3, "overspeed_end", region="a")]))
    tick(hub)
    assert [one["seq"] for one in desk.told("events")] == [3]


def test_membership_names_no_region_that_is_not_followed(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")]))
    hub.route(Change(moved=[moved("v1", 1, "a", "b")]))
    desk, view = Desk(hub, regions=["a"]), Desk(hub, view={"bbox": [23, 59, 25, 61], "zoom": 8})
    tick(hub)
    hub.route(Change(moved=[moved("v1", 2, "a"), moved("v2", 2, "b"), moved("v3", 2, "a", "b")]))
    hub.route(Change(moved=[moved("v1", 3, "b"), moved("v3", 3, "b")]))
    hub.route(Change(regions=[region("b")], regions_deleted=[]))
    tick(hub)
    for told in (desk, view):
        named = [name for message in told.sent for member in ("in", "out") for name, _ in message.get(member, ())]
        assert set(named) <= ({"a"} if told is desk else set())
        assert not [one for message in told.sent for one in message.get("regions", ()) if one["id"] == "b"]
        told.sent.clear()
    assert desk.viewer.interest.numbers() == set()


def test_who_comes_with_a_cursor_from_before_the_log_is_told_so_and_goes_on_at_its_first_event(hub: Hub) -> None:
    desk = Desk(hub, all=True)
    desk.take()
    hub.lose(desk.viewer, 7)
    assert [message["code"] for message in desk.take()] == ["events_gone"]
    assert desk.viewer.seq == 6


def test_acknowledgements_made_while_away_are_told_to_those_who_may_hear_of_the_event(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")], events=[event(1, region="a"), event(2, region="b")]))
    follower, silent = Desk(hub, regions=["a"]), Desk(hub)
    follower.take()
    found = [
        (Acked(f"e{seq}", "Anna", 5), Told(event(seq, region=name), frozenset())) for seq, name in ((1, "a"), (2, "b"))
    ]
    hub.telling.tell_acks(follower.viewer, found)
    hub.telling.tell_acks(silent.viewer, found)
    assert [ack["id"] for ack in follower.told("acked")] == ["e1"]
    hub.telling.tell_acks(follower.viewer, found[1:])
    assert silent.take() == follower.take() == []


def test_who_follows_nothing_is_told_nothing(hub: Hub) -> None:
    desk = Desk(hub)
    hub.view(desk.viewer, requests.View((0.0, 0.0, 1.0, 1.0), 12.0), 0)
    hub.route(Change(moved=[moved("v1", 1)], events=[event(1, region=None)]))
    tick(hub)
    hub.replay(desk.viewer, [])
    hub.tell_cursor(desk.viewer)
    assert desk.take() == []


def test_who_follows_everything_needs_no_view(hub: Hub) -> None:
    hub.route(Change(moved=[moved("v1", 1)]))
    desk = Desk(hub, all=True)
    tick(hub)
    desk.take()
    hub.view(desk.viewer, requests.View((0.0, 0.0, 1.0, 1.0), 12.0), 0)
    tick(hub)
    assert desk.take() == []


@pytest.mark.parametrize("binary", [False, True])
def test_very_many_moves_come_in_several_messages_each_vehicle_once_and_events_with_the_last(
    hub: Hub, binary: bool
) -> None:
    names = [f"v{n}" for n in range(1, UPDATE_ROWS + 11)]
    hub.route(Change(moved=[moved(name, 1) for name in names]))
    desk = Desk(hub, binary=binary, all=True)
    while desk.viewer.parts is not None:
        tick(hub)
    desk.take()
    hub.route(Change(moved=[moved(name, 2, lat=60.001) for name in names], events=[event(1, region=None)]))
    tick(hub)
    messages = desk.take()
    assert len(messages) > 1
    assert sorted(row[0] for message in messages for row in message.get("moved", ())) == list(range(1, len(names) + 1))
    assert [told["seq"] for message in messages for told in message.get("events", ())] == [1]


def test_the_newest_events_are_kept_without_a_gap() -> None:
    recent = Recent()
    recent.restore([event(4), event(5)], 9, {})
    assert (recent.first, recent.last, recent.mark_of(9)) == (10, 9, bytes(5)), "what ends before the last is no end"
    recent.restore([event(8), event(9)], 9, {})
    assert (recent.first, recent.last, recent.mark_of(9)) == (9, 9, mark_of("e9"))
    recent.add_event(Told(event(9), frozenset()))
    assert [told.event.seq for told in recent.since(8)] == [9], "heard before"
    recent.add_event(Told(event(12), frozenset()))
    assert (recent.first, recent.last) == (12, 12), "after a gap the store has to tell"
    assert recent.mark_of(9) is None


def test_many_large_regions_come_in_several_parts_each_once(hub: Hub) -> None:
    names = [f"r{n}" for n in range(50)]
    large = [region(name) | {"properties": {"name": name, "attributes": {"about": "x" * 4000}}} for name in names]
    hub.route(Change(regions=large))
    desk = Desk(hub, all=True)
    while desk.viewer.parts is not None:
        tick(hub)
    parts = desk.take()
    assert len(parts) > 1
    assert sorted(one["id"] for part in parts for one in part.get("regions", ())) == sorted(names)


def test_an_event_that_was_acknowledged_while_routing_failed_is_known_as_such(hub: Hub) -> None:
    hub.route(Change(events=[event(1, region=None)]))
    hub.begin_again(Change(moved=[moved("v1", 1)], acked=[Acked("e1", "Anna", 5)]))
    [told] = hub.recent.since(0)
    assert told.event.ack is not None
    assert told.event.ack.by == "Anna"


def test_what_is_no_longer_granted_is_revoked_and_what_is_left_begins_anew(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")], moved=[moved("v1", 1, "a"), moved("v2", 1, "b")]))
    desk = Desk(hub, grant=limited("a", "b"), all=True)
    tick(hub)
    desk.take()
    hub.regrant(desk.viewer, limited("b"))
    tick(hub)
    told = desk.take()
    assert [item for message in told for item in message.get("left", ())] == [[1, "revoked"]]
    [snapshot] = [message for message in told if message["op"] == "snapshot"]
    assert (snapshot["reset"], [row[0] for row in snapshot["vehicles"]]) == (True, [2])
    hub.regrant(desk.viewer, limited("a", "b"))
    tick(hub)
    assert [row[0] for message in desk.take() for row in message.get("vehicles", ())] == [1, 2]


def test_who_follows_nothing_yet_has_another_grant_when_it_does(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    desk = Desk(hub, grant=limited("a"))
    hub.regrant(desk.viewer, Grant())
    desk.follow(all=True)
    tick(hub)
    assert not [row for message in desk.take() for row in message.get("vehicles", ())]


def test_whose_grant_may_be_another_is_told_nothing_before_it_is_asked_again(hub: Hub) -> None:
    hub.route(Change(regions=[region("a")], moved=[moved("v1", 1, "a")]))
    here = limited("a")
    desk = Desk(hub, grant=here, all=True)
    tick(hub)
    desk.take()
    hub.doubt_grants()
    hub.route(Change(moved=[moved("v1", 1, "a")], events=[event(1, region="a")]))
    hub.serve_urgent(desk.viewer, {1}, 0)
    tick(hub)
    assert desk.take() == []
    hub.regrant(desk.viewer, here)
    tick(hub)
    assert [[row[0] for row in message.get("moved", ())] for message in desk.take() if "moved" in message] == [[1]]


def test_where_a_vehicle_was_before_it_was_shown_is_told_to_nobody_in_the_same_tick(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b"), region("c")]))
    hub.route(Change(moved=[moved("v1", 1, "a", "b"), moved("v2", 1, "a", "c"), moved("v3", 1, lat=70.0)]))
    first, second = (Desk(hub, grant=limited("a", *more), all=True) for more in (("b",), ("b", "c")))
    for desk in (first, second):
        tick(hub)
        desk.take()
    hub.route(Change(moved=[moved("v1", 2, "a", "b"), moved("v2", 2, "a", "c"), moved("v3", 2, lat=71.0)]))
    hub.tick()
    hub.serve(first.viewer, 0)
    hub.route(Change(moved=[moved("v3", 3, "a", lat=60.5)]))
    hub.serve(second.viewer, 0)
    assert sorted(row[2] for row in first.told("moved")) == [60_000_000, 60_000_000]
    [update] = second.take()
    assert [row[4] for row in update["new"]] == [60_500_000]
    assert sorted(row[0] for row in update["moved"]) == [1, 2]


def test_whoever_left_all_that_is_granted_is_told_of_no_more_among_others_that_move(hub: Hub) -> None:
    hub.route(Change(regions=[region("a"), region("b")]))
    hub.route(Change(moved=[moved("v1", 1, "a"), moved("v2", 1, "a", "b"), moved("v3", 1, "b")]))
    desk = Desk(hub, grant=limited("a", "b"), all=True)
    for time in range(2, 7):
        where = [["a", "b"], ["b"], [], [], ["b"]][time - 2]
        hub.route(
            Change(moved=[moved("v1", time, "a"), moved("v2", time, *where, lat=60.0 + time), moved("v3", 1, "b")])
        )
        tick(hub)
        if time == 3:
            desk.take()
    messages = desk.take()
    assert [row[0] for message in messages for row in message.get("left", ())] == [2]
    assert {row[2] for message in messages for row in message.get("moved", ()) if row[0] == 2} == set()
    assert [row[4] for message in messages for row in message.get("new", ())] == [66_000_000]


def test_hundreds_of_regions_of_one_grant_are_not_asked_one_by_one(hub: Hub) -> None:
    """What each tick costs those who see most of what there is: who moved, not what is granted."""
    names = [f"r{i}" for i in range(200)]
    hub.route(Change(regions=[region(name) for name in names]))
    hub.route(Change(moved=[moved(f"v{i}", 1, names[i - 1]) for i in range(1, 201)]))
    desks = [Desk(hub, grant=limited(*names), all=True) for _ in range(2)]
    for _ in range(3):
        tick(hub)
    for desk in desks:
        desk.take()
    before = hub.telling.encodes
    hub.route(Change(moved=[moved(f"v{i}", 2, names[i - 1]) for i in range(1, 101)] + [moved("v101", 2, "r150")]))
    tick(hub)
    assert hub.telling.encodes - before == 2  # of what v101 left and came to
    for desk in desks:
        [update] = desk.take()
        assert len(update["moved"]) + len(update.get("new", ())) == 101
        assert update["in"] == [["r150", [101]]] and update["out"] == [["r100", [101]]]
