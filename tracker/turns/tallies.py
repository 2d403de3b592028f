"""Tallies: counters with labels, of which there are few: names of protocols and codes, never what was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

#: family → its labels
FAMILIES = {
    "ingest_requests": ("protocol", "status"),
    "ingest_refused": ("protocol", "code"),
    "ingest_items": ("protocol", "outcome"),
    "ingest_rejected": ("protocol", "code"),
    "ingest_repaired": ("protocol", "clock"),
    "ingest_ignored": ("protocol",),
}


class Tallies:
    def __init__(self) -> None:
        self._counts: defaultdict[str, defaultdict[tuple[str, ...], int]] = defaultdict(lambda: defaultdict(int))

    def add(self, family: str, *labels: str, times: int = 1) -> None:
        if times:
            self._counts[family][labels] += times

    def add_all(self, family: str, label: str, counts: Mapping[str, int]) -> None:
        for name, times in counts.items():
            if times:
                self._counts[family][label, name] += times

    def all(self) -> Iterator[tuple[str, dict[str, str], int]]:
        """(family, labels, times), family by family."""
        for family, names in FAMILIES.items():
            for labels, times in sorted(self._counts[family].items()):
                yield family, dict(zip(names, labels, strict=True)), times
