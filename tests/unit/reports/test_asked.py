"""What the process that draws a report is told."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tracker.model.columns import TYPES, Columns
from tracker.model.commit import HELD, LIVE, StoredPing
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.reports.asked import DAY_MS, Asked, Befell, Heard, Message, Whole, next_message, packed

MONDAY = 20_780 * DAY_MS
SAID = [
    StoredPing(7, Ping("van-7", MONDAY + 1000, 60.17, 24.94, 12.5, 90.0, driver="Zoë"), MONDAY + 1250, LIVE),
    StoredPing(7, Ping("van-7", MONDAY + 2000, -33.9, -180.0, altitude_m=-3.2), MONDAY + 9000, HELD),
]
MESSAGES: list[Message] = [
    Asked(MONDAY, MONDAY + DAY_MS, MONDAY + DAY_MS, "Asia/Tokyo", "imperial", "trucks", True, 50.0, ({"id": "yard"},)),
    Heard.told_of("van-7", "Vän", "trucks", Columns.from_pings(SAID)),
    Heard.told_of("mute", None, None, Columns.from_pings([])),
    Befell([Event("e1", "enter", "van-7", MONDAY, MONDAY, "moved", 60.17, 24.94, "yard", detail={"n": 1})]),
    Whole(),
]


def test_messages_are_read_back_one_after_the_other_until_there_is_none() -> None:
    said = io.BytesIO(b"".join(map(packed, MESSAGES)))
    assert [next_message(said) for _ in MESSAGES] == MESSAGES
    with pytest.raises(EOFError):
        next_message(said)


@pytest.mark.parametrize("kept", [0, 3, 4, -1])
def test_a_message_that_was_cut_is_the_end(kept: int) -> None:
    with pytest.raises(EOFError):
        next_message(io.BytesIO(packed(MESSAGES[0])[:kept]))


def test_the_fixes_of_a_vehicle_arrive_as_they_are_stored() -> None:
    heard = next_message(io.BytesIO(packed(MESSAGES[1])))
    assert isinstance(heard, Heard)
    assert heard.columns.pings("van-7", 7) == SAID
    assert {name: getattr(heard.columns, name).dtype.str for name in TYPES} == {
        name: getattr(Columns.from_pings(SAID), name).dtype.str for name in TYPES
    }
    nothing = MESSAGES[2]
    assert isinstance(nothing, Heard) and len(nothing.columns) == 0


@pytest.mark.parametrize(
    ("since", "until", "zone", "title"),
    [
        (0, DAY_MS, None, "Fleet report 2026-11-23"),
        (0, DAY_MS + 1, None, "Fleet report 2026-11-23 to 2026-11-24"),
        (0, DAY_MS, "Asia/Tokyo", "Fleet report 2026-11-23 to 2026-11-24"),
        (-9 * 3_600_000, 15 * 3_600_000, "Asia/Tokyo", "Fleet report 2026-11-23"),
    ],
)
def test_a_title_names_the_days_of_the_zone_that_is_asked_for(since: int, until: int, zone: Any, title: str) -> None:
    assert Asked(MONDAY + since, MONDAY + until, MONDAY + until, zone).title == title
