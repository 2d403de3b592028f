"""Sources: a file, standard input, or what is packed in one: gzip, zip and KMZ are opened, in any nesting of two."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from tracker.formats import Unreadable
from tracker.formats.text import DAMAGED

BLOCK = 65_536
NOT_TRACKS = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".html", ".xsl", ".ds_store")  #: members of a KMZ, say
MOST = 1_073_741_824  #: bytes of a zip that has to be copied to be read
_NO_ZIP = (*DAMAGED, struct.error, ValueError, OverflowError)  #: what a directory of nonsense comes to


class _Pieces(io.RawIOBase):
    """What is unpacked, a piece at a time: a whole block would be lost with a fault at its end."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        piece = self._packed.read1(len(into))
        into[: len(piece)] = piece
        return len(piece)


class Opened(NamedTuple):
    """One file of bytes. `inner`: it came out of an archive, where not every file needs to be a recording."""

    name: str
    file: io.BufferedReader[Any]
    inner: bool = False


def opened(source: str) -> Iterator[Opened]:
    """Every file in a source (`-`: standard input). Raises Unreadable."""
    name = "standard input" if source == "-" else Path(source).name
    with contextlib.ExitStack() as open_files:
        try:
            if source == "-":
                raw = cast(io.BufferedReader, sys.stdin.buffer)
            else:
                raw = open_files.enter_context(Path(source).open("rb"))
            raw.peek(4)
        except OSError as fault:
            raise Unreadable(f"cannot read {source}: {fault.strerror or fault}", usage=True) from None
        yield from _unpacked(Opened(name, raw), open_files)


def _unpacked(outer: Opened, open_files: contextlib.ExitStack, depth: int = 0) -> Iterator[Opened]:
    try:
        start = outer.file.peek(4)[:4]
    except DAMAGED as fault:
        raise Unreadable(f"{outer.name} is damaged: {fault}") from None
    if start[:2] == b"\x1f\x8b" and depth < 2:
        inner = open_files.enter_context(gzip.GzipFile(fileobj=outer.file, mode="rb"))
        file = open_files.enter_context(io.BufferedReader(_Pieces(inner), BLOCK))
        name = outer.name.removesuffix(".gz").removesuffix(".GZ")
        yield from _unpacked(outer._replace(name=name, file=file), open_files, depth + 1)
    elif start == b"PK\x03\x04" and depth < 2:
        yield from _members(outer, open_files, depth)
    else:
        yield outer


def _members(outer: Opened, open_files: contextlib.ExitStack, depth: int) -> Iterator[Opened]:
    try:
        archive = open_files.enter_context(zipfile.ZipFile(_seekable(outer.file, open_files)))
    except _NO_ZIP as fault:
        raise Unreadable(f"{outer.name}: the zip is damaged: {fault}") from None
    if {"manifest.json", "chain.json", "pings.ndjson"} <= set(archive.namelist()):
        raise Unreadable(f"{outer.name} is a bundle: --verify plays it again; unpack it to play its pings", usage=True)
    damage: list[str] = []
    for member in archive.infolist():
        if member.is_dir() or member.filename.startswith("__MACOSX/") or member.filename.lower().endswith(NOT_TRACKS):
            continue
        if member.flag_bits & 1:
            raise Unreadable(f"{outer.name}: {member.filename} is encrypted; unpack it first", usage=True)
        name = f"{outer.name}/{member.filename}"
        try:
            with archive.open(member) as inner, io.BufferedReader(cast(io.RawIOBase, inner), BLOCK) as file:
                yield from _unpacked(Opened(name, file, inner=True), open_files, depth + 1)
        except (Unreadable, *_NO_ZIP) as fault:  # the other members may be whole
            damage.append(fault.detail if isinstance(fault, Unreadable) else f"{name} is damaged: {fault}")
    if damage:
        more = f", and {len(damage) - 1} more of its files" if len(damage) > 1 else ""
        raise Unreadable(f"{damage[0]}{more}")


def _seekable(file: io.BufferedReader, open_files: contextlib.ExitStack) -> BinaryIO:
    """A zip is read from its end: what comes through a pipe, or out of a gzip, goes to a temporary file."""
    if file.seekable() and isinstance(file.raw, io.FileIO):
        return file
    temporary = tempfile.TemporaryFile(prefix="tracker-replay-")  # noqa: SIM115 - closed with the others
    whole = cast(BinaryIO, open_files.enter_context(temporary))
    while block := file.read(BLOCK):
        whole.write(block)
        if whole.tell() > MOST:
            raise Unreadable(f"a zip in an archive or a pipe may have {MOST >> 20} MiB; unpack it, or save it, first")
    whole.seek(0)
    return whole
