"""Every point is counted once, as what it was, whatever the network does."""

from __future__ import annotations

import io
import json
from email.utils import formatdate
from typing import Any

import pytest

from tracker.commands.import_vehicles import import_csv, read_rows
from tracker.formats import Point, Unreadable
from tracker.protocols.native import read_json
from tracker.replay import connection
from tracker.replay.connection import Connection, Failed, Lost, Response
from tracker.replay.sender import Sender
from tracker.times import rfc3339

START = 1_795_424_400_000
NOW = START + 3_600_000


class Tracker:
    """A server in memory that can lose its answers, before or after it has stored what was sent."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], dict[str, Any]] = {}
        self.troubles: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.now = NOW
        self.is_blind = False  # to whoever sends with the token of a device

    def answer(self, method: str, path: str, body: bytes | None) -> Response:
        self.requests.append((method, path))
        trouble = self.troubles.pop(0) if self.troubles and method == "POST" else ""
        if trouble == "refused":
            raise Lost("Connection refused", False)
        if trouble == "lost before":
            raise Lost("Connection reset by peer", True)
        if trouble.isdigit():
            return Response(int(trouble), {"retry-after": "1"}, b'{"title":"Busy"}')
        if method == "GET" and self.is_blind and "/track" in path:
            return Response(404, {}, b'{"code":"may_not"}')
        if method == "GET":
            return Response(200, {"date": formatdate(self.now / 1000, usegmt=True)}, self.track(path))
        content = self.take(body or b"")
        if trouble == "lost after":
            raise Lost("Connection reset by peer", True)
        return content

    def track(self, path: str) -> bytes:
        vehicle = path.split("/")[4] if path.startswith("/api/v1/vehicles/") else ""
        rows = [row for (one, _), row in sorted(self.stored.items()) if one == vehicle]
        return json.dumps({"vehicle": vehicle, "positions": rows, "next": None}).encode()

    def take(self, body: bytes) -> Response:
        reading = read_json(body, self.now)
        answer: dict[str, Any] = dict.fromkeys(("accepted", "late", "held", "duplicates", "conflicts"), 0)
        for ping in reading.pings:
            key = (ping.vehicle, ping.time)
            if key in self.stored:
                answer["duplicates"] += 1
                answer["conflicts"] += self.stored[key]["lat"] != ping.lat
                continue
            row = {"time": rfc3339(ping.time), "lat": ping.lat, "received_at": rfc3339(self.now)}
            if ping.lat > 80:
                row["held"] = True
                answer["held"] += 1
            self.stored[key] = row
            answer["accepted"] += 1
        answer |= {"rejected": reading.rejected, "errors": reading.errors}
        return Response(207 if reading.rejected else 200, {}, json.dumps(answer).encode())


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tracker = Tracker()
        self.seconds = 0.0
        self.said: list[str] = []
        self.connection = Connection(
            "http://here", told=self.said.append, monotonic=lambda: self.seconds, sleep=self.sleep
        )
        monkeypatch.setattr(self.connection, "_try", self.tracker.answer)
        self.sender = Sender(self.connection)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def point(second: int, lat: float = 60.0, vehicle: str = "7", **fields: Any) -> Point:
    return Point(START + second * 1000, {"vehicle": vehicle, "lat": lat, "lon": 24.0, **fields}, line=second)


def counts(tally: Any) -> tuple[int, ...]:
    return tally.sent, tally.accepted, tally.held, tally.duplicates, tally.conflicts, tally.rejected


BATCH = [point(1), point(2), point(2), point(2, 61.0), point(3, 85.0), point(4, 95.0)]
AS_IT_IS = (6, 3, 1, 2, 1, 1)


@pytest.mark.parametrize(
    "troubles",
    [
        [],
        ["refused", "refused"],
        ["503", "429", "507"],
        ["lost before"],
        ["lost after"],
        ["lost after", "refused", "lost after", "503"],
        ["502", "lost after"],
    ],
)
def test_a_batch_is_counted_as_what_it_was_whatever_became_of_its_answers(world: World, troubles: list[str]) -> None:
    world.tracker.troubles = troubles
    assert counts(world.sender.send(BATCH)) == AS_IT_IS


def test_what_an_earlier_replay_stored_stays_a_duplicate(world: World) -> None:
    world.tracker.now = NOW - 60_000
    world.tracker.take(json.dumps([{"vehicle": "7", "time": rfc3339(START + 1000), "lat": 60.0, "lon": 24.0}]).encode())
    world.tracker.now = NOW
    world.tracker.troubles = ["lost after"]
    assert counts(world.sender.send(BATCH)) == (6, 2, 1, 3, 1, 1)


def test_a_device_that_may_not_look_back_counts_as_it_was_told_and_goes_on(world: World) -> None:
    world.tracker.is_blind, world.tracker.troubles = True, ["lost after"]
    assert counts(world.sender.send(BATCH)) == (6, 0, 0, 5, 1, 1)
    assert counts(world.sender.send([point(9)])) == (1, 1, 0, 0, 0, 0)


def test_what_the_batch_before_brought_stays_a_duplicate(world: World) -> None:
    world.sender.send([point(1)])
    world.tracker.troubles = ["lost after"]
    assert counts(world.sender.send([point(1), point(2)])) == (2, 1, 0, 1, 0, 0)


def test_trouble_is_told_once_and_so_is_its_end(world: World) -> None:
    world.tracker.troubles = ["refused"] * 5
    world.sender.send([point(1)])
    assert world.said == ["http://here: Connection refused; trying again", "the server answers again"]


def test_patience_ends(world: World) -> None:
    world.tracker.troubles = ["refused"] * 10_000
    with pytest.raises(Failed, match="cannot be reached: Connection refused"):
        world.sender.send([point(1)])
    assert connection.PATIENCE_S < world.seconds < connection.PATIENCE_S + 10


def test_reasons_beyond_what_the_server_lists_are_found_by_the_same_gate(world: World) -> None:
    tally = world.sender.send([point(i, 95.0) for i in range(150)] + [point(i, 60.0) for i in range(150, 160)])
    assert (tally.rejected, tally.accepted) == (150, 10)
    assert tally.reasons == {"lat_out_of_range": 150}
    assert len(tally.examples["lat_out_of_range"]) == 3
    assert tally.examples["lat_out_of_range"][0].startswith("line 0: ")


def test_a_time_nobody_can_read_is_refused_by_the_server(world: World) -> None:
    tally = world.sender.send([point(1, time="yesterday"), point(2)])
    assert (tally.reasons, tally.accepted) == ({"time_invalid": 1}, 1)


def test_times_are_shifted_as_they_are_sent(world: World) -> None:
    world.sender.send([point(1)], shift=60_000)
    assert list(world.tracker.stored) == [("7", START + 61_000)]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            401,
            b'{"title":"Who are you?","detail":"a token is needed"}',
            "refused with 401: a token is needed; --token T",
        ),
        (200, b"<html>", "is the tracker there"),
        (404, b"Not Found", "answered 404"),
    ],
)
def test_a_server_that_does_not_want_it_ends_the_replay(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, message: str
) -> None:
    monkeypatch.setattr(world.connection, "_try", lambda *_: Response(status, {}, body))
    with pytest.raises(Failed, match=message):
        world.sender.send([point(1)])


@pytest.mark.parametrize("url", ["ftp://here", "http://", "http://here:port", "http://here:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Unreadable, match="is no address") as caught:
        Connection(url)
    assert caught.value.usage


# -- tracker vehicles import -------------------------------------------------------------------------------------------


def rows(text: str | bytes) -> list[Any]:
    return list(read_rows(text.encode() if isinstance(text, str) else text, "fleet.csv"))


def test_known_columns_are_fields_and_others_attributes() -> None:
    [row] = rows("\ufeffVehicle;Name;Plate;Group;Type;Seats;Note\r\nvan-7;Käpylä;ABC-1;North;van;3;\r\n")
    assert (row.line, row.vehicle) == (2, "van-7")
    fields = {"name": "Käpylä", "plate": "ABC-1", "group": "North", "kind": "van", "attributes": {"Seats": 3}}
    assert row.entry == fields


def test_a_key_of_digits_keeps_every_one_of_them() -> None:
    [row] = rows("vehicle,owntracks_secret\nvan-7,0070\n")
    assert row.entry == {"attributes": {"owntracks_secret": "0070"}}


def test_a_file_from_windows_is_read() -> None:
    assert rows("id;name\n7;Käpylä\n".encode("cp1252"))[0].entry == {"name": "Käpylä"}
    assert rows("id;name\n7;Käpylä\n".encode("utf-16"))[0].entry == {"name": "Käpylä"}


def test_only_the_ends_of_lines_end_a_line() -> None:
    told = rows('id,name\r7,North\u2028gate\r8,"two\nlines"\r')
    assert [row.entry for row in told] == [{"name": "North\u2028gate"}, {"name": "two\nlines"}]


def test_each_bad_line_says_what_is_wrong_with_it() -> None:
    good, *bad = rows("id,name\n7,a\n,b\n7,c\nx/y,d\n8,e,f\n\n")
    assert good.vehicle == "7"
    assert [one.line for one in bad] == [3, 4, 5, 6]
    assert [one.message for one in bad] == [
        "the vehicle id is empty",
        "'7' stands on line 2 already",
        "a vehicle id cannot contain '/'",
        "3 cells, but only 2 columns have a name; quote cells with a delimiter",
    ]


def test_a_list_without_a_vehicle_column_is_refused() -> None:
    with pytest.raises(Unreadable, match="no column is called `vehicle`"):
        rows("name,plate\na,b\n")
    with pytest.raises(Unreadable, match="is empty"):
        rows("\n")


def test_an_import_merges_known_vehicles_and_creates_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[tuple[str, str, Any]] = []

    def answer(_self: Connection, method: str, path: str, body: bytes | None) -> Response:
        sent.append((method, path, json.loads(body or b"null")))
        if "bad" in path:
            return Response(422, {}, b'{"errors":[{"field":"name","message":"`name` has at most 200 characters"}]}')
        return Response(404, {}, b'{"title":"?"}') if method == "PATCH" and "new" in path else Response(200, {}, b"{}")

    monkeypatch.setattr(Connection, "_try", answer)
    out = io.StringIO()
    assert import_csv(io.BytesIO(b"id,name\nold,A\nnew 1,B\nbad,C\n"), "http://here", None, out) == 1
    assert [(method, path) for method, path, _ in sent] == [
        ("PATCH", "/api/v1/vehicles/old"),
        ("PATCH", "/api/v1/vehicles/new%201"),
        ("PUT", "/api/v1/vehicles/new%201"),
        ("PATCH", "/api/v1/vehicles/bad"),
    ]
    assert out.getvalue() == "created: 1\nupdated: 1\nfailed: 1\n"
    assert "line 4: `name` has at most 200 characters" in capsys.readouterr().err


def test_an_import_by_a_token_that_may_not_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "_try", lambda *_: Response(404, {}, b'{"code":"may_not","detail":"you may not"}'))
    with pytest.raises(Failed, match="refused with 404: you may not"):
        import_csv(io.BytesIO(b"id,name\nold,A\nnew,B\n"), "http://here", "trk_device", io.StringIO())
