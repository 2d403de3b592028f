"""The log of pings, beside the rows that 0.1.0 left: one order of arrival, and nothing of what is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tracker.model.commit import APART, HELD, LATE, LIVE, StoredPing
from tracker.model.extra import extra_of
from tracker.model.ping import Ping
from tracker.stores import logged
from tracker.stores.arrived import Asked
from tracker.stores.sqlite import schema
from tracker.stores.sqlite.past import hot, log, questions

T0 = 1_790_000_000_000
NEVER = 1 << 60
BLOCK = 1 << hot.BLOCK_BITS
NAMES = {1: "van-1", 2: "van-2", 3: "van-3"}


def fix(n: int, time: int, *, received: int | None = None, taken: int = LIVE, **more: Any) -> StoredPing:
    ping = Ping(f"van-{n}", T0 + time, more.pop("lat", 60.1), more.pop("lon", 24.9), **more)
    return StoredPing(n, ping, T0 + (time if received is None else received), taken)


@pytest.fixture
def file() -> Iterator[sqlite3.Connection]:
    """A file of the schema before there was a log."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(";".join(schema.MIGRATIONS[:3]))
        connection.executemany("INSERT INTO vehicles(n, id) VALUES (?, ?)", NAMES.items())
        yield connection


@pytest.fixture
def new(file: sqlite3.Connection) -> sqlite3.Connection:
    upgrade(file)
    return file


def upgrade(file: sqlite3.Connection) -> None:
    file.executescript(";".join(schema.MIGRATIONS[3:]))


