from __future__ import annotations

from typing import Any

from tests.support.scenario import START, box, feature, place
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

SQUARE = box(0, 0, 400, 300)
WEEK = {"zone": "UTC", "weekly": {"mon": [["08:00", "17:00"]]}}


def read(properties: Any = None, geometry: Any = SQUARE, id: str = "depot") -> Region:
    return Region.read_feature(feature(geometry) | {"properties": properties}, id=id, version=3, now=START)


def test_a_book_knows_who_covers_a_place() -> None:
    book = RegionBook()
    book.put(read(id="b"))
    book.put(read(id="a"))
    book.put(read({"rules": {"schedule": WEEK}}, id="day"))
    here = place(100, 100)
    assert list(book.covering(*here, START)) == ["a", "b", "day"]
    assert list(book.covering(*here, START + 9 * 3_600_000)) == ["a", "b"], "after five"
    book.put(read({}, box(1000, 0, 1400, 300), id="b"))
    assert list(book.covering(*here, START)) == ["a", "day"]
    assert book.remove("a") is not None
    assert book.remove("a") is None
    book.remove("day")
    assert list(book.covering(*here, START)) == []
    assert not book.scheduled


def test_a_book_knows_when_schedules_turn() -> None:
    book = RegionBook()
    assert book.next_change(START) is None
    book.put(read({"rules": {"schedule": WEEK}}, id="day"))
    book.put(read({"rules": {"schedule": {"zone": "UTC", "weekly": {"mon": [["10:00", "11:00"]]}}}}, id="coffee"))
    assert book.next_change(START) == START + 3_600_000
    assert book.is_quiet(START, START + 3_599_999)
    assert not book.is_quiet(START, START + 3_600_000)
    assert book.is_quiet(START + 3_600_000, START + 3_700_000)
