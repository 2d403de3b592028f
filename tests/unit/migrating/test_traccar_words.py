"""Traccar's words in ours: shapes with the latitude first, ids that are never merged, knots, times, flags of tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tracker.formats import Unreadable
from tracker.migrating import exported
from tracker.migrating.asked import Asked
from tracker.migrating.exported import Exported
from tracker.migrating.tally import Tally
from tracker.migrating.traccar import (
    attributes_of,
    entry_of,
    event_of,
    flag_of,
    group_names,
    is_of,
    mark_of,
    number_of,
    position_of,
    region_of,
    row_of,
    time_of,
    vehicle_ids,
)
from tracker.migrating.wkt import read_area


@pytest.mark.parametrize(
    "text, kind, coordinates, radius",
    [
        ("CIRCLE (60.1 25.2, 250.5)", "Point", [25.2, 60.1], 250.5),
        ("circle(-33.9, 18.4, 1e2)", "Point", [18.4, -33.9], 100),
        ("LINESTRING (60 24, 61 -25)", "LineString", [[24, 60], [-25, 61]], None),
        ("POLYGON ((1 2, 3 4, 5 6))", "Polygon", [[[2, 1], [4, 3], [6, 5], [2, 1]]], None),
        (
            "POLYGON((0 0,0 9,9 9,9 0,0 0),(1 1,1 2,2 2,1 1))", "Polygon",
            [[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 1]]], None,
        ),
        ("MULTIPOLYGON (((1 2, 3 4, 5 6, 1 2)))", "MultiPolygon", [[[[2, 1], [4, 3], [6, 5], [2, 1]]]], None),
    ],
)  # fmt: skip
def test_a_shape_has_its_latitude_first(text: str, kind: str, coordinates: Any, radius: float | None) -> None:
    assert read_area(text) == ({"type": kind, "coordinates": coordinates}, radius)


@pytest.mark.parametrize(
    "text", ["", "POINT (1 2)", "POLYGON ((1 2, 3", "POLYGON (1 2, 3 4)", "LINESTRING ()", "POLYGON ((1 x, 3 4))"]
)
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|does not end|brackets"):
        read_area(text)


def device(number: int, unique: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "uniqueid": unique, **more}


def test_no_two_devices_become_one_and_each_that_is_called_otherwise_is_told() -> None:
    long = "x" * 128
    devices = [device(1, "a/b"), device(2, "a-b"), device(3, ""), device(4, "e\u0301"), device(5, "\u00e9")]
    devices += [device(6, long + "y"), device(7, long), device(8, ".."), device(9, "  spaced ")]
    ids, notes = vehicle_ids(devices)
    assert len(set(ids.values())) == len(devices)
    assert (ids[2], ids[1], ids[3], ids[8], ids[9]) == ("a-b", "a-b (traccar 1)", "traccar 3", "traccar 8", "spaced")
    assert (ids[4], ids[5]) == ("\u00e9", "\u00e9 (traccar 5)")
    assert ids[7] == long and len(ids[6]) == 128 and ids[6].endswith(" (traccar 6)")
    assert len(notes) == 6 and "device 1: 'a/b'" in notes[0]


def test_groups_that_are_called_alike_are_told_apart_also_where_they_lie_in_each_other() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "name": "North"}, {"id": 2, "name": "Vans", "groupid": 1}, {"id": 3, "name": "Vans"},
        {"id": 4, "name": "Ring", "groupid": 5}, {"id": 5, "name": "Ring", "groupid": 4}, {"id": 6, "name": None},
        {"id": 7, "name": "g" * 120},
    ]  # fmt: skip
    names = group_names(rows)
    assert (names[1], names[2], names[3], names[6]) == ("North", "North / Vans", "Vans", "group 6")
    assert len(set(names.values())) == len(rows) and all(len(name) <= 100 for name in names.values())


def test_a_device_is_an_entry_without_passwords() -> None:
    said = {"devicePassword": "x", "owntracks_secret": "y", "speedLimit": 43.2, "list": [1]}
    row = device(1, "v", name=" Van ", category="van", groupid="7", attributes=said, disabled="t", model="T 5")
    assert entry_of(row, {7: "North"}) == {
        "name": "Van", "group": "North", "kind": "van",
        "attributes": {"speedLimit": 43.2, "model": "T 5", "disabled": True},
    }  # fmt: skip
    assert entry_of(device(2, "w", category="default", attributes="not JSON"), {}) == {}


def test_a_geofence_is_a_region_with_its_limit_in_metres_a_second_and_what_nobody_obeys_is_told() -> None:
    said = '{"speedLimit": 50, "polylineDistance": 30, "color": "#123456", "hide": true, "note": "n"}'
    row = {"id": "9", "name": "Road", "area": "LINESTRING (1 2, 3 4)", "attributes": said, "calendarid": "2"}
    id, feature, left = region_of(row | {"description": "long"})
    assert id == "traccar-9" and feature["geometry"]["coordinates"] == [[2, 1], [4, 3]]
    assert feature["properties"] == {
        "name": "Road", "buffer_m": 30, "rules": {"speed_limit_mps": 25.722}, "color": "#123456",
        "attributes": {"hide": True, "note": "n", "description": "long"},
    }  # fmt: skip
    assert [one.split(":")[0] for one in left] == ["its hide", "its calendar"]
    plain = region_of({"id": 3, "area": "LINESTRING (1 2, 3 4)", "attributes": {"color": "red"}})[1]
    assert plain["properties"] == {"name": "geofence 3", "buffer_m": 25}


def test_a_position_has_its_fix_time_metres_a_second_and_fields_of_its_own() -> None:
    said = {"batteryLevel": "81", "ignition": False, "odometer": 1200, "totalDistance": 9, "alarm": "sos", "rpm": 900}
    row = row_of({
        "deviceId": 1, "fixTime": "2026-08-31T08:00:00.250+00:00", "deviceTime": "2026-08-31T08:01:00Z", "valid": False,
        "outdated": True, "latitude": 60.5, "longitude": "24.5", "speed": 10, "course": 90, "altitude": 3,
        "accuracy": 5, "attributes": said | {"driverUniqueId": 77, "distance": 3, "motion": True},
    })  # fmt: skip
    assert position_of(row, "v") == {
        "vehicle": "v", "time": 1788163200250, "lat": 60.5, "lon": 24.5, "speed_kn": 10, "heading": 90,
        "altitude_m": 3, "accuracy_m": 5, "battery_pct": 81, "odometer_m": 1200, "driver": "77", "alarm": "sos",
        "ignition": False, "attributes": {"rpm": 900, "valid": False, "outdated": True},
    }  # fmt: skip
    table = {"fixtime": None, "devicetime": "2026-08-31 08:00:00", "latitude": "x", "attributes": None, "valid": "t"}
    assert position_of(table, "v", ZoneInfo("Europe/Helsinki")) == {
        "vehicle": "v",
        "time": 1788163200000 - 3 * 3600_000,
    }
    nothing = position_of({"fixtime": "never", "attributes": {"odometer": 0, "totalDistance": 7}}, "v")
    assert nothing == {"vehicle": "v", "time": "never", "odometer_m": 7}


def test_an_event_is_told_with_its_word_its_place_and_what_has_no_counterpart_here() -> None:
    row = {"id": 5, "type": "maintenance", "servertime": 1788163200000, "maintenanceid": 3, "geofenceid": 8}
    assert event_of(row, "v", None, None) == {
        "vehicle": "v", "time": 1788163200000, "what": "maintenance", "by": "Traccar", "number": "5",
        "attributes": {"geofence": 8, "maintenance": 3},
    }  # fmt: skip
    told = event_of(row | {"eventtime": "2026-08-31T08:00:00Z"}, "v", "traccar-8", {"latitude": 1, "longitude": 2})
    assert (told["region"], told["lat"], told["lon"], told["attributes"]) == ("traccar-8", 1, 2, {"maintenance": 3})


@pytest.mark.parametrize(
    "value, known", [(True, None), ("", None), ("x", None), (12, 12), ("2026-08-31", 1788134400000)]
)
def test_a_time_is_one_or_none(value: Any, known: int | None) -> None:
    assert time_of(value) == known


def test_numbers_and_flags_of_tables_are_texts() -> None:
    assert [number_of({"id": value}) for value in ("7", 7, None, "", "x")] == [7, 7, 0, 0, 0]
    assert [flag_of({"valid": value}, "valid") for value in ("t", "TRUE", True, "f", 0, "1")] == [
        True, True, True, False, False, True,
    ]  # fmt: skip


def test_a_tally_says_why_the_rest_is_not_here() -> None:
    tally = Tally()
    tally["positions"].there = 1200
    tally["positions"].miss("without a place", 2)
    tally["positions"].miss("torn", 0)
    tally["devices"].miss("refused", wrong=True)
    assert tally.wrong == 1
    assert tally.lines()[1].split() == ["positions", "1,200", "0", "0", "2", "without", "a", "place"]


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


UTC = ZoneInfo("UTC")


def test_tables_are_found_by_name_in_each_form_and_torn_rows_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        tc_devices__csv='ID,UNIQUEID,ATTRIBUTES\n1,a,"{""x"": 1}"\n2,b\n3,NULL,\n',
        groups__json='{"groups": [{"id": 1, "name": "n"}, 7]}',
        tc_geofences__json="[]",
        positions__ndjson='{"id": 2, "fixTime": 9}\n\n{"id": 1, "fixTime": 5}\n{"id": 3, "fix',
    )
    source = Exported(tmp_path, UTC, in_memory=1)
    assert source.devices() == [
        {"id": "1", "uniqueid": "a", "attributes": '{"x": 1}'}, {"id": "3", "uniqueid": None, "attributes": None},
    ]  # fmt: skip
    assert (source.groups(), source.geofences()) == ([{"id": 1, "name": "n"}], [])
    assert [row["id"] for row in source.positions([])] == [1, 2], "in order of time"
    assert source.broken == {"devices": 1, "groups": 0, "geofences": 0, "positions": 1}
    assert source.notes == ["there is no file of events"] and list(source.told_events([])) == []


@pytest.mark.parametrize(
    "files, said",
    [
        ({"other__csv": "id\n"}, "no table of devices"),
        ({"tc_devices__csv": "id\n", "devices__json": "[]"}, "both the table of devices"),
        ({"devices__json": '[{"id": 1'}, "ends in the middle"),
        ({"devices__json": '{"other": []}'}, "holds no list of devices"),
        ({"devices__json": '[{"name": "n"}]'}, "no device has a number"),
        ({"devices__csv": "name,uniqueid\nn,u\n"}, "names no column `id`"),
    ],
)
def test_what_is_no_export_is_refused_with_what_to_do(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        Exported(write(tmp_path, **files), UTC).devices()


def test_a_dump_is_read_by_its_copies_and_half_of_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = "COPY public.tc_devices (id, uniqueid, name) FROM stdin;\n1\ta\\\\b\t\\N\nhalf\n\\.\n"
    path = write(tmp_path, all__sql=dump) / "all.sql"
    source = Exported(path, UTC)
    assert source.devices() == [{"id": "1", "uniqueid": "a\\b", "name": None}] and source.broken == {"devices": 1}
    path.write_text(dump.replace("\\.\n", ""))
    with pytest.raises(Unreadable, match="ends in the middle of devices"):
        Exported(path, UTC).devices()
    path.write_text("INSERT INTO tc_devices VALUES (1);\n")
    with pytest.raises(Unreadable, match="tells no columns"):
        Exported(path, UTC).devices()
    path.write_text("nothing of it")
    with pytest.raises(Unreadable, match="no table of devices"):
        Exported(path, UTC)
    path.write_bytes(b"\x1f\x8b\x08\x00broken")
    with pytest.raises(Unreadable, match="damaged or cut off"):
        Exported(path, UTC)
    monkeypatch.setattr(exported, "MOST_JSON", 3)
    with pytest.raises(Unreadable, match="over 0 MiB"):
        Exported(write(tmp_path, devices__json="[   ]"), UTC).devices()
    (tmp_path / "devices.json").write_bytes(b"\x1f\x8b\x08\x00broken")
    with pytest.raises(Unreadable, match="devices: the file is damaged"):
        Exported(tmp_path, UTC).devices()


MYSQL = r"""
-- MySQL dump
CREATE TABLE `tc_devices` (
  `id` int NOT NULL AUTO_INCREMENT,
  `name` varchar(128) NOT NULL,
  `disabled` bit(1) DEFAULT b'0',
  `attributes` varchar(4000) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `tc_users` VALUES (1,'nobody;
');
INSERT INTO `tc_devices` VALUES (1,'Van; (1), \'s',_binary '\0','{\"x\":\"a \\\"q\"}'),(2,'O''Neil',b'1',NULL),(3,'x',0x01,'one;
two');
INSERT INTO `tc_devices` VALUES (4,'y');
"""
H2 = r"""
CREATE CACHED TABLE "PUBLIC"."TC_DEVICES"(
    "ID" INTEGER GENERATED BY DEFAULT AS IDENTITY(START WITH 1) NOT NULL,
    "NAME" CHARACTER VARYING(128) NOT NULL,
    "DISABLED" BOOLEAN,
    "ATTRIBUTES" CHARACTER VARYING(4000)
);
INSERT INTO "PUBLIC"."TC_DEVICES" VALUES
(1, U&'V\00e4n \\', FALSE, '{"x":"a \"q"}'),
(2, 'b\', TRUE, NULL);
"""
POSTGRES = """
INSERT INTO public.tc_devices (id, name, disabled, attributes) VALUES (1, 'it''s', false, '{"x":"a \\"q"}');
INSERT INTO public.tc_devices (id, name, disabled, attributes) VALUES (2, E'a\\nb', true, CAST('{}' AS text));
"""


@pytest.mark.parametrize(
    ("dump", "names", "flags", "broken"),
    [
        (MYSQL, ["Van; (1), 's", "O'Neil", "x"], [False, True, True], 1),
        (H2, ["V\u00e4n \\", "b\\"], [False, True], 0),
        (POSTGRES, ["it's", "a\nb"], [False, True], 0),
    ],
    ids=["mysqldump", "script", "pg_dump"],
)
def test_a_dump_of_inserts_is_read_as_its_database_writes_it(
    tmp_path: Path, dump: str, names: list[str], flags: list[bool], broken: int
) -> None:
    path = write(tmp_path, all__sql=dump) / "all.sql"
    source = Exported(path, UTC)
    rows = source.devices()
    assert [one["name"] for one in rows] == names and [flag_of(one, "disabled") for one in rows] == flags
    assert attributes_of(rows[0]) == {"x": 'a "q'} and source.broken == {"devices": broken}
    path.write_text(dump[: dump.rindex(";")])
    with pytest.raises(Unreadable, match="ends in the middle of devices"):
        Exported(path, UTC).devices()


def test_a_csv_of_mysql_doubles_no_quotes_and_its_batch_doubles_backslashes(tmp_path: Path) -> None:
    escaped = r'''"{\"x\":\"a \\\"q, \"}"'''
    write(
        tmp_path, tc_devices_202609010800__csv=f'id,name,model,attributes\n"1","a \\"b\\"",\\N,{escaped}\n"2","torn"\n'
    )
    source = Exported(tmp_path, UTC)
    [one] = source.devices()
    assert (one["name"], one["model"], attributes_of(one)) == ('a "b"', None, {"x": 'a "q, '})
    assert source.broken == {"devices": 1}
    assert attributes_of({"attributes": r'{"x":"a \\"q"}'}) == {"x": 'a "q'}


def test_a_region_is_that_of_a_geofence_by_what_it_was_there() -> None:
    row: dict[str, Any] = {"id": 3, "name": "Depot", "area": "CIRCLE (60 25,  10)"}
    changed = row | {"area": "CIRCLE (60 25, 20)"}
    feature = region_of(row)[1]

    def here(mark: str | None, **properties: Any) -> dict[str, Any]:
        attributes = {} if mark is None else {"traccar": mark}
        return feature | {"properties": feature["properties"] | properties | {"attributes": attributes}}

    export, asked = mark_of(row, ""), mark_of(row, "fleet.example:8082")
    assert is_of(here(export, name="Yard"), feature, asked) and is_of(here(asked, name="Yard"), feature, export)
    assert not is_of(here(export), feature, mark_of(changed, "")), "one that is called alike may be another"
    assert is_of(here(asked), feature, mark_of(changed, "fleet.example:8082")), "it was changed there since"
    assert not is_of(here(asked), feature, mark_of(changed, "other.example"))
    assert is_of(here(None), feature, export) and is_of(here(None, name="Yard"), feature, export)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://localhost:8082", ""), ("127.0.0.2:1", ""), ("http://[::1]/x", ""),
        ("https://a:b@Fleet.example:8082/x/", "fleet.example:8082"), ("fleet.example", "fleet.example"),
    ],
)  # fmt: skip
def test_an_address_says_which_traccar_it_is_unless_it_is_of_this_machine(url: str, origin: str) -> None:
    assert Asked(url, None, None, None, None, None, None, 0, print).origin == origin
