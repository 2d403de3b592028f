"""Hearing: what is heard of the other nodes, and what must have been missed: each numbers what it says."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec

from tracker.buses import Gap, frames
from tracker.buses.frames import BEAT, BYE, Frame
from tracker.model.change import Change

SILENT_MS = 5000  #: a node not heard for so long is gone, and may have said something with its last breath
EVERY_MS = 1000  #: gaps are told only so often; what is read after one holds all before it

log = logging.getLogger(__name__)


class _Other:
    """One other node: up to which frame it was heard whole, and when it was last certain that nothing is missing."""

    def __init__(self, at: int) -> None:
        self.seq = 0
        self.at = at
        self.parts: list[bytes] = []  # of a change that is not whole yet


class Hearing:
    """All times are ms of a clock that nobody sets."""

    def __init__(self, me: bytes, now: int) -> None:
        self._me = me
        self._others: dict[bytes, _Other] = {}
        self._began = self._line_since = now
        self._told_at = now - EVERY_MS
        self._owed: int | None = None  # since when something is missing that was not told yet
        self._foreign: set[object] = set()  # what was warned of
        self.heard = 0
        self.gaps = 0

    @property
    def nodes(self) -> int:
        return len(self._others)

    def take_frame(self, data: bytes, now: int) -> Iterator[tuple[Change | Gap, int]]:
        """What a message means, and its bytes: a change, or before it that some are missing; or nothing."""
        try:
            frame = frames.unpack(data)
        except ValueError:
            self._warn("frame", "the bus carries messages that are none of ours: does something else use its name?")
            return
        if frame.node == self._me:  # what was under way when a line broke comes back over the next one
            return
        other = self._others.setdefault(frame.node, _Other(self._began))
        is_change = frame.kind not in (BEAT, BYE)
        if frame.seq < other.seq + is_change:
            return  # a repeat
        is_whole = frame.seq == other.seq + is_change
        since, other.seq, other.at = other.at, frame.seq, now
        body = self._put_together(other, frame) if is_change else None
        change = self._read_body(frame, body) if body is not None else None
        if frame.kind == BYE:
            del self._others[frame.node]
        if not is_whole or (body is not None and change is None):
            yield from self._miss(since, now)
        if change is not None:
            self.heard += 1
            yield change, len(data) if body is frame.body else len(body or b"")

    def tick(self, now: int) -> Iterator[Gap]:
        """What nobody said: now and then, while there is a line."""
        for node, other in list(self._others.items()):
            if now - max(other.at, self._line_since) > SILENT_MS:
                del self._others[node]
                self._owe(other.at)
        yield from self._tell(now)

    def begin_line(self, now: int, since: int) -> Iterator[Gap]:
        """There is a line again; the one before was last known to be good at `since`."""
        self._line_since = now
        self._owe(since)
        self._told_at = now - EVERY_MS
        yield from self._tell(now)

    # -- ---------------------------------------------------------------------------------------------------------

    def _put_together(self, other: _Other, frame: Frame) -> bytes | None:
        """The body of a change when this is its last part."""
        if frame.part == 0:
            other.parts = []
        if len(other.parts) != frame.part:  # it began while we did not listen: that is told as a gap
            return None
        other.parts.append(frame.body)
        if len(other.parts) < frame.parts:
            return None
        body, other.parts = frame.body if frame.parts == 1 else b"".join(other.parts), []
        return body

    def _read_body(self, frame: Frame, body: bytes) -> Change | None:
        if frame.version > frames.VERSION:
            self._warn(
                ("version", frame.version),
                f"another node speaks version {frame.version} of the bus and this one {frames.VERSION}: what it "
                "says is read from the store, which is slower; bring all nodes to one version",
            )
            return None
        try:
            return frames.decode(body)
        except msgspec.MsgspecError as fault:
            self._warn(("body", frame.node), f"cannot read what another node says ({fault}): it is read from the store")
            return None

    def _miss(self, since: int, now: int) -> Iterator[tuple[Gap, int]]:
        self._owe(since)
        for gap in self._tell(now):
            yield gap, 0

    def _owe(self, since: int) -> None:
        self._owed = since if self._owed is None else min(self._owed, since)

    def _tell(self, now: int) -> Iterator[Gap]:
        if self._owed is not None and now - self._told_at >= EVERY_MS:
            since, self._owed, self._told_at = self._owed, None, now
            self.gaps += 1
            yield Gap(now - since)

    def _warn(self, what: object, text: str) -> None:
        if what not in self._foreign and len(self._foreign) < 100:
            self._foreign.add(what)
            log.warning("%s", text)
