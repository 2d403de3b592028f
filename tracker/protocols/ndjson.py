"""Our own JSON as a stream, one position a line: read as it comes, stored run by run, of any length at flat memory."""

from __future__ import annotations

from collections.abc import Iterator

from tracker.model.ping import Unfit
from tracker.protocols import Reading, Spoken
from tracker.protocols.lines import Lines
from tracker.protocols.native import ADDRESSES, read_lines


class LineDecoder:
    """NDJSON as it comes: run after run of whole lines."""

    def __init__(self, max_line: int) -> None:
        self._lines = Lines(max_line)
        self._max_line = max_line
        self._items = 0

    def feed(self, data: bytes, now: int) -> Iterator[Reading]:
        return (self._read(run, now) for run in self._lines.feed(data))

    def finish(self, now: int) -> Iterator[Reading]:
        return (self._read(run, now) for run in self._lines.finish())

    def _read(self, run: bytes | None, now: int) -> Reading:
        if run is None:
            reading = Reading(items=1)
            fault = Unfit("line_too_long", None, f"a line has at most {self._max_line} bytes")
            reading.reject(self._items, fault)
        else:
            reading = read_lines(run, now, self._items)
        self._items += reading.items
        return reading


SPOKEN = (
    Spoken(
        "ndjson",
        ADDRESSES,
        decoder=LineDecoder,
        types=("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
    ),
)
