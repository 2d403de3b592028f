"""The newest state of each vehicle. A commit appends those it changed, as one value; now and then they are put into
`vehicles`, each once: there a commit of 100 vehicles would write nearly as many pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from tracker.model.commit import SavedVehicle
from tracker.stores.sqlite.rows import text

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[SavedVehicle]).decode
_bodies = msgspec.json.Decoder(list[str])


def pack(vehicles: list[SavedVehicle]) -> bytes | None:
    return _encode(vehicles) if vehicles else None


def place(connection: sqlite3.Connection) -> tuple[int, int]:
    """The newest turn, and its last row."""
    newest = "SELECT coalesce(max(turn), 1) FROM states"
    turn, row = connection.execute(
        f"SELECT ({newest}), coalesce(max(row), 0) FROM states WHERE turn = ({newest})"
    ).fetchone()
    return turn, row


def waiting(connection: sqlite3.Connection) -> dict[int, SavedVehicle]:
    """Those that may not be in `vehicles` yet, by number."""
    newest = "SELECT body FROM states WHERE turn = (SELECT max(turn) FROM states) ORDER BY row"
    bodies = _bodies.decode(connection.execute(f"SELECT json_group_array(hex(body)) FROM ({newest})").fetchone()[0])
    return {saved.n: saved for body in bodies for saved in _decode(bytes.fromhex(body))}


def put(connection: sqlite3.Connection, vehicles: Iterable[SavedVehicle]) -> None:
    """Into `vehicles`: all that wait. Whoever calls begins another turn, or forgets all rows (`forget`)."""
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
