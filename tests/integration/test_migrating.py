"""Migrating: a Traccar of our own making into a data folder: counts, words, what goes wrong; and a second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.traccar import FIXES, MONDAY, TOKEN, Traccar, fix
from tracker.commands import migrate
from tracker.commands.cli import cli
from tracker.commands.office import Refused, office
from tracker.config import Settings
from tracker.errors import TrackerError


def run(*words: object, password: str | None = None) -> Result:
    env = {"TRACCAR_PASSWORD": password, "TRACCAR_TOKEN": None}
    return CliRunner().invoke(cli, ["import", "traccar", *map(str, words)], env=env)


def table(result: Result) -> dict[str, list[int]]:
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    return {row[0]: [int(cell.replace(",", "")) for cell in row[1:4]] for row in rows}


@pytest.fixture
def traccar() -> Traccar:
    return Traccar()


def test_what_a_traccar_that_runs_has_is_here_once_however_often_it_is_asked(tmp_path: Path, traccar: Traccar) -> None:
    data = tmp_path / "data"
    with traccar.serve() as url:
        asked = "--from-url", url, "--token", TOKEN, "--data", data, "--from", "2026-08-01T00:00:00Z"
        first = run(*asked, "--until", "2026-10-01T00:00:00Z")
        again = run(*asked, "--until", "2026-10-01T00:00:00Z")
    assert first.exit_code == 1, first.output  # the torn shape is for somebody to look at
    assert "'Torn' (number 5)" in first.stderr and "its calendar" in first.stderr
    assert "'A/B' cannot be the id of a vehicle here: it is 'A-B (traccar 1)'" in first.stderr
    there = len(traccar.positions)
    assert table(first) == {
        "devices": [4, 4, 4], "groups": [3, 3, 0], "geofences": [5, 4, 4], "positions": [there, 120, 120],
        "events": [5, 5, 5],
    }  # fmt: skip
    assert "1 told again for the same time" in first.stdout and "1 without a place" in first.stdout
    assert {kind: row[2] for kind, row in table(again).items()} == dict.fromkeys(table(again), 0)
    assert {kind: row[:2] for kind, row in table(again).items()} == {k: row[:2] for k, row in table(first).items()}
    with office(Settings(data=str(data))) as ours:
        van = ours.ask("GET", "/api/v1/vehicles/A-B%20(traccar%201)")
        assert (van["name"], van["group"], van["kind"]) == ("Slash", "North / Vans", "van")
        assert van["attributes"] == {"speedLimit": 43.2, "phone": "+358 1"}
        assert ours.ask("GET", "/api/v1/vehicles/A-B")["attributes"] == {"disabled": True}
        track = ours.ask(
            "GET", "/api/v1/vehicles/350612/track?from=2026-08-01T00:00:00Z&until=2026-10-01T00:00:00Z&limit=1000"
        )
        assert len(track["positions"]) == FIXES and track["positions"][0]["speed_mps"] == pytest.approx(5.144, abs=1e-3)
        port = ours.ask("GET", "/api/v1/regions/traccar-2")
        assert port["geometry"] == {"type": "Point", "coordinates": [25.2, 60.1]}
        assert port["properties"]["radius_m"] == 250.5 and port["properties"]["color"] == "#aa2200"
        assert port["properties"]["rules"]["speed_limit_mps"] == pytest.approx(8.334, abs=1e-3)
        assert ours.ask("GET", "/api/v1/regions/traccar-3")["properties"]["buffer_m"] == 40
        told = ours.ask("GET", "/api/v1/events?kind=told")["events"]
        assert sorted(one["what"] for one in told) == sorted(one["type"] for one in traccar.events)
        [left] = [one for one in told if one["what"] == "geofenceExit"]
        assert (left["region"], left["vehicle"], left["lat"], left["told_by"]) == (
            "traccar-1", "A-B (traccar 1)", 60.015, "Traccar",
        )  # fmt: skip
        [online] = [one for one in told if one["what"] == "deviceOnline"]
        assert online["placed"] is False and online["delayed"] is True
        decided = ours.ask("GET", "/api/v1/events?kind=enter,exit&region=traccar-1")["events"]
        assert [one["kind"] for one in decided if one["reason"] != "region_created"] == ["enter", "exit"]


@pytest.mark.parametrize("form", ["tables", "dump"])
def test_an_export_of_its_database_says_the_same(tmp_path: Path, traccar: Traccar, form: str) -> None:
    path = traccar.write_tables(tmp_path) if form == "tables" else traccar.write_dump(tmp_path / "traccar.sql")
    first, again = (run(path, "--data", tmp_path / "data") for _ in range(2))
    there = len(traccar.positions)
    assert table(first) == {
        "devices": [4, 4, 4], "groups": [3, 3, 0], "geofences": [5, 4, 4], "positions": [there, 120, 120],
        "events": [5, 5, 5],
    }, first.output  # fmt: skip
    assert {kind: row[2] for kind, row in table(again).items()} == dict.fromkeys(table(again), 0)


@pytest.mark.parametrize("batches", [7, 14])  # in the middle of the positions, and of the events
@pytest.mark.parametrize("form", ["asked", "tables"])
def test_what_was_interrupted_goes_on_where_it_was_and_counts_all_of_it(
    tmp_path: Path, traccar: Traccar, monkeypatch: pytest.MonkeyPatch, form: str, batches: int
) -> None:
    monkeypatch.setattr(migrate, "TOGETHER", 10)
    traccar.events += [one | {"id": 10 * n + one["id"]} for n in range(1, 4) for one in traccar.events[:4]]
    left, sent = batches, 0
    patiently = migrate._patiently

    def dying(*words: Any) -> dict[str, Any]:
        nonlocal left, sent
        left, sent = left - 1, sent + 1
        if left < 0:
            raise TrackerError("no_answer", "the server was killed")
        return patiently(*words)

    monkeypatch.setattr(migrate, "_patiently", dying)
    with traccar.serve() as url:
        where = (
            (traccar.write_tables(tmp_path),)
            if form == "tables"
            else ("--from-url", url, "--token", TOKEN, "--from", "2026-08-01T00:00:00Z")
        )
        words = (*where, "--data", tmp_path / "data")
        assert str(run(*words).exception) == "the server was killed"
        left, costs = 1000, []
        for _ in range(2):
            sent = 0
            traccar.asked.clear()
            costs.append((run(*words), sent, traccar.asked.count("/api/positions")))
    (rest, *little), (again, *much) = costs
    assert "goes on where it was interrupted, after " in rest.stderr and rest.exit_code == 1, rest.output
    whole = {"positions": [len(traccar.positions), 120, 120], "events": [17, 17, 17]}
    assert {kind: table(rest)[kind] for kind in whole} == whole
    assert little[0] == much[0] - batches and (little[1] < much[1] or form == "tables")
    assert "interrupted" not in again.stderr and table(again)["positions"] == [len(traccar.positions), 120, 0]


def test_a_second_traccar_has_its_own_geofences_and_keeps_them(tmp_path: Path, traccar: Traccar) -> None:
    data = tmp_path / "data"
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    run(traccar.write_tables(first), "--data", data)
    with office(Settings(data=str(data))) as ours:  # here, it was called and drawn otherwise since
        port = ours.ask("GET", "/api/v1/regions/traccar-2")
        port["properties"] |= {"name": "Harbour", "radius_m": 300}
        ours.ask("PUT", "/api/v1/regions/traccar-2", port)
    traccar.geofences[0]["area"] = "POLYGON ((10 20, 10 21, 11 21, 10 20))"
    traccar.write_tables(second)
    there = run(second, "--data", data)
    assert table(there)["geofences"] == [5, 4, 1] and "'Yard': traccar-1 is one of another Traccar here" in there.stderr
    assert [table(run(folder, "--data", data))["geofences"] for folder in (first, second)] == [[5, 4, 0]] * 2
    with office(Settings(data=str(data))) as ours:
        known = {one["id"]: one["properties"]["name"] for one in ours.ask("GET", "/api/v1/regions")["regions"]}
        [other] = [id for id in known if id not in ("traccar-1", "traccar-2", "traccar-3", "traccar-4")]
        assert known["traccar-2"] == "Harbour" and known[other] == "Yard" and other.startswith("traccar-1-")
        told = ours.ask("GET", f"/api/v1/events?kind=told&region={other}")["events"]
    assert {one["what"] for one in told} == {"geofenceEnter", "geofenceExit"}


@pytest.mark.parametrize(
    "change, words, said",
    [
        ({"token": "another"}, ("--token", TOKEN), "refused with 401: give a token"),
        ({}, (), "refused with 401"),
        ({"version": "5.12"}, ("--token", TOKEN), "is Traccar 5.12: update it to 6"),
        ({"version": None}, ("--token", TOKEN), "is no Traccar"),
        ({"page": True}, ("--token", TOKEN), "answered no JSON ('<html>a page')"),
        ({"moved": "https://there/"}, ("--token", TOKEN), "says it is at https://there/"),
    ],
)
def test_what_is_wrong_with_a_traccar_is_said_and_nothing_is_brought_over(
    tmp_path: Path, traccar: Traccar, change: dict[str, object], words: tuple[str, ...], said: str
) -> None:
    for name, value in change.items():
        setattr(traccar, name, value)
    with traccar.serve() as url:
        result = run("--from-url", url, *words, "--data", tmp_path / "data", "--from", "2026-08-01T00:00:00Z")
    assert said in str(result.exception) and result.stdout == ""


def test_with_a_name_and_a_password_what_they_may_see_is_brought_over(tmp_path: Path, traccar: Traccar) -> None:
    traccar.all = False
    traccar.longest_days = 7
    traccar.positions.append(fix(9100, 4, MONDAY, 60.5, 25.5))  # of one who never had one, as its number says
    del traccar.positions[0]  # an event was told there
    words = ("--user", "admin", "--data", tmp_path / "data", "--from", "2026-08-01T00:00:00Z")
    with traccar.serve() as url:
        result = run("--from-url", url, *words, password="sesame")
    assert "only what this user of Traccar may see" in result.stderr
    assert table(result)["devices"] == [4, 4, 4] and table(result)["events"] == [5, 5, 5]
    assert table(result)["positions"] == [122, 120, 120]
    with office(Settings(data=str(tmp_path / "data"))) as ours:
        told = {one["what"]: one for one in ours.ask("GET", "/api/v1/events?kind=told")["events"]}
    assert told["geofenceEnter"]["placed"] is False and told["geofenceExit"]["lat"] == 60.015


def test_rows_of_wrong_clocks_are_told_where_all_that_is_there_is_asked_for(tmp_path: Path, traccar: Traccar) -> None:
    traccar.positions += [fix(9200, 4, 0, 0.0, 0.0, valid=False), fix(9201, 4, 3_000_000_000_000, 60.0, 25.0)]
    traccar.devices = traccar.devices[3:]
    with traccar.serve() as url:
        result = run("--from-url", url, "--token", TOKEN, "--data", tmp_path / "data")
    assert table(result)["positions"] == [2, 0, 0]
    assert "1 from before 2000" in result.stdout and "1 of a time to come" in result.stdout


@pytest.mark.parametrize("words", [(), ("{tmp}", "--from-url", "http://127.0.0.1:1")])
def test_there_is_one_place_it_comes_from(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(*(word.format(tmp=tmp_path) for word in words)).exit_code == 2


def test_torn_rows_and_alarms_told_again_are_neither_lost_nor_doubled(tmp_path: Path, traccar: Traccar) -> None:
    last = traccar.positions[-3]
    traccar.positions.append(last | {"id": 9003, "attributes": {"alarm": "sos"}})
    traccar.positions.append(last | {"id": 9004, "deviceId": 77})
    traccar.write_tables(tmp_path)
    with (tmp_path / "tc_positions.csv").open("a") as file:
        file.write("9005,3,osm")
    result = run(tmp_path, "--data", tmp_path / "data")
    assert result.exit_code == 1 and table(result)["positions"] == [len(traccar.positions) + 1, 120, 120]
    for why in ("1 of a device that is gone", "1 torn", "2 told again for the same time", "1 without a place"):
        assert why in result.stdout
    with office(Settings(data=str(tmp_path / "data"))) as ours:
        alarms = ours.ask("GET", "/api/v1/events?kind=alarm")["events"]
        assert [(one["vehicle"], one["alarm"]) for one in alarms] == [("350612", "sos")]


LINE = '2026-08-31T08:00:{0:02d}Z\t*\t{{"_type":"location","lat":60.0{0},"lon":25.0,"tst":{1},"tid":"ph"}}\n'


def test_the_folder_of_a_recorder_names_its_vehicles_and_an_export_of_dawarich_is_whose_it_is(tmp_path: Path) -> None:
    rec = tmp_path / "store" / "rec"
    for who, fixes in (("jane", 3), ("ben", 2)):
        (rec / who / "phone").mkdir(parents=True)
        lines = [LINE.format(n + 1, 1_788_163_201 + n) for n in range(fixes)]
        (rec / who / "phone" / "2026-08.rec").write_text("".join(lines) + "2026-08-31T08:00:33Z\t*\t{torn")
    (rec / "ben" / "phone" / "2026-09.rec").touch()
    at = 1_788_163_200
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [25.0, 60 + n / 1000]},
            "properties": {"timestamp": at + 30 * n, "velocity": "3.5", "battery": 85, "id": n},
        }
        for n in range(4)
    ]
    exported = tmp_path / "dawarich.json"
    exported.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    for words, kept in (
        (("owntracks", tmp_path / "store"), [7, 5, 5]),
        (("owntracks", tmp_path / "store"), [7, 5, 0]),
        (("owntracks", rec / "jane"), [4, 3, 0]),
        (("owntracks", rec / "ben" / "phone" / "2026-08.rec"), [3, 2, 0]),
        (("dawarich", exported, "--vehicle", "jane's"), [4, 4, 4]),
    ):
        result = CliRunner().invoke(cli, ["import", *map(str, words), "--data", str(tmp_path / "data")])
        assert (result.exit_code, table(result)["positions"]) == (0, kept), result.output
    with office(Settings(data=str(tmp_path / "data"))) as ours:
        known = [one["vehicle"] for one in ours.ask("GET", "/api/v1/vehicles")["vehicles"]]
    assert known == ["ben-phone", "jane's", "jane-phone"]
    assert CliRunner().invoke(cli, ["import", "owntracks", str(rec / "none")]).exit_code == 2


def test_what_another_system_told_is_kept_once_all_or_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    path, at = "/api/v1/history/told", "2026-08-31T08:00:00.000Z"
    good = {"vehicle": "v", "time": at, "what": "ignitionOn", "by": "Traccar", "number": "1"}
    with office(Settings(data=str(data)), new=True) as ours:
        ours.ask("PUT", "/api/v1/vehicles/v", {"name": "Van"})
        ours.ask("POST", "/api/v1/positions", {"vehicle": "v", "time": at, "lat": 60, "lon": 25})
        for wrong in (
            {"vehicle": "w"}, {"region": "none"}, {"time": "never"}, {"time": 5}, {"time": None}, {"what": " "},
            {"by": "x" * 101}, {"lat": 91, "lon": 0}, {"lat": "60"}, {"attributes": [1]}, {"number": 7},
            {"time": "2999-01-01T00:00:00Z"},
        ):  # fmt: skip
            with pytest.raises(Refused) as fault:
                ours.ask("POST", path, {"events": [good, good | wrong]})
            assert [(one["index"], one["field"]) for one in fault.value.errors] == [(1, next(iter(wrong)))]
        nothings: list[object] = [{}, {"events": []}, {"events": ["text"]}, {"events": [good] * 1001}, [good]]
        for nothing in nothings:
            with pytest.raises(Refused):
                ours.ask("POST", path, nothing)
        assert ours.ask("GET", "/api/v1/events")["events"] == []
        placed = good | {"number": "2", "lat": 60.5, "lon": 25, "attributes": {"a": 1}}
        assert ours.ask("POST", path, {"events": [good, placed, good]}) == {"accepted": 2, "duplicates": 1}
        assert ours.ask("POST", path, {"events": [good, placed]}) == {"accepted": 0, "duplicates": 2}
        bare, whole = ours.ask("GET", "/api/v1/events?kind=told&vehicle=v")["events"]
        assert (bare["what"], bare["told_by"], bare["placed"], bare["delayed"]) == (
            "ignitionOn",
            "Traccar",
            False,
            True,
        )
        assert (whole["lat"], whole["attributes"], whole["reason"]) == (60.5, {"a": 1}, "told")
        [kept] = ours.ask("GET", "/api/v1/audit?what=event.tell")["audit"]
        assert (kept["target"], kept["after"]) == ("Traccar", {"events": 2})
    compared = CliRunner().invoke(cli, ["replay", "--data", str(data), "--diff", "--warm-up", "all"])
    assert (compared.exit_code, "no differences" in compared.output) == (0, True), compared.output