def keep(file: sqlite3.Connection, pings: list[StoredPing]) -> None:
    """As 0.1.0 did, but for the block that is full."""
    rows = []
    for one in pings:
        ping = one.ping
        steps = ((ping.speed_mps, 1e3), (ping.heading, 1e2), (ping.altitude_m, 1e2), (ping.accuracy_m, 1e2))
        told = [None if value is None else round(value * unit) for value, unit in steps]
        extra = extra_of(ping)
        place = (round(ping.lat * 1e7), round(ping.lon * 1e7))
        rows.append((one.n, ping.time, *place, *told, one.received_at, one.taken, extra and extra.decode()))
    file.executemany(
        """INSERT INTO hot(n, t, lat, lon, speed, heading, altitude, accuracy, received, taken, extra)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        rows,
    )


def append(file: sqlite3.Connection, pings: list[StoredPing]) -> None:
    values = (log.last_row(file) + 1, *logged.pack(pings))
    file.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def arrivals(file: sqlite3.Connection, **asked: Any) -> list[tuple[int, StoredPing]]:
    return [(row, one) for row, one, _ in questions.arrived(file, Asked(**asked)).pings(NAMES)]


def bytes_of(file: sqlite3.Connection) -> bytes:
    """All that the tables hold."""
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    values = (value for table in tables for row in file.execute(f"SELECT * FROM {table}") for value in row)
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


FULL: dict[str, Any] = {"driver": "Zoë", "alarm": "sos", "odometer_m": 12345678.9, "attributes": {"door": None, "x": 1}}
SOME = [
    fix(1, 0),
    fix(1, 1, lat=-90.0, lon=-180.0, speed_mps=0.0, heading=0.0, altitude_m=-12_000.0, accuracy_m=0.01),
    fix(2, 2, lat=90.0, lon=180.0, speed_mps=1000.0, heading=359.99, altitude_m=100_000.0, accuracy_m=10_000_000.0),
    fix(1, 3, altitude_m=-0.01, taken=HELD, received=9_999),
    fix(3, 946_684_800_000 - T0, received=4, taken=LATE, **FULL),
    fix(2, 5, lat=0.0, lon=0.0, taken=APART, alarm="sos"),
    fix(2, 6, battery_pct=81.25, ignition=False),
]


def test_a_ping_comes_back_as_it_was_committed(new: sqlite3.Connection) -> None:
    append(new, SOME)
    assert arrivals(new) == list(enumerate(SOME, 1))


@pytest.mark.parametrize("sizes", [(1 << 16, 1 << 13, 8), (3, 2, 0)], ids=["at once", "piece by piece"])
@pytest.mark.parametrize("old", [0, 9, 40], ids=["only the log", "both", "only what 0.1.0 left"])
def test_old_rows_and_the_log_answer_as_one(
    file: sqlite3.Connection, old: int, sizes: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in zip(("PIECE", "LIST", "FEW"), sizes, strict=True):
        monkeypatch.setattr(log, name, size)
    kinds = (LIVE, LATE, HELD, APART, LIVE)
    driven: list[dict[str, Any]] = [{}, {"driver": "Ann"}, {"attributes": {"n": 3}}]
    told = [
        fix(1 + at % 3, at * 7 % 20, received=at, taken=kinds[at % 5], lat=50 + at / 8, **driven[at % 3])
        for at in range(40)
    ]
    keep(file, told[:old])
    upgrade(file)
    for begin in range(old, 40, 4):
        append(file, told[begin : begin + 4])
    rows = list(enumerate(told, 1))
    assert arrivals(file) == rows
    for after, limit in ((0, 3), (6, 5), (8, 1), (11, 20), (39, 9), (40, 9)):
        assert arrivals(file, after=after, limit=limit) == [one for one in rows if one[0] > after][:limit]
    assert arrivals(file, after=3, below=23) == rows[3:22]
    assert arrivals(file, numbers=frozenset({2, 3}), came_since=T0 + 5, came_until=T0 + 30) == [
        one for one in rows[5:30] if one[1].n in (2, 3)
    ]
    assert (
        arrivals(file, since=T0 + 4, until=T0 + 9, apart=False, limit=5)
        == [one for one in rows if 4 <= one[1].ping.time - T0 < 9 and one[1].taken != APART][:5]
    )
    first = {one.ping.time: one for one in reversed(told) if one.n == 2 and one.taken != APART}
    whole = [first[time] for time in sorted(first)]
    assert questions.track(file, 2, 0, NEVER, None, 100) == whole
    assert questions.track(file, 2, T0 + 2, T0 + 18, whole[1].ping.time, 3) == whole[2:5]
    assert questions.columns(file, 2, T0 + 3, T0 + 12).pings("van-2", 2) == questions.track(
        file, 2, T0 + 3, T0 + 12, None, 99
    )
    asked = [(n, T0 + time) for n in (1, 2, 3, 4) for time in range(0, 20, 3)]
    known = {(one.n, one.ping.time): (one.ping.lat, one.ping.lon) for one in reversed(told) if one.taken != APART}
    assert questions.fixes_at(file, asked) == {key: known[key] for key in asked if key in known}
    for most in (1, 7, 8, 25, 40):
        looked = [one for one in told if one.taken != APART and one.received_at >= T0 + 3][:most]
        inside = {one.n for one in looked if max(x.ping.lat for x in looked if x.n == one.n) >= 52}
        assert questions.passed(file, (20.0, 52.0, 30.0, 60.0), T0 + 3, most) == inside


def test_every_row_that_0_1_0_left_is_found_whatever_of_it_was_in_a_block(file: sqlite3.Connection) -> None:
    """A vehicle whose only fix opens a block, one whose only fix closes it; no block was closed since a crash."""
    told = [fix(1, at) for at in range(BLOCK + 10)]
    told[BLOCK - 2], told[BLOCK - 1] = fix(2, 5), fix(3, 6)  # they count from 1
    keep(file, told)
    upgrade(file)
    append(file, [fix(2, 7)])
    assert file.execute("SELECT group_concat(n) FROM hot WHERE row IN (?, ?)", (BLOCK - 1, BLOCK)).fetchone() == (
        "2,3",
    )
    assert questions.track(file, 2, 0, NEVER, None, 10) == [told[BLOCK - 2], fix(2, 7)]
    assert questions.track(file, 3, 0, NEVER, None, 10) == [told[BLOCK - 1]]
    assert len(questions.track(file, 1, 0, NEVER, None, NEVER)) == BLOCK + 8
    assert set(questions.fixes_at(file, [(2, T0 + 5), (3, T0 + 6)])) == {(2, T0 + 5), (3, T0 + 6)}


def test_blocks_that_were_closed_are_not_closed_again(file: sqlite3.Connection) -> None:
    keep(file, [fix(1, at) for at in range(BLOCK + 1)])
    file.execute("INSERT INTO zones SELECT 0, n, min(t), max(t) FROM hot WHERE row < ? GROUP BY n", (BLOCK,))
    file.execute("INSERT INTO blocks SELECT 0, min(t), max(t), max(received) FROM hot WHERE row < ?", (BLOCK,))
    upgrade(file)
    spans = [(0, T0, T0 + BLOCK - 2), (1, T0 + BLOCK - 1, T0 + BLOCK)]
    assert file.execute("SELECT block, t0, t1 FROM blocks").fetchall() == spans
    assert file.execute("SELECT block, t0, t1 FROM zones WHERE n = 1").fetchall() == spans


def test_of_an_erased_vehicle_no_table_holds_anything(file: sqlite3.Connection) -> None:
    secret: dict[str, Any] = {"lat": 11.2233445, "driver": "Ms Distinct", "attributes": {"hidden": "Utterly"}}
    keep(file, [fix(1, 0), fix(2, 1, **secret)])
    upgrade(file)
    append(file, [fix(2, 2, **secret), fix(1, 3, driver="Ann"), fix(2, 4, received=77_777_777, **secret)])
    append(file, [fix(3, 5)])
    append(file, [fix(2, 6, **secret)])
    traces = [b"Distinct", b"Utterly", str(round(secret["lat"] * 1e7)).encode(), (112_233_445).to_bytes(4, "little")]
    assert all(trace in bytes_of(file) for trace in traces)
    log.erase(file, [2])
    hot.erase(file, [2])
    assert not [trace for trace in traces if trace in bytes_of(file)]
    assert (T0 + 77_777_777).to_bytes(8, "little") not in bytes_of(file)
    assert arrivals(file) == [(1, fix(1, 0)), (4, fix(1, 3, driver="Ann")), (6, fix(3, 5))]
    append(file, [fix(1, 8)])
    assert arrivals(file, after=6) == [(8, fix(1, 8))], "rows keep their numbers"


@pytest.mark.parametrize("old", [0, 6])
def test_what_is_dropped_is_gone_and_its_numbers_are_never_given_again(file: sqlite3.Connection, old: int) -> None:
    told = [fix(1 + at % 2, at, driver=None if at % 3 else f"d{at}") for at in range(18)]
    keep(file, told[:old])
    upgrade(file)
    for begin in range(old, 18, 6):
        append(file, told[begin : begin + 6])
    rows = list(enumerate(told, 1))
    for below in (1, 4, 7, 9, 16, 19):
        hot.drop(file, below)
        log.drop(file, below)
        assert arrivals(file) == [one for one in rows if one[0] >= below]
        assert questions.track(file, 1, 0, NEVER, None, 100) == [
            one for row, one in rows if row >= below and one.n == 1
        ]
    assert log.last_row(file) == 18
    assert file.execute("SELECT count(*) FROM hot").fetchone() == (0,)
    append(file, [fix(3, 100)])
    assert arrivals(file) == [(19, fix(3, 100))]
    log.drop(file, 19)
    assert arrivals(file) == [(19, fix(3, 100))]


def test_a_body_that_is_not_as_it_was_written_is_no_answer(new: sqlite3.Connection) -> None:
    append(new, [fix(1, 0)])
    for change in ("body = x'02' || substr(body, 2)", "numbers = numbers || numbers"):
        new.execute("BEGIN")
        new.execute(f"UPDATE log SET {change}")
        with pytest.raises(sqlite3.DatabaseError, match="not as they were written"):
            arrivals(new)
        new.execute("ROLLBACK")
