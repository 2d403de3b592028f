"""Writing: a fleet day from front to end, once: no byte is gone back to."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import msgspec

from tracker.bundles.chain import START, link
from tracker.bundles.day.layout import LARGEST, Directory, Entry, footer, header, packed
from tracker.formats import Unreadable


class Written:
    """Each verb answers the bytes that come next."""

    def __init__(self, day: str, zone: str, since: int, until: int) -> None:
        self.day, self.zone, self.since, self.until = day, zone, since, until
        self._chain, self._offset = START, 0
        self._entries: list[Entry] = []
        self._names: Counter[str] = Counter()
        self.hash = ""  # of all of it, once it is whole

    def begin(self) -> bytes:
        raw = header(self.since, self.until, self.zone)
        self._add("header", raw)
        return raw

    def part(self, kind: str, content: bytes, **told: Any) -> bytes:
        """`told`: what the directory tells of it."""
        if len(content) > LARGEST:
            raise Unreadable(f"more than {LARGEST >> 20} MB of {kind} would be in one part of the file")
        label = kind if told.get("hour") is None else f"{kind} {told['hour']:02}"
        name = f"{label}.{told.get('group', self._names[label])}"
        self._names[label] += 1
        raw = packed(content)
        digest = hashlib.sha256(raw).hexdigest()
        self._entries.append(Entry(name, kind, self._offset, len(raw), len(content), digest, **told))
        self._add(name, raw)
        return raw

    def end(self, **told: Any) -> bytes:
        """`told`: what the directory tells of all of it."""
        whole = Directory(
            self.day, self.zone, self.since, self.until, parts=self._entries, chain=self._chain.hex(), **told
        )
        content = msgspec.json.encode(whole)
        if len(content) > LARGEST:
            raise Unreadable("the directory would be too long")
        directory, offset = packed(content), self._offset
        self._add("directory", directory)
        self.hash = self._chain.hex()
        return directory + footer(directory, offset)

    def _add(self, name: str, raw: bytes) -> None:
        self._chain = link(self._chain, name, hashlib.sha256(raw).digest())
        self._offset += len(raw)
