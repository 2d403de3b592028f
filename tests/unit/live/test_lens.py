"""What a limited grant shows of a view, of single vehicles, of counts and of acknowledgements."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.grants import limited
from tracker.access.grants import EVERYTHING, Grant
from tracker.geometry.earth import tile
from tracker.live import messages, requests
from tracker.live.hub import Hub
from tracker.live.viewer import Viewer
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping

OURS = limited("ours", "ours-too")
HERE, THERE = (60.0, 24.0), (60.4, 25.0)
VIEW = {"bbox": [23.95, 59.95, 24.05, 60.05], "zoom": 12}
OTHER_VIEW = requests.View((24.95, 60.35, 25.05, 60.45), 12)


class Desk:
    def __init__(self, hub: Hub, grant: Grant = OURS, **follow: Any) -> None:
        self.hub, self.pending = hub, 0
        self.sent: list[dict[str, Any]] = []
        self.viewer = Viewer(self, grant=grant)
        hub.attach(self.viewer)
        message = requests.read_request(messages.encode({"op": "follow", **follow}))
        assert isinstance(message, requests.Follow)
        hub.follow(self.viewer, message)
        self.tick()

    def send(self, payload: bytes, _text: bool = True) -> None:
        self.sent.append(msgspec.json.decode(payload))

    def tick(self, now: int = 0) -> None:
        for _ in range(3):
            for viewer in self.hub.tick():
                self.hub.serve(viewer, now)

    def told(self, member: str) -> list[Any]:
        self.tick()
        sent, self.sent = self.sent, []
        return [item for message in sent for item in message.get(member, ())]

    @property
    def seen(self) -> list[str]:
        """Vehicles of the snapshot it was sent last."""
        return [row[1] for row in self.told("vehicles")]


@pytest.fixture
def hub() -> Hub:
    hub = Hub(Picture())
    hub.begin(epoch=b"abcd", t0=0)
    hub.route(Change(regions=[region("ours"), region("ours-too"), region("theirs")]))
    return hub


def region(id: str) -> dict[str, Any]:
    return {"type": "Feature", "id": id, "geometry": None, "properties": {"name": id}}


def at(n: int, place: tuple[float, float], *regions: str, time: int = 1, **more: Any) -> VehicleState:
    return VehicleState(n, Ping(f"v{n}", time, *place), time, 1, 0, dict.fromkeys(regions, 0), **more)


def happened(seq: int, kind: str, n: int, region: str | None, place: tuple[float, float] = HERE) -> Event:
    return Event(f"e{seq}", kind, f"v{n}", seq, seq, "moved", *place, region, seq=seq)


def fleet(hub: Hub) -> None:
    hub.route(Change(moved=[at(1, HERE, "ours"), at(2, HERE, "theirs"), at(3, THERE, "ours"), at(4, HERE)]))


def test_in_a_view_one_sees_who_is_in_it_and_in_a_granted_region(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, view=VIEW)
    assert desk.seen == ["v1"]
    hub.route(Change(moved=[at(2, HERE, "theirs", "ours-too", time=2)]))
    assert [row[1] for row in desk.told("new")] == ["v2"]
    hub.route(Change(moved=[at(2, HERE, "theirs", time=3), at(1, THERE, "ours", time=3)]))
    assert sorted(desk.told("left")) == [[1, "view"], [2, "region"]]


def test_a_view_that_moves_shows_what_comes_into_it(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, view=VIEW)
    assert desk.seen == ["v1"]
    hub.view(desk.viewer, OTHER_VIEW, 0)
    assert desk.seen == ["v3"]
    hub.route(Change(moved=[at(3, THERE, "ours", time=2), at(1, HERE, "ours", time=2)]))
    assert [row[0] for row in desk.told("moved")] == [3]


def test_a_view_does_not_move_for_who_follows_all_that_is_granted(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, all=True)
    assert desk.seen == ["v1", "v3"]
    before = desk.viewer.head
    hub.view(desk.viewer, OTHER_VIEW, 0)
    assert desk.seen == []
    assert desk.viewer.head == before


def test_a_single_vehicle_is_followed_while_it_is_in_a_granted_region(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, vehicles=["v2", "v3", "nobody"])
    assert desk.seen == ["v3"]
    hub.route(Change(moved=[at(2, THERE, "ours", time=2)]))
    assert [row[1] for row in desk.told("new")] == ["v2"]
    exit = happened(1, "exit", 2, "ours", HERE)
    hub.route(Change(moved=[at(2, THERE, "theirs", time=9)], events=[exit]))
    desk.tick()
    (update,) = [message for message in desk.sent if message["op"] == "update"]
    assert update.get("moved") == [[2, 1, 60_000_000, 24_000_000, -1, -1, 1]], (
        "where it was seen to leave, nothing later"
    )
    assert (update["left"], [event["id"] for event in update["events"]]) == ([[2, "region"]], ["e1"])


def test_a_lens_tells_of_names_and_removals_only_while_it_shows_a_vehicle(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, vehicles=["v1", "v2"])
    desk.told("vehicles")
    hub.route(Change(registered=[Registered("v1", "Anna"), Registered("v2", "Boris")]))
    assert [entry["name"] for entry in desk.told("vehicles")] == ["Anna"]
    hub.route(Change(removed=["v1", "v2"]))
    assert desk.told("left") == [[1, "removed"]]


@pytest.mark.parametrize("follow", [{"all": True}, {"regions": ["ours"]}, {"view": VIEW}, {"vehicles": ["v1"]}])
def test_what_is_said_of_a_vehicle_after_it_left_is_told_to_nobody_it_left(hub: Hub, follow: dict[str, Any]) -> None:
    fleet(hub)
    desk = Desk(hub, **follow)
    desk.told("vehicles")
    hub.route(Change(registered=[Registered("v1", "Anna")]))
    assert [entry["name"] for entry in desk.told("vehicles")] == ["Anna"]
    hub.route(Change(registered=[Registered("v1", "Bella")]))
    hub.route(Change(moved=[at(1, HERE, "theirs", time=2)]))
    hub.route(Change(registered=[Registered("v1", "Boris")]))
    assert desk.told("vehicles") == []


def test_what_is_said_of_a_vehicle_goes_with_it_into_another_region(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, all=True)
    desk.told("vehicles")
    hub.route(Change(registered=[Registered("v1", "Anna")]))
    hub.route(Change(moved=[at(1, HERE, "ours-too", time=2)]))
    assert [entry["name"] for entry in desk.told("vehicles")] == ["Anna"]


@pytest.mark.parametrize("anywhere", [False, True])
def test_what_is_said_of_a_vehicle_in_another_group_is_told_to_nobody_it_left(hub: Hub, anywhere: bool) -> None:
    fleet(hub)
    desk = Desk(hub, limited("ours", vehicles=frozenset({"taxis"}), anywhere=anywhere), all=True)
    desk.told("vehicles")
    hub.route(Change(registered=[Registered(one, "Anna", group="taxis") for one in ("v1", "v9")]))  # v9 never moved
    hub.route(Change(registered=[Registered("v1", "Anna", "AB-1", group="taxis")]))
    told = {entry["vehicle"] for entry in desk.told("vehicles")}
    assert told == ({"v1", "v9"} if anywhere else {"v1"})
    hub.route(Change(registered=[Registered(one, "Bella", group="taxis") for one in ("v1", "v9")]))
    hub.route(Change(registered=[Registered(one, "Boris", group="buses") for one in ("v1", "v9")]))
    assert desk.told("vehicles") == []


def test_who_resumes_through_a_lens_is_told_what_left_meanwhile(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, view=VIEW)
    cursor = desk.sent[-1]["cursor"]
    hub.detach(desk.viewer)
    hub.route(Change(moved=[at(1, HERE, time=2)]))
    again = Desk(hub, view=VIEW, resume=cursor)
    assert not any(message.get("reset") for message in again.sent)
    assert again.told("left") == [[1, "region"]]


def test_a_lens_nobody_looks_through_is_let_go_of(hub: Hub) -> None:
    fleet(hub)
    desk = Desk(hub, view=VIEW)
    assert len(list(hub.routing._all())) > len(hub.routing.regions) + 1
    hub.detach(desk.viewer)
    for now in (0, 400_000, 800_000):
        list(hub.keep_house(now))
    assert not hub.routing._lenses
    assert not hub.routing._lenses_of


@pytest.mark.parametrize("follow", [{"all": True}, {"view": VIEW}, {"vehicles": ["v1"]}])
def test_no_place_far_outside_is_seen_through_a_grant(hub: Hub, follow: dict[str, Any]) -> None:
    near = Ping("v1", 1, *HERE)
    hub.route(Change(moved=[at(1, THERE, "ours", time=5, decided=near, beyond=("ours",))]))
    desk = Desk(hub, **follow)
    [row] = desk.told("vehicles")
    assert row[4:6] == [60_000_000, 24_000_000]
    held = Ping("v1", 9, *THERE)
    hub.route(Change(moved=[at(1, HERE, "ours", time=8, held=held)]))
    [row] = desk.told("new")
    assert (row[4:6], row[14]) == ([60_000_000, 24_000_000], None)


def test_a_veiled_vehicle_is_renamed_as_any_other(hub: Hub) -> None:
    hub.route(Change(moved=[at(1, THERE, "ours", decided=Ping("v1", 1, *HERE), beyond=("ours",))]))
    assert [row[2] for row in Desk(hub, all=True).told("vehicles")] == [None]
    hub.route(Change(registered=[Registered("v1", "Anna")]))
    assert [row[2] for row in Desk(hub, all=True).told("vehicles")] == ["Anna"]


def test_a_vehicle_is_counted_where_the_grant_shows_it(hub: Hub) -> None:
    fleet(hub)
    hub.route(Change(moved=[at(1, THERE, "ours", time=5, decided=Ping("v1", 1, *HERE), beyond=("ours",))]))
    desk = Desk(hub, all=True, max_vehicles=0)
    zoom = desk.told("cells")[0][0]
    desk = Desk(hub, all=True, max_vehicles=0)
    assert sorted(desk.told("cells")) == sorted([[zoom, *tile(*HERE, zoom), 1], [zoom, *tile(*THERE, zoom), 1]])
    assert sum(cell[3] for cell in Desk(hub, EVERYTHING, all=True, max_vehicles=0).told("cells")) == 4


def test_an_acknowledgement_is_told_to_those_who_heard_of_its_event(hub: Hub) -> None:
    """Where its vehicle is by now says nothing."""
    hub.route(Change(moved=[at(1, HERE, "theirs")], events=[happened(1, "enter", 1, "theirs")]))
    hub.route(Change(events=[happened(2, "alarm", 1, None)]))
    came = [happened(3, "exit", 1, "theirs"), happened(4, "enter", 1, "ours"), happened(5, "alarm", 1, None)]
    hub.route(Change(moved=[at(1, HERE, "ours", time=3)], events=came))
    desks = [Desk(hub, **follow) for follow in ({"all": True}, {"view": VIEW}, {"vehicles": ["v1"]})]
    hub.route(Change(acked=[Acked(f"e{seq}", "Boris", 9) for seq in range(1, 6)]))
    for desk in desks:
        assert sorted(ack["id"] for ack in desk.told("acked")) == ["e4", "e5"]


def test_what_tells_two_grants_apart_is_never_shared(hub: Hub) -> None:
    """Not even by a region whose id is a word of ours."""
    hub.route(Change(regions=[region("everything")], moved=[at(1, HERE, "everything"), at(2, HERE, "theirs")]))
    for grant, seen in ((EVERYTHING, ["v1", "v2"]), (limited("everything"), ["v1"])):
        assert Desk(hub, grant, vehicles=["v1", "v2"]).seen == seen
