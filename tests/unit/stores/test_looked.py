"""What is unpacked of tracks for whoever is told their outlines first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from tests.support.scenario import box, place
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.history.inside import Visit, inside
from tracker.history.meeting import Meeting
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.outline import BLOCK
from tracker.model.ping import Ping
from tracker.stores import packing
from tracker.stores.segments import steps
from tracker.stores.sqlite import schema
from tracker.stores.sqlite.past import looked, packed

YARD = read_shape(box(0, 0, 400, 300))
DAY = 86_400_000
FIRST = 20_780
LIMITS = FleetSettings()


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join(schema.MIGRATIONS) + f"UPDATE compacted SET below = {1 << 40}")
        yield connection


def driven(*spots: tuple[float, float], begin: int, every_ms: int = 1000) -> Columns:
    told = [Ping("", begin + at * every_ms, *place(*spot)) for at, spot in enumerate(spots)]
    return Columns.from_pings([StoredPing(1, one, one.time) for one in told])


def visits(connection: sqlite3.Connection, *days: Columns) -> tuple[list[Visit], list[Visit], Any]:
    """As they are found of what is read, and of all; and how many fixes are read."""
    packed.replace(connection, [], [packing.pack(1, int(one.time[0]) // DAY, one) for one in days])
    span = FIRST * DAY, (FIRST + 3) * DAY
    [track] = looked.excerpts(connection, [(1, *span)], Meeting(YARD, *span, LIMITS))
    whole = Columns.from_arrays(
        (
            np.concatenate([getattr(one, name) for one in days])
            for name in Columns.__dataclass_fields__
            if name != "extra"
        ),
        {},
    )
    return list(inside(YARD, track, *span, LIMITS)), list(inside(YARD, whole, *span, LIMITS)), len(track.fixes)


def test_of_a_day_only_the_blocks_near_a_shape_are_read(connection: sqlite3.Connection) -> None:
    spots = [(2000 + at % 7, 100) for at in range(BLOCK * 5)]
    spots[BLOCK * 2 + 9 : BLOCK * 2 + 200] = [(200 + at % 3, 100 + at % 5) for at in range(191)]
    told, all_of_it, read = visits(connection, driven(*spots, begin=FIRST * DAY, every_ms=60_000 // 2))
    assert (told, len(told), read) == (all_of_it, 1, 2 * BLOCK)


def test_of_days_inside_the_first_block_and_the_last_are_read(connection: sqlite3.Connection) -> None:
    days = [driven(*[(200 + at % 3, 100 + at % 5) for at in range(BLOCK * 4)], begin=(FIRST + n) * DAY) for n in (0, 1)]
    told, all_of_it, read = visits(connection, *days)
    assert (told, told[0].fixes, told[0].silent_ms) == (all_of_it, BLOCK * 8, DAY - (BLOCK * 4 - 1) * 1000)
    assert read == 3 * BLOCK


def test_who_passes_through_at_midnight_is_found_by_the_line_between_two_segments(
    connection: sqlite3.Connection,
) -> None:
    evening = driven(*[(-500 - at % 3, 100) for at in range(BLOCK * 3)], begin=(FIRST + 1) * DAY - BLOCK * 3 * 1000)
    morning = driven(*[(900 + at % 3, 100) for at in range(BLOCK * 3)], begin=(FIRST + 1) * DAY + 30_000)
    told, all_of_it, read = visits(connection, evening, morning)
    assert (told, len(told), read) == (all_of_it, 1, 2 * BLOCK)


@pytest.mark.parametrize("near", [1, 4])
def test_no_place_is_unpacked_twice_be_it_of_few_blocks_or_of_most(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    unpacked: list[int] = []
    real = steps

    def counted(begin: bytes, blocks: list[int], found: Any) -> None:
        unpacked.extend(blocks)
        real(begin, blocks, found)

    monkeypatch.setattr(looked, "steps", counted)
    spots = [(2000.0 + at % 7, 100.0 + at % 2) for at in range(BLOCK * 5)]
    for block in range(near):
        spots[BLOCK * block + 9 : BLOCK * block + 200] = [(200.0, 100.0 + at % 5) for at in range(191)]
    told, all_of_it, read = visits(connection, driven(*spots, begin=FIRST * DAY, every_ms=30_000))
    assert (told, len(told), read) == (all_of_it, near, (near + 1) * BLOCK)
    assert unpacked == [*range(near + 1)]
