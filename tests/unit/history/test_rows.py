"""Rows: visits as JSON and as CSV."""

from __future__ import annotations

import csv
import io

from tests.support.scenario import START
from tracker.history import rows
from tracker.history.inside import BEYOND, CROSSED, FIX, End, Visit

WHOLE = Visit(
    End(CROSSED, START, (60.123456789, 24.9)),
    End(FIX, START + 90_500, (60.2, 25.0)),
    START,
    START + 90_500,
    7,
    False,
    30_250,
)
OPEN = Visit(End(BEYOND), End(CROSSED, START + 5000, (1.0, 2.0)), START, START + 5000, 0, True, 5000)


def test_a_visit_says_when_where_and_how_it_began_and_ended() -> None:
    assert rows.as_json("van", WHOLE) == {
        "vehicle": "van",
        "entered_at": "2026-11-23T09:00:00.000Z",
        "exited_at": "2026-11-23T09:01:30.500Z",
        "duration_s": 90.5,
        "fixes": 7,
        "passed_through": False,
        "silent_s": 30.25,
        "entry": {"how": "crossed", "lat": 60.1234568, "lon": 24.9},
        "exit": {"how": "fix", "lat": 60.2, "lon": 25.0},
    }


def test_an_end_beyond_what_was_asked_for_has_neither_time_nor_place() -> None:
    told = rows.as_json("van", OPEN)
    assert told["entered_at"] is None
    assert told["entry"] == {"how": "beyond", "lat": None, "lon": None}
    assert (told["exited_at"], told["duration_s"]) == ("2026-11-23T09:00:05.000Z", 5.0)


def test_a_row_of_csv_says_the_same_and_holds_no_formula() -> None:
    table = rows.header() + b"".join(rows.as_csv(rows.as_json(*one)) for one in (("=van", WHOLE), ("van", OPEN)))
    first, second = csv.DictReader(io.StringIO(table.decode()))
    assert first == {
        "vehicle": "'=van",
        "entered_at": "2026-11-23T09:00:00.000Z",
        "exited_at": "2026-11-23T09:01:30.500Z",
        "duration_s": "90.5",
        "fixes": "7",
        "passed_through": "false",
        "silent_s": "30.25",
        "entry": "crossed",
        "entry_lat": "60.1234568",
        "entry_lon": "24.9",
        "exit": "fix",
        "exit_lat": "60.2",
        "exit_lon": "25.0",
    }
    assert (second["vehicle"], second["entered_at"], second["passed_through"]) == ("van", "", "true")
    assert (second["entry"], second["entry_lat"], second["exit_lon"]) == ("beyond", "", "2.0")
