"""The newest state of each vehicle. A commit appends those it changed, as one value; now and then they are put into
`vehicles`, each once: there a commit of 100 vehicles would write nearly as many pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from tracker.model.commit import SavedVehicle
from tracker.stores.sqlite.rows import text

ROW_BITS = 40
ROWS = (1 << ROW_BITS) - 1
SLICE = 1000  #: vehicles that are put at once: a commit waits as long

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[SavedVehicle]).decode
_bodies = msgspec.json.Decoder(list[str])


def pack(vehicles: list[SavedVehicle]) -> bytes | None:
    return _encode(vehicles) if vehicles else None


def waiting(connection: sqlite3.Connection) -> dict[int, SavedVehicle]:
    """Those that may not be in `vehicles` yet, by number: of the newest turn, and of the one that may be being put."""
    newest = "SELECT body FROM states WHERE turn >= (SELECT max(turn) FROM states) - 1 ORDER BY turn, row"
    bodies = _bodies.decode(connection.execute(f"SELECT json_group_array(hex(body)) FROM ({newest})").fetchone()[0])
    return {saved.n: saved for body in bodies for saved in _decode(bytes.fromhex(body))}


class Waiting:
    """What the writer knows of it. A turn writes over the rows of the last but one, of which all is in its place."""

    def __init__(self, connection: sqlite3.Connection | None = None) -> None:
        self.newest: dict[int, SavedVehicle] = {}  # of this turn
        self._moving: list[SavedVehicle] = []  # of the last one: still to be put
        self._turn = self._row = 0
        self.count = 0  # appended in this turn
        self._whole = False  # what a crash left is of two turns: it is put at once
        if connection is not None:
            self.newest = waiting(connection)
            self.count, self._whole = len(self.newest), bool(self.newest)
            place = "SELECT turn, max(row) FROM states WHERE turn = (SELECT max(turn) FROM states)"
            turn, row = connection.execute(place).fetchone()
            self._turn, self._row = turn or 0, (row or 0) & ROWS

    def __bool__(self) -> bool:
        return bool(self.newest or self._moving)

    @property
    def place(self) -> tuple[int, int]:
        """(row, turn) of what is appended next: two turns share no row."""
        return (self._turn & 1) << ROW_BITS | self._row + 1, self._turn

    def take_states(self, vehicles: list[SavedVehicle]) -> None:
        """They were appended."""
        if vehicles:
            newest = self.newest
            for saved in vehicles:
                newest[saved.n] = saved
            self.count += len(vehicles)
            self._row += 1

    def put_some(self, connection: sqlite3.Connection) -> bool:
        """A few of the last turn, in a transaction of their own; begins a turn when there are none. Are there more?"""
        if self._whole:
            self.put_all(connection)
            return False
        if not self._moving:
            self._moving = sorted(self.newest.values(), key=lambda saved: saved.n)
            self._begin()
        put(connection, self._moving[:SLICE])
        del self._moving[:SLICE]
        return bool(self._moving)

    @property
    def moving(self) -> bool:
        return bool(self._moving)

    def all_with(self, vehicles: list[SavedVehicle]) -> Iterable[SavedVehicle]:
        """All that wait and these, which are newer."""
        return {saved.n: saved for some in (self._moving, self.newest.values(), vehicles) for saved in some}.values()

    def put_all(self, connection: sqlite3.Connection) -> None:
        put(connection, self.all_with([]))
        self.none_is_left()

    def none_is_left(self) -> None:
        self._moving = []
        self._whole = False
        self._begin()

    def _begin(self) -> None:
        self.newest, self.count = {}, 0
        self._turn, self._row = self._turn + 1, 0


def put(connection: sqlite3.Connection, vehicles: Iterable[SavedVehicle]) -> None:
    """Into `vehicles`, as one statement."""
    rows: list[tuple[int, str, int, int | None]] = []  # n, id, where its state begins, its length
    states: list[bytes] = []
    begin = 1
    for saved in sorted(vehicles, key=lambda saved: saved.n):
        rows.append((saved.n, saved.vehicle, begin, None if saved.state is None else len(saved.state)))
        states.append(saved.state or b"")
        begin += len(states[-1])
    connection.execute(
        """INSERT INTO vehicles(n, id, state)
            SELECT value ->> 0, value ->> 1, substr(?2, value ->> 2, value ->> 3) FROM json_each(?1)
            WHERE true ON CONFLICT(n) DO UPDATE SET state = excluded.state""",
        (text(rows), b"".join(states)),
    )


def forget(connection: sqlite3.Connection) -> None:
    """Also what earlier turns left."""
    connection.execute("DELETE FROM states")
