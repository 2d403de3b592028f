"""Frames: what nodes tell each other, as bytes. docs/scale.md says what each byte means.

The head is the same in every version, so that a node knows what it cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

import msgspec

from tracker.model.change import Change

MAGIC = b"fm"
VERSION = 1  #: of the body; a field more in a Change needs no new one
BEAT, CHANGE, BYE = range(3)
_HEAD = Struct(">2sBB8sQHH")
HEAD = _HEAD.size  #: bytes
MOST_PARTS = 2**16 - 1

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Change).decode


class Frame(NamedTuple):
    version: int
    kind: int
    node: bytes
    seq: int  # of this frame among those of changes; of a BEAT or BYE the newest
    part: int
    parts: int
    body: bytes


def pack(kind: int, node: bytes, seq: int, part: int = 0, parts: int = 1, body: bytes = b"") -> bytes:
    return _HEAD.pack(MAGIC, VERSION, kind, node, seq, part, parts) + body


def split(body: bytes, room: int, node: bytes, seq: int) -> Iterator[bytes]:
    """The frames of one change, none with more than `room` bytes, numbered from seq + 1 on."""
    each = room - HEAD
    parts = max(1, -(-len(body) // each))
    for part in range(parts):
        yield pack(CHANGE, node, seq + 1 + part, part, parts, body[part * each : (part + 1) * each])


def unpack(data: bytes) -> Frame:
    """Raises ValueError when it is none of ours."""
    if len(data) < HEAD or data[:2] != MAGIC:
        raise ValueError("no frame")
    _, version, kind, node, seq, part, parts = _HEAD.unpack_from(data)
    return Frame(version, kind, node, seq, part, parts, data[HEAD:])
