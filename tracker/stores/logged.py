"""The pings of a commit as a row of the log keeps them: whose they are, and a body.

`numbers` holds whose they are (4 bytes each). `body` begins with a codec byte; of codec 1 follow records of fixed
length (RECORD). Attributes are apart in `extra`: JSON [[place in the row, {...}], ...].
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.model.columns import NO_ALTITUDE, NOT_SAID, Columns
from tracker.model.commit import StoredPing
from tracker.model.extra import extra_of

CODEC = b"\x01"
NUMBER = np.dtype("<u4")
#: packed; in the units and with the absent values of `Columns`
RECORD = np.dtype(
    [
        ("time", "<i8"), ("received", "<i8"), ("taken", "i1"), ("lat", "<i4"), ("lon", "<i4"),
        ("speed", "<i4"), ("heading", "<i4"), ("altitude", "<i4"), ("accuracy", "<i4"),
    ]
)  # fmt: skip

_pack = struct.Struct("<qqbiiiiii").pack
_extra = msgspec.json.Decoder(list[tuple[int, msgspec.Raw]])

Row = tuple[int, int, int, int, int, bytes, bytes, str | None]


def pack(pings: Sequence[StoredPing]) -> Row:
    """The columns of a row after its number: count, r0, r1, t0, t1, numbers, body, extra."""
    records = [CODEC]
    add = records.append
    numbers: list[int] = []
    extras: list[bytes] = []
    r0 = t0 = 1 << 62
    r1 = t1 = -r0
    for stored in pings:
        ping, received = stored.ping, stored.received_at
        time, speed, heading = ping.time, ping.speed_mps, ping.heading
        altitude, accuracy = ping.altitude_m, ping.accuracy_m
        if received > r1:
            r1 = received
        if received < r0:
            r0 = received
        if time > t1:
            t1 = time
        if time < t0:
            t0 = time
        add(
            _pack(
                time,
                received,
                stored.taken,
                round(ping.lat * 1e7),
                round(ping.lon * 1e7),
                NOT_SAID if speed is None else round(speed * 1e3),
                NOT_SAID if heading is None else round(heading * 1e2),
                NO_ALTITUDE if altitude is None else round(altitude * 1e2),
                NOT_SAID if accuracy is None else round(accuracy * 1e2),
            )
        )
        if (extra := extra_of(ping)) is not None:
            extras.append(b"[%d,%b]" % (len(numbers), extra))
        numbers.append(stored.n)
    return len(numbers), r0, r1, t0, t1, bytes_of(numbers), b"".join(records), extras_of(extras)


def bytes_of(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def extras_of(extras: list[bytes]) -> str | None:
    return "[" + b",".join(extras).decode() + "]" if extras else None


assert len(_pack(*[0] * 9)) == RECORD.itemsize


def columns_of(row: npt.NDArray[np.int64], records: npt.NDArray[Any], extra: dict[int, bytes]) -> Columns:
    one = {name: np.ascontiguousarray(records[name]) for name in RECORD.names or ()}
    return Columns(row=row, extra=extra, **one)


def extras_in(extra: str | None) -> list[tuple[int, bytes]]:
    return [] if extra is None else [(at, bytes(one)) for at, one in _extra.decode(extra)]
