"""What OwnTracks says of itself beside its messages, and what it hears back; the messages are in fixtures/payloads."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tracker.errors import BadRequest
from tracker.model.ping import Ping
from tracker.protocols import Payload
from tracker.protocols.friends import MOST_FRIENDS, MOST_WAYPOINTS, Friend, Waypoint, answer, two_letters
from tracker.protocols.owntracks import read

NOW = 1_795_424_430_000
LOCATION = {"_type": "location", "lat": 60.17, "lon": 24.94, "tst": 1_795_424_400, "tid": "ne"}


def name_of(said: dict[str, Any] | None = None, **payload: Any) -> str:
    (ping,) = read(Payload(json.dumps(LOCATION | (said or {})).encode(), **payload), NOW).pings
    return ping.vehicle


def basic(user: str, password: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Basic " + base64.b64encode(f"{user}:{password}".encode())}


def test_who_it_is_follows_from_the_surest_thing_said() -> None:
    """Each of these is asked only where none before it is there."""
    limit = {b"x-limit-u": b"jane", b"x-limit-d": b"tablet"}
    topic = {"topic": "owntracks/jane/phone"}
    everything: dict[str, Any] = {"query": "u=joe&d=watch", "headers": limit | basic("jim", "secret")}
    assert name_of(topic, device="van-7", rest="van-8", **everything) == "van-7"
    assert name_of(topic, rest="van-8", **everything) == "van-8"
    assert name_of(topic, **everything) == "jane-phone"
    assert name_of(**everything) == "joe-watch"
    assert name_of(headers=everything["headers"]) == "jane-tablet"
    assert name_of(headers=basic("jim", "secret")) == "jim-ne"
    assert name_of() == "ne"


@pytest.mark.parametrize(("topic", "name"), [
    ("owntracks/jane/phone/event", "jane-phone"),
    ("owntracks/jane/phone/waypoints", "jane-phone"),
    ("fleet/vans/7", "fleet-vans-7"),
    ("owntracks/jane/\x00phone", "jane-phone"),
    ("", "ne"),
])  # fmt: skip
def test_a_topic_names_who_sends_and_not_what(topic: str, name: str) -> None:
    assert name_of({"topic": topic}) == name


def test_a_token_sent_as_the_user_names_nobody() -> None:
    assert name_of(headers=basic("trk_secret", "")) == "ne"
    assert name_of(headers={b"authorization": b"Bearer trk_secret"}) == "ne"
    assert name_of(headers={b"authorization": b"Basic !!!"}) == "ne"


def test_nothing_said_of_an_alarm_is_none_of_a_phone() -> None:
    """A phone may say e for reasons of its own; of a tracker it means that its power was cut."""
    for said, alarm in (({"t": "e"}, None), ({"t": "e", "imei": "8"}, "powerCut"), ({"t": ["!"]}, None)):
        (ping,) = read(Payload(json.dumps(LOCATION | said).encode()), NOW).pings
        assert ping.alarm == alarm


def test_without_the_library_an_encrypted_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "nacl.secret", None)
    with pytest.raises(BadRequest, match=r"live-map-tracker\[owntracks\]"):
        read(Payload(b'{"_type":"encrypted","data":"AAAA"}', options=lambda _: {"owntracks_secret": "x"}), NOW)


def test_who_may_see_nobody_hears_nothing() -> None:
    assert (answer().body, answer().status) == (b"[]", 200)


def test_friends_are_told_with_a_name_and_two_letters() -> None:
    ping = Ping("van-7", 1_795_424_400_999, 60.17, 24.94, speed_mps=10, heading=359.9, accuracy_m=7.6, battery_pct=78.4)
    assert json.loads(answer([Friend("Van 7", ping)]).body) == [
        {"_type": "location", "tid": "n7", "lat": 60.17, "lon": 24.94, "tst": 1_795_424_400, "acc": 8, "vel": 36,
         "cog": 0, "batt": 78},
        {"_type": "card", "tid": "n7", "name": "Van 7"},
    ]  # fmt: skip


def test_a_friend_who_is_nowhere_is_not_told() -> None:
    assert answer([Friend("Van 7", Ping("van-7", NOW, 0, 0))]).body == b"[]"


def test_no_two_friends_have_the_same_letters() -> None:
    assert two_letters(["van-17", "lorry-17", "7", "-"]) == {"lorry-17": "17", "van-17": "n17", "7": "7", "-": "-"}
    many = [f"van-{n}" for n in range(2000)]
    assert len(set(two_letters(many).values())) == len(many)


def test_regions_are_told_as_waypoints_that_stay_the_same_ones() -> None:
    (cmd,) = json.loads(answer([], [Waypoint("yard", "Yard", 60.17, 24.94, 149.2)]).body)
    assert (cmd["_type"], cmd["action"], cmd["waypoints"]["_type"]) == ("cmd", "setWaypoints", "waypoints")
    (place,) = cmd["waypoints"]["waypoints"]
    again = json.loads(answer([], [Waypoint("yard", "Yard", 60.2, 24.9, 10)]).body)[0]["waypoints"]["waypoints"][0]
    assert place["rad"] == 150 and place["desc"] == "Yard" and place["tst"] == again["tst"] > 0
    other = json.loads(answer([], [Waypoint("yard2", "Yard", 60.2, 24.9, 10)]).body)[0]["waypoints"]["waypoints"][0]
    assert other["tst"] != place["tst"]


def test_a_reply_stays_small_however_many_there_are() -> None:
    friends = [Friend(f"Van {n}", Ping(f"van-{n}", NOW, 1, 1)) for n in range(500)]
    places = [Waypoint(f"r{n}", f"R{n}", 1, 1, 9) for n in range(500)]
    *told, cmd = json.loads(answer(friends, places).body)
    assert len(told) == 2 * MOST_FRIENDS and len(cmd["waypoints"]["waypoints"]) == MOST_WAYPOINTS
