"""Snapshots: all that an interest follows, in parts that are each made as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tracker.live import messages
from tracker.live.cursor import cursor_tail
from tracker.live.following import Interest
from tracker.live.routing import Routing
from tracker.live.topics import Entry
from tracker.live.viewer import Viewer

PART_ROWS = 250  #: vehicles in one part of a snapshot
PART_BYTES = 64 * 1024


class Tables:
    """The vehicles of a binary snapshot, made once for all who come within a second and follow the same: packing them
    costs twenty times what sending them does."""

    def __init__(self, version: int, numbers: list[int]) -> None:
        self.version = version  # they are at least this new; what came later is told again
        self.numbers = numbers
        self.made: dict[int, messages.Table] = {}

    def part(self, part: int, values: Callable[[], list[list[Any]]]) -> messages.Table:
        if part not in self.made:
            self.made[part] = messages.table(values())
        return self.made[part]


def parts_of(
    routing: Routing, viewer: Viewer, numbers: list[int], reset: bool, tables: Tables | None = None
) -> Iterator[bytes]:
    """The parts of a snapshot, each made as it is sent. Only the last one's cursor can be resumed from."""
    regions = _regions_told(routing, viewer.interest) if reset else []
    features = list(_chunks(regions, lambda region: len(routing.feature(region) or b"")))
    inside = list(_chunks(regions, lambda region: 8 * len(routing.picture.inside.get(region, ()))))
    rows = [numbers[start : start + PART_ROWS] for start in range(0, len(numbers), PART_ROWS)]
    named = max(0, len(rows) - 1)  # the part from which on every number is known: `in` names them
    parts = max(1, len(rows), len(features), named + len(inside))
    for part in range(parts):
        told: messages.Members = {}
        table = messages.NOBODY
        if part < len(rows):
            values = partial(_values, routing, viewer.interest, rows[part])
            if viewer.binary:
                table = tables.part(part, values) if tables else messages.table(values())
            else:
                told["vehicles"] = b",".join(
                    [routing.full(entry) for entry in _seen(routing, viewer.interest, rows[part])]
                )
        if part < len(features):
            texts = [routing.feature(region) for region in features[part]]
            told["regions"] = b",".join([text for text in texts if text is not None])
        if 0 <= part - named < len(inside):
            told["in"] = b",".join(
                [
                    messages.encode([region, sorted(viewer.interest.inside(region))])
                    for region in inside[part - named]
                    if region in routing.picture.regions
                ]
            )
        last = part == parts - 1
        cursor = viewer.head + cursor_tail(viewer.mark, viewer.seq, viewer.told if last else 0)
        if viewer.binary:
            yield messages.binary_snapshot(cursor, reset, part + 1, parts, table, told)
        else:
            yield messages.snapshot(cursor, reset, part + 1, parts, told)


def _seen(routing: Routing, interest: Interest, numbers: list[int]) -> list[Entry]:
    entries = [routing.entries[n] for n in interest.among(numbers) if n in routing.entries]
    return [interest.sees_of(entry) for entry in entries]


def _values(routing: Routing, interest: Interest, numbers: list[int]) -> list[list[Any]]:
    return [routing.values(entry) for entry in _seen(routing, interest, numbers)]


def _regions_told(routing: Routing, interest: Interest) -> list[str]:
    present = routing.picture.regions
    if interest.wish.granted:
        return [region for region in present if interest.grant.sees_region(region)]
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
