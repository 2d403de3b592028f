"""What OwnTracks says of itself beside its messages, and what it hears back; the messages are in fixtures/payloads."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tracker.errors import BadRequest
from tracker.model.ping import Ping
from tracker.protocols import Others, Outcome, Payload
from tracker.protocols.friends import MOST_FRIENDS, MOST_WAYPOINTS, answer, two_letters
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


def test_half_a_pair_in_a_secret_opens_nothing_and_breaks_nothing() -> None:
    message = b'{"_type":"encrypted","tid":"ne","data":"' + base64.b64encode(bytes(60)) + b'"}'
    try:
        became = repr(read(Payload(message, options=lambda _: {"owntracks_secret": "\ud800"}), NOW))
    except (BadRequest, UnicodeEncodeError) as told:
        became = getattr(told, "code", str(told))
    assert became == "encrypted"


def told(pings: Any = (), regions: Any = ()) -> Any:
    return json.loads(answer(Others(pings, regions)).body)


def region(id: str, geometry: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    shape = {"type": geometry, "coordinates": coordinates}
    return {"type": "Feature", "id": id, "geometry": shape, "properties": {"name": id.title()} | properties}


def place(feature: dict[str, Any]) -> dict[str, Any]:
    ((cmd,),) = [told((), [feature])]
    assert (cmd["_type"], cmd["action"], cmd["waypoints"]["_type"]) == ("cmd", "setWaypoints", "waypoints")
    (one,) = cmd["waypoints"]["waypoints"]
    assert one["_type"] == "waypoint"
    return dict(one)


def test_who_may_see_nobody_hears_nothing() -> None:
    assert (answer(Others()).body, answer(Others()).status) == (b"[]", 200)


def test_friends_are_told_with_a_name_and_two_letters() -> None:
    ping = Ping("van-7", 1_795_424_400_999, 60.17, 24.94, speed_mps=10, heading=359.9, accuracy_m=7.6, battery_pct=78.4)
    assert told([("Van 7", ping), ("Nowhere", Ping("van-8", NOW, 0, 0))]) == [
        {"_type": "location", "tid": "n7", "lat": 60.17, "lon": 24.94, "tst": 1_795_424_400, "acc": 8, "vel": 36,
         "cog": 0, "batt": 78},
        {"_type": "card", "tid": "n7", "name": "Van 7"},
    ]  # fmt: skip


def test_no_two_friends_have_the_same_letters() -> None:
    assert two_letters(["van-17", "lorry-17", "7", "-"]) == {"lorry-17": "17", "van-17": "n17", "7": "7", "-": "-"}
    many = [f"van-{n}" for n in range(2000)]
    assert len(set(two_letters(many).values())) == len(many)


def test_regions_are_told_as_circles_around_all_of_them() -> None:
    assert place(region("yard", "Point", [24.94, 60.17], radius_m=149.2))["rad"] == 150
    box = [[[24.94, 60.17], [24.96, 60.17], [24.96, 60.18], [24.94, 60.18], [24.94, 60.17]]]
    square = place(region("box", "Polygon", box))
    assert (square["lat"], square["lon"], square["desc"]) == (60.175, 24.95, "Box") and 780 < square["rad"] < 800
    line = place(region("road", "LineString", [[179.99, 1], [-179.99, 1]], buffer_m=50))
    assert abs(line["lon"]) == 180 and 1110 < line["rad"] - 50 < 1125


def test_a_region_stays_the_same_waypoint_when_it_is_drawn_anew() -> None:
    first, again = (place(region("yard", "Point", [lon, 60], radius_m=9)) for lon in (24, 25))
    other = place(region("yard2", "Point", [24, 60], radius_m=9))
    assert first["tst"] == again["tst"] != other["tst"] and first["rid"] == "yard"


def test_a_region_that_is_gone_is_watched_by_no_app_any_more() -> None:
    """Without a radius for those that keep what has no place, at no place for those that delete such a one."""
    yard, box = (region(name, "Point", [24.94, 60.17], radius_m=149) for name in ("yard", "box"))
    (cmd,) = json.loads(answer(Others(regions=[box], gone=[yard])).body)
    flat, nowhere, other = cmd["waypoints"]["waypoints"]
    assert (flat["rid"], flat["rad"], flat["lat"]) == ("yard", 0, 60.17)
    assert nowhere == flat | {"lat": -1_000_000, "lon": -1_000_000} and flat["tst"] == place(yard)["tst"]
    assert (other["rid"], other["rad"]) == ("box", 149)


def test_a_reply_stays_small_however_many_there_are() -> None:
    friends = [(f"Van {n}", Ping(f"van-{n}", NOW, 1, 1)) for n in range(500)]
    *said, cmd = told(friends, [region(f"r{n}", "Point", [1, 1], radius_m=9) for n in range(500)])
    assert len(said) == 2 * MOST_FRIENDS and len(cmd["waypoints"]["waypoints"]) == MOST_WAYPOINTS


def test_only_a_message_that_is_kept_is_answered_with_others() -> None:
    def others(vehicle: str) -> Others:
        return Others([(vehicle, Ping("x", NOW, 1, 1))])

    for said, heard in ((LOCATION, 2), ({"_type": "lwt", "tst": 1}, 0)):
        reply = read(Payload(json.dumps(said).encode(), others=others), NOW).reply
        reply = reply(Outcome()) if callable(reply) else reply
        assert reply is not None and len(json.loads(reply.body)) == heard
