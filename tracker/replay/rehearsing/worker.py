"""Worker: the process in which one region is dragged, so that nothing of that keeps a server from its loop.

It is told what is asked, then shapes, one after the other; each is answered. It ends with what it is told through.
"""

from __future__ import annotations

import gc
import os
import struct
import sys
from time import perf_counter
from typing import Any, BinaryIO

import msgspec

from tracker.errors import TrackerError
from tracker.regions.region import Region
from tracker.replay.past.stored import Stored
from tracker.replay.rehearsing.drag import Drag
from tracker.replay.rehearsing.reading import covers, read_drag
from tracker.stores import Box

MOVING_S = 0.1  #: of deciding, for an answer while it is dragged: five a second with all else
_LENGTH = struct.Struct("<I")


class Order(msgspec.Struct):
    store: str  # URL
    now: int  # what is received later is left for later


class Move(msgspec.Struct):
    feature: dict[str, Any]
    whole: bool  # at rest: all is decided anew
    most: int  # events of each kind of difference that are named


class Said(msgspec.Struct):
    """An answer, or why there is none."""

    answer: msgspec.Raw = msgspec.Raw(b"null")
    code: str = ""
    detail: str = ""
    errors: list[dict[str, Any]] = []
    retry_after_s: int | None = None


def packed(message: Order | Move | Said) -> bytes:
    body = msgspec.json.encode(message)
    return _LENGTH.pack(len(body)) + body


def length_of(head: bytes) -> int:
    return int(_LENGTH.unpack(head)[0])


def next_body(said: BinaryIO) -> bytes | None:
    """None: nothing more comes."""
    head = said.read(_LENGTH.size)
    body = said.read(length_of(head)) if len(head) == _LENGTH.size else b""
    return body or None


class Rehearsing:
    """What is kept from one shape to the next."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._drag: Drag | None = None
        self._room: list[Box] = []

    def take(self, move: Move) -> Said:
        try:
            region = Region.read_feature(move.feature, id=move.feature["id"], version=1, now=self._order.now)
            if self._drag is None or not covers(self._room, region):
                self._drag = None
                self._room, self._drag = self._read(region)
                gc.collect()
                gc.freeze()
                gc.disable()  # millions of things that stay: to look through them takes longer than a shape
            end = perf_counter() + MOVING_S
            self._drag.move(region, move.whole, lambda: perf_counter() < end)
        except TrackerError as fault:
            retry = getattr(fault, "retry_after", None)
            return Said(code=fault.code, detail=fault.detail, errors=getattr(fault, "errors", []), retry_after_s=retry)
        answer = (
            {"region": region.feature(), **self._drag.answer(move.most)} if move.whole else self._drag.answer(move.most)
        )
        return Said(msgspec.Raw(msgspec.json.encode(answer)))

    def _read(self, region: Region) -> tuple[list[Box], Drag]:
        source = Stored(self._order.store, self._order.now)
        try:
            return read_drag(source, region, self._order.now)
        finally:
            source.close()


def main() -> int:
    os.nice(2)
    said, told = sys.stdin.buffer, sys.stdout.buffer
    first = next_body(said)
    if first is None:
        return 0
    rehearsing = Rehearsing(msgspec.json.decode(first, type=Order))
    while (body := next_body(said)) is not None:
        told.write(packed(rehearsing.take(msgspec.json.decode(body, type=Move))))
        told.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
