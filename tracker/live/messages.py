"""Every message the live channel sends, in both encodings. Mirror: static/js/wire.js; docs/wire.md tells strangers.

`tracker.v1.json`: one JSON object a message. `tracker.v1.bin`: the same, but the `moved` rows of an update travel as
columns (columns.py), the vehicles of a snapshot as a table (tables.py). Coordinates are integers of
1e-6 degree, speeds of 0.1 m/s, accuracies of 0.1 m; `when`, `heard` and `since` are milliseconds after `t0` of the
welcome; -1 or null is unknown.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import msgspec

from tracker.live.columns import Row
from tracker.live.tables import pack_table, unpack_table
from tracker.model.change import Acked, Registered, VehicleState
from tracker.model.coarse import middle_e6
from tracker.model.events import ERASED, Event
from tracker.model.ping import has_place
from tracker.times import rfc3339

UPDATE, SNAPSHOT = 1, 2  #: how a binary message begins
JSON, BINARY = "tracker.v1.json", "tracker.v1.bin"
SUBPROTOCOLS = (JSON, BINARY)
CURSOR = 36  #: characters

#: the columns of a vehicle in snapshots and in `new`
FIELDS = (
    "n", "vehicle", "name", "when", "lat_e6", "lon_e6", "speed_dmps", "heading", "state", "heard", "since", "group",
    "kind", "accuracy_dm", "held", "plate",
)  # fmt: skip

#: why a vehicle is in `left`
LEFT = {
    "view": "it went out of the cells of the view",
    "region": "it went out of the followed region, or the region is gone",
    "stale": "it has not been heard of for so long that it is not live any more",
    "removed": "it was deleted",
    "revoked": "you may not see it any more",
}


# ---------------------------------------------------------------- parts


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def moved_row(state: VehicleState, t0: int) -> Row:
    ping = state.ping
    speed, heading = ping.speed_mps, ping.heading
    return Row(
        state.n,
        ping.time - t0,
        round(ping.lat * 1e6),
        round(ping.lon * 1e6),
        -1 if speed is None else round(speed * 10),
        -1 if heading is None else round(heading) % 360,
        state.state,
    )


def coarse_row(state: VehicleState, t0: int, cell_m: float) -> Row:
    """The same at the middle of a cell of this size."""
    ping = state.ping
    speed = ping.speed_mps
    lat_e6, lon_e6 = middle_e6(ping.lat, ping.lon, cell_m) if has_place(ping) else (0, 0)
    return Row(state.n, ping.time - t0, lat_e6, lon_e6, -1 if speed is None else round(speed * 10), -1, state.state)


def exit_row(n: int, exit: Event, newest: Row, t0: int) -> Row:
    """Where an exit was decided: the newest row, unless a later fix came with it."""
    if newest.when == exit.time - t0:
        return newest
    return Row(n, exit.time - t0, round(exit.lat * 1e6), round(exit.lon * 1e6), -1, -1, newest.state)


def moved_text(row: Row) -> bytes:
    return b"[%d,%d,%d,%d,%d,%d,%d]" % row


def new_row(state: VehicleState, entry: Registered | None, t0: int) -> list[Any]:
    """One vehicle in the order of FIELDS."""
    ping, held = state.ping, state.held
    moved = moved_row(state, t0)
    return [
        state.n,
        ping.vehicle,
        entry.name if entry else None,
        *moved[1:],
        state.received_at - t0,
        state.since - t0 if state.since else None,
        entry.group if entry else None,
        entry.kind if entry else None,
        -1 if ping.accuracy_m is None else round(ping.accuracy_m * 10),
        None if held is None else [held.time - t0, round(held.lat * 1e6), round(held.lon * 1e6)],
        entry.plate if entry else None,
    ]


def event(happened: Event) -> dict[str, Any]:
    """An event as it is told outside: details beside the rest, times as RFC 3339."""
    if happened.kind == ERASED:
        return {"seq": happened.seq, "id": happened.id, "kind": ERASED, "time": rfc3339(happened.time)}
    told: dict[str, Any] = {
        "seq": happened.seq,
        "id": happened.id,
        "kind": happened.kind,
        "vehicle": happened.vehicle,
    }
    if happened.region is not None:
        told["region"] = happened.region
    told |= {
        "time": rfc3339(happened.time),
        "received_at": rfc3339(happened.received_at),
        "reason": happened.reason,
        "lat": happened.lat,
        "lon": happened.lon,
        "delayed": happened.delayed,
    }
    if happened.version is not None:
        told["version"] = happened.version
    for name, value in happened.detail.items():
        told.setdefault(name, _told(name, value))
    if happened.ack is not None:
        told["ack"] = {"by": happened.ack.by, "at": rfc3339(happened.ack.at)}
    return told


def _told(name: str, value: Any) -> Any:
    """A detail as it is told outside, those within it too."""
    if isinstance(value, dict):
        return {inner: _told(inner, one) for inner, one in value.items()}
    return rfc3339(value) if isinstance(value, int) and (name == "time" or name.endswith("_at")) else value


def acked(ack: Acked) -> dict[str, Any]:
    return {"id": ack.id, "by": ack.by, "at": rfc3339(ack.at)}


def register_entry(entry: Registered) -> dict[str, Any]:
    return {
        "vehicle": entry.vehicle,
        "name": entry.name,
        "plate": entry.plate,
        "group": entry.group,
        "kind": entry.kind,
        "attributes": entry.told(),
    }


# ---------------------------------------------------------------- whole messages


def welcome(epoch: bytes, t0: int, now: int, heartbeat_s: float, limits: dict[str, Any], grant: str) -> bytes:
    told = {"epoch": epoch.hex(), "t0": t0, "now": now, "heartbeat_s": heartbeat_s, "limits": limits, "grant": grant}
    return encode({"op": "welcome", **told})


def granted(grant: str) -> bytes:
    """What the viewer may see or do is another, or something of the past is not theirs any more."""
    return encode({"op": "granted", "grant": grant})


def error(code: str, message: str) -> bytes:
    return encode({"op": "error", "code": code, "message": message})


UNKNOWN_REGION = error(
    "unknown_region", "a region of this follow does not exist or may not be followed; the others are followed"
)


EVENTS_GONE = error(
    "events_gone", "the log begins after this cursor: older events are no longer kept; it goes on at the first there is"
)


def pong(t: float, now: int) -> bytes:
    """The answer to a client's ping."""
    return encode({"op": "pong", "t": t, "now": now})


