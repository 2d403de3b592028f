"""Reading: a fleet day from anywhere, a part at a time, each checked before it is believed; or all of it (`verify`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import msgspec

from tracker.bundles.chain import START, link
from tracker.bundles.day import blocks
from tracker.bundles.day.blocks import Block
from tracker.bundles.day.layout import (
    DETAILS,
    EDGE,
    KINDS,
    LARGEST,
    MOST_PARTS,
    TRACK,
    Directory,
    Entry,
    read_footer,
    read_header,
    unpacked,
)
from tracker.formats import Unreadable


class Day(NamedTuple):
    file: BinaryIO
    directory: Directory
    hash: str

    @classmethod
    def open(cls, file: BinaryIO) -> Day:
        """Read nothing but the edges and the directory. Raises Unreadable."""
        size = file.seek(0, 2)
        first = _read(file, 0, EDGE)
        told = read_header(first)
        if size < 2 * EDGE:
            raise Unreadable("footer: the file is cut short")
        foot = read_footer(_read(file, size - EDGE, EDGE), size)
        if foot.length > LARGEST:
            raise Unreadable("directory: it is too long")
        raw = _read(file, foot.offset, foot.length)
        if hashlib.sha256(raw).digest() != foot.digest:
            raise Unreadable("directory: it was changed: it is not what the footer tells")
        try:
            found = msgspec.json.decode(unpacked(raw, LARGEST, "directory"), type=Directory)
        except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
            raise Unreadable(f"directory: it cannot be read: {str(fault)[:200]}") from None
        chain = _checked(found, foot.offset, first)
        if (found.since, found.until, found.zone) != told:
            raise Unreadable("header: it was changed: the directory tells of another day")
        if chain.hex() != found.chain:
            raise Unreadable("header: it was changed, or the directory: the chain is another")
        return cls(file, found, link(chain, "directory", foot.digest).hex())

    def content(self, entry: Entry) -> bytes:
        """Raises Unreadable, which names the part."""
        raw = _read(self.file, entry.offset, entry.bytes)
        if hashlib.sha256(raw).hexdigest() != entry.sha256:
            raise Unreadable(f"{entry.name}: it was changed: it is not what the directory tells")
        content = unpacked(raw, entry.unpacked, entry.name)
        if len(content) != entry.unpacked:
            raise Unreadable(f"{entry.name}: it unpacks to another length than the directory tells")
        return content

    def block(self, entry: Entry) -> Block:
        block = blocks.unpack(self.content(entry), entry.name)
        wanted = blocks.TRACK_COLUMNS if entry.kind == TRACK else blocks.DETAIL_COLUMNS
        if not set(wanted) <= block.columns.keys() or max(block.head.vehicles, default=-1) >= self.directory.vehicles:
            raise Unreadable(f"{entry.name}: it lacks a column, or is of a vehicle there is not")
        return block

    def rows(self, kind: str) -> Iterator[Any]:
        """Of what is kept as lines of JSON: events, regions, vehicles."""
        for entry in self.directory.parts:
            if entry.kind == kind:
                try:
                    rows = [msgspec.json.decode(line) for line in self.content(entry).splitlines()]
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    raise Unreadable(f"{entry.name}: it is not lines of JSON") from None
                if len(rows) != entry.rows:
                    raise Unreadable(f"{entry.name}: it has other lines than the directory tells")
                yield from rows

    def verify(self) -> None:
        """Raises Unreadable for the first byte that is not what it should be."""
        for entry in self.directory.parts:
            if entry.kind in (TRACK, DETAILS):
                self.block(entry)
        for kind in KINDS[2:]:
            for _ in self.rows(kind):
                pass


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _checked(found: Directory, end: int, first: bytes) -> bytes:
    """The chain up to the directory. Parts lie one after the other, so each byte is one's. Raises Unreadable."""
    if len(found.parts) > MOST_PARTS:
        raise Unreadable("directory: it tells of too many parts")
    chain, offset, names = link(START, "header", hashlib.sha256(first).digest()), EDGE, set[str]()
    for one in found.parts:
        if one.kind not in KINDS or one.name in names:
            raise Unreadable(f"directory: there is no such part as {one.name[:80]!r}, or there are two")
        if one.offset != offset or not (0 < one.bytes <= 2 * LARGEST and 0 <= one.unpacked <= LARGEST):
            raise Unreadable(f"directory: {one.name[:80]!r} overlaps another part, leaves a gap, or is too long")
        try:
            chain = link(chain, one.name, bytes.fromhex(one.sha256))
        except ValueError:
            raise Unreadable(f"directory: the hash of {one.name[:80]!r} is none") from None
        names.add(one.name)
        offset += one.bytes
    if offset != end:
        raise Unreadable("directory: the parts do not end where it begins")
    return chain
