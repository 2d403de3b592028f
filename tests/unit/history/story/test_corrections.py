"""What people said was otherwise than told: kept, in force until it is taken back, and told with who and why."""

from __future__ import annotations

import msgspec
import numpy as np

from tests.support.rounds import columns_of, driven
from tracker.history.story.corrections import (
    JOIN_TRIPS,
    MOVE_STOP,
    WRONG_FIXES,
    Correction,
    Corrections,
    TakenBack,
    deciding,
    is_wrong,
    right,
    without,
)
from tracker.model.events import Event
from tracker.model.records import Record

WRONG = Correction("c1", "van", WRONG_FIXES, 1000, 3000, "under a bridge", "ada", 9000)
MOVED = Correction("c2", "van", MOVE_STOP, 5000, 7000, "he left later", "bob", 8000, None, 7500)
JOINED = Correction("c3", "bus", JOIN_TRIPS, 0, 60_000, "a ferry", "ada", 9000)


def all_of(*some: Correction) -> Corrections:
    corrections = Corrections()
    corrections.take([Record("user", "ada", 1, {"name": "ada"}), *(corrections.saved(one) for one in some)])
    return corrections


def event(time: int, kind: str = "enter", **detail: object) -> Event:
    return Event("e1", kind, "van", time, time, "moved", 60.0, 24.0, "yard", detail=detail)


def test_corrections_are_kept_in_the_order_they_were_made_and_hold_until_taken_back() -> None:
    corrections = all_of(WRONG, MOVED, JOINED)
    assert sorted(corrections.vehicles()) == ["bus", "van"]
    assert corrections.said_of("van") == [MOVED, WRONG]
    assert corrections.said_of("tram") == []
    assert corrections.standing("van", 0, 10_000) == [MOVED, WRONG]
    back = msgspec.structs.replace(WRONG, taken_back=TakenBack("bob", 9500, "it was none"))
    saved = corrections.saved(back)
    assert saved.version == 2
    corrections.take([saved])
    assert corrections.said_of("van") == [MOVED, back]
    assert corrections.standing("van", 0, 10_000) == [MOVED]
    assert corrections.wrong("van") == []
    assert back.as_json()["taken_back"] == {"by": "bob", "at": "1970-01-01T00:00:09.500Z", "why": "it was none"}


def test_nothing_is_left_of_what_was_said_of_a_vehicle_that_is_erased() -> None:
    corrections = all_of(WRONG, MOVED, JOINED)
    gone = corrections.gone("van")
    assert [(one.key, one.version, one.body, one.lasting) for one in gone] == [
        ("c2", 2, None, False),
        ("c1", 2, None, False),
    ]
    corrections.take(corrections.gone("van", lambda one: one.until <= 3000))
    assert corrections.said_of("van") == [MOVED]
    corrections.take(gone)
    assert corrections.vehicles() == ["bus"]
    assert corrections.saved(WRONG).version == 1


def test_a_correction_reaches_from_what_was_told_to_what_is_known() -> None:
    assert (MOVED.target, MOVED.reach) == ((5000, 7500), (5000, 7500))
    earlier = msgspec.structs.replace(MOVED, new_since=4000, new_until=4500)
    assert (earlier.target, earlier.reach) == ((4000, 4500), (4000, 7000))
    assert [earlier.touches(*span) for span in ((3000, 4000), (3000, 4001), (6999, 9000), (7000, 9000))] == [
        False,
        True,
        True,
        False,
    ]


def test_the_same_said_again_by_the_same_person_is_the_same() -> None:
    assert WRONG.says_as(msgspec.structs.replace(WRONG, id="c9", at=9999))
    assert not WRONG.says_as(msgspec.structs.replace(WRONG, by="bob"))
    assert not WRONG.says_as(msgspec.structs.replace(WRONG, why="in a tunnel"))


def test_a_correction_is_told_with_times_and_only_the_new_ones_there_are() -> None:
    told = MOVED.as_json()
    assert told == {
        "id": "c2",
        "vehicle": "van",
        "what": "move_stop",
        "from": "1970-01-01T00:00:05.000Z",
        "until": "1970-01-01T00:00:07.000Z",
        "new_until": "1970-01-01T00:00:07.500Z",
        "why": "he left later",
        "by": "bob",
        "at": "1970-01-01T00:00:08.000Z",
        "taken_back": None,
    }
    assert msgspec.structs.replace(MOVED, new_since=0).as_json()["new_from"] == "1970-01-01T00:00:00.000Z"


def test_wrong_fixes_are_those_of_half_open_spans() -> None:
    corrections = all_of(WRONG, MOVED, JOINED)
    assert corrections.wrong("van") == [(1000, 3000)]
    assert corrections.wrong("tram") == []
    assert corrections.wrong_within(2999, 5000) == {"van"}
    assert corrections.wrong_within(3000, 5000) == set()
    times = np.array([999, 1000, 2999, 3000])
    assert right(times, corrections.wrong("van")).tolist() == [True, False, False, True]
    assert [is_wrong(int(time), [(1000, 3000)]) for time in times] == [False, True, True, False]
    columns = columns_of(driven((60, 0)))
    first = int(columns.time[0])
    assert without(columns, []) is columns
    assert without(columns, [(first, first + 1)]).time.tolist() == columns.time[1:].tolist()


def test_an_event_is_doubted_by_who_says_that_a_fix_is_wrong_that_decided_it() -> None:
    corrections = all_of(WRONG, MOVED)
    note = {"id": "c1", "what": "wrong_fixes", "by": "ada", "at": "1970-01-01T00:00:09.000Z", "why": "under a bridge"}
    assert corrections.doubts(event(2000)) == [note]
    assert corrections.doubts(event(3000)) == []
    assert corrections.doubts(event(3000, why={"from": {"time": 2900}, "to": {"time": 3100}})) == [note]
    assert corrections.doubts(event(2000, why={"to": {"time": 900}})) == []
    assert corrections.doubts(event(2000, kind="silent")) == []
    assert deciding(event(2000, kind="silent")) == []
    assert all_of(JOINED).doubts(event(2000)) == []