def ping(now: int) -> bytes:
    return b'{"op":"ping","t":%d}' % now


def bye(code: int, after_ms: int) -> bytes:
    return b'{"op":"bye","code":%d,"after_ms":%d}' % (code, after_ms)


def counts(cells: list[tuple[int, int, int, int]]) -> bytes:
    return encode({"op": "counts", "cells": cells})


_FIELDS = encode(FIELDS)


def snapshot(cursor: bytes, reset: bool, part: int, parts: int, members: Members) -> bytes:
    """`members`: `vehicles`, `regions` and `in`, each as JSON texts joined by commas."""
    return b'{"op":"snapshot","cursor":"%b","reset":%b,"part":%d,"parts":%d,"fields":%b%b' % (
        cursor,
        b"true" if reset else b"false",
        part,
        parts,
        _FIELDS,
        tail({"vehicles": b"", "regions": b"", "in": b"", **members}),
    )


class Table(NamedTuple):
    """Some vehicles as a binary snapshot has them."""

    rows: int
    texts: bytes
    numbers: bytes


def table(rows: list[list[Any]]) -> Table:
    texts, numbers = pack_table(FIELDS, rows)
    return Table(len(rows), encode(texts), numbers)


NOBODY = table([])


def binary_snapshot(cursor: bytes, reset: bool, part: int, parts: int, told: Table, members: Members) -> bytes:
    """The same in `tracker.v1.bin`: 2, cursor length, rows, length of the JSON; cursor; JSON of the rest; the table."""
    rest = b'{"reset":%b,"part":%d,"parts":%d,"fields":%b,"columns":%b%b' % (
        b"true" if reset else b"false",
        part,
        parts,
        _FIELDS,
        told.texts,
        tail({"regions": b"", "in": b"", **members}),
    )
    return struct.pack("<BBII", SNAPSHOT, len(cursor), told.rows, len(rest)) + cursor + rest + told.numbers


Members = dict[str, bytes]  # name → the JSON texts of a list's items, joined by commas


def tail(members: Members) -> bytes:
    """The end of a message: these members as lists, and the closing brace."""
    return b"".join([b',"%b":[%b]' % (name.encode(), items) for name, items in members.items()]) + b"}"


def with_fields(ending: bytes) -> bytes:
    """The end of a connection's first update: it says what the columns of a vehicle are, as snapshots do."""
    return b',"fields":%b%b' % (_FIELDS, ending)


def unnumbered(cursor: bytes, ending: bytes, columns: bytes = b"") -> bytes:
    """All of an update but its number: the same for every viewer that was told the same. `ending`: see `tail`. With
    columns, of `tracker.v1.bin`: length of the JSON; cursor; JSON of the rest; columns."""
    if not columns:
        return b',"cursor":"%b"%b' % (cursor, ending)
    rest = b"" if ending == b"}" else b"{" + ending[1:]
    return struct.pack("<I", len(rest)) + cursor + rest + columns


def update(frame: int, rest: bytes, *, binary: bool = False) -> bytes:
    """An update. In `tracker.v1.bin` it begins with 1, the length of its cursor, the frame."""
    if binary:
        return struct.pack("<BBI", UPDATE, CURSOR, frame) + rest
    return b'{"op":"update","frame":%d%b' % (frame, rest)


def cursor_of(message: bytes) -> bytes:
    """The cursor of an encoded snapshot or update; empty for other messages."""
    if not message.startswith((b'{"op":"update"', b'{"op":"snapshot"')):
        return b""
    start = message.index(b'"cursor":"') + 10
    return message[start : start + 36]


def read_binary(data: bytes) -> dict[str, Any]:
    """A binary message as the JSON encoding would have said it. Raises ValueError."""
    from tracker.live.columns import unpack

    try:
        message: dict[str, Any]
        kind, size, frame, length = struct.unpack_from("<BBII", data)  # of a snapshot: how many rows, for the frame
        if kind not in (UPDATE, SNAPSHOT):
            raise ValueError(f"unknown binary message {kind}")
        start = 10 + size
        if kind == SNAPSHOT:
            message = {"op": "snapshot", "cursor": data[10:start].decode("ascii")}
            message |= msgspec.json.decode(data[start : start + length])
            texts = message.pop("columns")
            return message | {"vehicles": unpack_table(message["fields"], texts, frame, data[start + length :])}
        message = {"op": "update", "frame": frame, "cursor": data[10:start].decode("ascii")}
        if length:
            message |= msgspec.json.decode(data[start : start + length])
        if moved := unpack(data[start + length :]):
            message["moved"] = [list(row) for row in moved]
    except struct.error:
        raise ValueError("the binary message is cut off") from None
    return message
