"""Tape: frames on an even grid as bytes, for a page that scrubs through them. docs/history.md says what each byte is.

Of each vehicle what is known at each instant, and how far it is from where it was known before, in few digits: most
differences are small, so most of their higher bytes are zero, and gzip makes little of it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.history.film.frames import FULL, Frames, Grid
from tracker.model.columns import Whole

MAGIC, VERSION = b"TAPE", 1
HEAD = struct.Struct("<4sBBHI")
TYPE = "application/vnd.tracker.tape"
FINEST = 7  #: digits of a degree that are stored
SHORT_MS = 30_000  #: on a grid finer than this, a digit more

Array = npt.NDArray[Any]


def digits_of(grid: Grid) -> int:
    """Of a degree: 1 cm at one instant, 10 cm where steps are short, else 1 m."""
    if grid.instants == 1:
        return FINEST
    return 6 if grid.step < SHORT_MS else 5


class Strip(NamedTuple):
    """What a tape holds of some vehicles."""

    known: npt.NDArray[np.uint8]
    steps: npt.NDArray[np.uint32]  # zigzag: of lat, of lon; a row a vehicle
    starts: Whole  # lat and lon of each

    def rows(self, which: slice) -> Strip:
        """Of these vehicles."""
        return Strip(self.known[which], self.steps[:, which], self.starts[:, which])


def strip(frames: Frames, digits: int) -> Strip:
    """Of vehicles of which something is known."""
    unit = 10 ** (FINEST - digits)
    known = frames.known > 0
    at = np.where(known, np.arange(known.shape[1]), 0)
    first = known.argmax(1)[:, None]
    latest = np.maximum(np.maximum.accumulate(at, 1), first)  # where it was known last, or will be first
    places = [np.take_along_axis((one + unit // 2) // unit, latest, 1) for one in (frames.lat, frames.lon)]
    starts = np.stack([one[:, 0] for one in places])
    steps = np.stack([np.diff(one, axis=1, prepend=one[:, :1]) for one in places])
    steps[1] = short_way(steps[1], digits)
    return Strip(frames.known, ((steps << 1) ^ (steps >> 63)).astype(np.uint32), starts)


def short_way(steps: Whole, digits: int) -> Whole:
    full = FULL // 10 ** (FINEST - digits)
    short: Whole = (steps + full // 2) % full - full // 2
    return short


def write(strips: Sequence[Strip], head: dict[str, Any]) -> bytes:
    """`head`: what is said of all of it; `lat` and `lon` of its vehicles are added."""
    starts = np.concatenate([one.starts for one in strips], 1).T.tolist() if strips else []
    vehicles = [one | {"lat": lat, "lon": lon} for one, (lat, lon) in zip(head["vehicles"], starts, strict=True)]
    header = msgspec.json.encode(head | {"vehicles": vehicles})
    header += b" " * (-len(header) % 4)
    highest = max((int(one.steps.max(initial=0)) for one in strips), default=0)
    planes = max(1, -(-highest.bit_length() // 8))
    parts = [HEAD.pack(MAGIC, VERSION, planes, 0, len(header)), header]
    parts += [one.known.tobytes() for one in strips]
    for which in (0, 1):
        for plane in range(planes):
            parts += [(one.steps[which] >> np.uint32(8 * plane)).astype(np.uint8).tobytes() for one in strips]
    return b"".join(parts)


def read(tape: bytes) -> tuple[dict[str, Any], Array, Array, Array]:
    """(header, known, lat, lon): a row a vehicle, a column an instant, in degrees. Raises ValueError."""
    if len(tape) < HEAD.size:
        raise ValueError("this is no tape: it ends in its head")
    magic, version, planes, _, length = HEAD.unpack_from(tape)
    if magic != MAGIC or version != VERSION:
        raise ValueError(f"this is no tape of version {VERSION}")
    head = msgspec.json.decode(tape[HEAD.size : HEAD.size + length])
    count, instants, digits = len(head["vehicles"]), head["instants"], head["digits"]
    body = np.frombuffer(tape, np.uint8, offset=HEAD.size + length)
    if len(body) != count * instants * (1 + 2 * planes):
        raise ValueError("this tape is not as long as its head says")
    columns = body.reshape(1 + 2 * planes, count, instants)
    shifts = (8 * np.arange(planes))[:, None, None]
    places = []
    for first, name in ((1, "lat"), (1 + planes, "lon")):
        zigzag = (columns[first : first + planes].astype(np.int64) << shifts).sum(0)
        starts = np.array([one[name] for one in head["vehicles"]], np.int64).reshape(count, 1)
        places.append(starts + np.cumsum((zigzag >> 1) ^ -(zigzag & 1), 1))
    return head, columns[0], places[0] / 10**digits, short_way(places[1], digits) / 10**digits
