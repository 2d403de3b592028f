"""Asked: what a report is to tell, and what the process that draws it is told: one message after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from tracker.history.story.corrections import Correction
from tracker.model.columns import TYPES, Columns
from tracker.model.events import Event

DAY_MS = 86_400_000
LONGEST_MS = 31 * DAY_MS
UNITS = ("metric", "imperial", "nautical")


class Asked(msgspec.Struct, frozen=True, tag=True):
    since: int  # ms, half-open with until
    until: int
    made_at: int
    zone: str | None = None  # times are told in; None: of whoever reads
    units: str = "metric"
    about: str = ""  # which vehicles, in the words of whoever asked
    demo: bool = False
    max_accuracy_m: float = 200.0  # what is worse is not drawn
    regions: tuple[dict[str, Any], ...] = ()  # Features that may be shown

    @property
    def title(self) -> str:
        zone = ZoneInfo(self.zone or "UTC")
        first, last = (datetime.fromtimestamp(at / 1000, zone).date() for at in (self.since, self.until - 1))
        return f"Fleet report {first}" if first == last else f"Fleet report {first} to {last}"


class Heard(msgspec.Struct, frozen=True, tag=True):
    """Of one vehicle: what may be told."""

    id: str
    name: str | None
    group: str | None
    arrays: list[bytes]  # of Columns
    extra: dict[int, bytes]
    corrections: tuple[Correction, ...] = ()  # that its story obeys

    @classmethod
    def told_of(
        cls, id: str, name: str | None, group: str | None, columns: Columns, corrections: Iterable[Correction] = ()
    ) -> Heard:
        arrays = [getattr(columns, one).tobytes() for one in TYPES]
        return cls(id, name, group, arrays, columns.extra, tuple(corrections))

    @property
    def columns(self) -> Columns:
        arrays = zip(self.arrays, TYPES.values(), strict=True)
        return Columns.from_arrays((np.frombuffer(array, kind) for array, kind in arrays), self.extra)


class Befell(msgspec.Struct, frozen=True, tag=True):
    events: list[Event]


class Whole(msgspec.Struct, frozen=True, tag=True):
    """Nothing more is told."""


Message = Asked | Heard | Befell | Whole

_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Message] = msgspec.msgpack.Decoder(Message).decode


def packed(message: Message) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(4, "little") + body


def next_message(said: BinaryIO) -> Message:
    """Raises EOFError when there is none any more."""
    length = int.from_bytes(_exactly(said, 4), "little")
    return _decode(_exactly(said, length))


def _exactly(said: BinaryIO, count: int) -> bytes:
    body = said.read(count)
    if len(body) < count:
        raise EOFError
    return body
