"""Between the structs of the port and the integers and JSON of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tracker.model.commit import SavedVehicle, StoredPing
from tracker.model.extra import Extra, extra_of, with_extra
from tracker.model.ping import Ping

PIECE_BYTES = 2 << 20  #: of JSON in one statement

_encode = msgspec.json.Encoder().encode


#: a row of `hot` as the reading statements build it: [row, n, t, lat, lon, speed, heading, altitude, accuracy,
#: received, taken, extra]
HOT = "json_array(row, n, t, lat, lon, speed, heading, altitude, accuracy, received, taken, json(extra))"
HotRow = tuple[
    int, int, int, int, int, int | None, int | None, int | None, int | None, int, int, Extra | None
]  # fmt: skip


def text(value: Any) -> str | None:
    """As JSON; nothing for nothing, which `json_each` reads as no rows."""
    return _encode(value).decode() if value else None


def text_pieces(values: Iterable[Any]) -> Iterator[str]:
    """The same of a list that may be long, as several lists: of thousands of regions one text would keep the GIL for a
    second, and be held four times over before it is written."""
    found: list[bytes] = []
    size = 0
    for value in values:
        found.append(_encode(value))
        size += len(found[-1])
        if size > PIECE_BYTES:
            yield f"[{b','.join(found).decode()}]"
            found, size = [], 0
    if found:
        yield f"[{b','.join(found).decode()}]"


def hot_rows(pings: Iterable[StoredPing]) -> list[tuple[Any, ...]]:
    """One tuple a ping, as the writing statement takes them."""
    rows = []
    for stored in pings:
        ping = stored.ping
        speed, heading, altitude, accuracy = ping.speed_mps, ping.heading, ping.altitude_m, ping.accuracy_m
        rows.append(
            (
                stored.n,
                ping.time,
                round(ping.lat * 1e7),
                round(ping.lon * 1e7),
                None if speed is None else round(speed * 1e3),
                None if heading is None else round(heading * 1e2),
                None if altitude is None else round(altitude * 1e2),
                None if accuracy is None else round(accuracy * 1e2),
                stored.received_at,
                stored.taken,
                None if (extra := extra_of(ping)) is None else extra.decode(),
            )
        )
    return rows


def stored_ping(row: HotRow, vehicle: str) -> StoredPing:
    _, n, time, lat, lon, speed, heading, altitude, accuracy, received, taken, extra = row
    ping = Ping(
        vehicle,
        time,
        lat / 1e7,
        lon / 1e7,
        None if speed is None else speed / 1e3,
        None if heading is None else heading / 1e2,
        None if altitude is None else altitude / 1e2,
        None if accuracy is None else accuracy / 1e2,
    )
    if extra is not None:
        ping = with_extra(ping, extra)
    return StoredPing(n, ping, received, taken)


def vehicle_rows(vehicles: Iterable[SavedVehicle]) -> tuple[list[tuple[int, str, int, int | None]], bytes]:
    """Rows [n, id, begin, length] and the states they point into: JSON cannot carry bytes."""
    rows: list[tuple[int, str, int, int | None]] = []
    states: list[bytes] = []
    begin = 1
    for saved in vehicles:
        if saved.state is None:
            rows.append((saved.n, saved.vehicle, 1, None))
            continue
        rows.append((saved.n, saved.vehicle, begin, len(saved.state)))
        states.append(saved.state)
        begin += len(saved.state)
    return rows, b"".join(states)
