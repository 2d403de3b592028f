"""Snapshots: all that an interest follows, in parts that are each made as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tracker import wire
from tracker.interest import Interest
from tracker.routing import Routing
from tracker.viewer import Viewer

PART_ROWS = 500  #: vehicles in one part of a snapshot
PART_BYTES = 64 * 1024


def parts_of(routing: Routing, viewer: Viewer, numbers: list[int], reset: bool) -> Iterator[bytes]:
    """The parts of a snapshot, each made as it is sent. Only the last one's cursor can be resumed from."""
    regions = _regions_told(routing, viewer.interest) if reset else []
    features = list(_chunks(regions, lambda region: len(routing.feature(region) or b"")))
    inside = list(_chunks(regions, lambda region: 8 * len(routing.picture.inside.get(region, ()))))
    rows = [numbers[start : start + PART_ROWS] for start in range(0, len(numbers), PART_ROWS)]
    named = max(0, len(rows) - 1)  # the part from which on every number is known: `in` names them
    parts = max(1, len(rows), len(features), named + len(inside))
    for part in range(parts):
        told: wire.Members = {}
        if part < len(rows):
            entries = [routing.entries[n] for n in rows[part] if n in routing.entries and viewer.interest.still(n)]
            told["vehicles"] = b",".join([routing.full(viewer.interest.sees_of(entry)) for entry in entries])
        if part < len(features):
            texts = [routing.feature(region) for region in features[part]]
            told["regions"] = b",".join([text for text in texts if text is not None])
        if 0 <= part - named < len(inside):
            told["in"] = b",".join(
                [routing.inside(region) for region in inside[part - named] if region in routing.picture.regions]
            )
        last = part == parts - 1
        cursor = viewer.head + wire.cursor_tail(viewer.mark, viewer.seq, viewer.told if last else 0)
        yield wire.snapshot(cursor, reset, part + 1, parts, told)


def _regions_told(routing: Routing, interest: Interest) -> list[str]:
    present = routing.picture.regions
    return list(present) if interest.wish.all else [r for r in sorted(interest.wish.regions) if r in present]


def _chunks(names: list[str], size: Callable[[str], int]) -> Iterator[list[str]]:
    chunk: list[str] = []
    total = 0
    for name in names:
        if chunk and total + size(name) > PART_BYTES:
            yield chunk
            chunk, total = [], 0
        chunk.append(name)
        total += size(name) + len(name)
    if chunk:
        yield chunk
