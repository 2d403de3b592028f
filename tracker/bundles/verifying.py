"""Verifying: `tracker replay X.zip --verify`: is every byte as it was, and does every event follow from the rest?"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NamedTuple

from tracker.bundles.again import compare
from tracker.bundles.archive import LARGEST, unpack
from tracker.bundles.members import Manifest, read
from tracker.formats import Unreadable
from tracker.replay.canonical import hash_of


class Verified(NamedTuple):
    manifest: Manifest
    hash: str
    events_hash: str
    same: int
    differences: list[str]  # a line each


def verify(path: Path) -> Verified:
    """Raises Unreadable, which names what is wrong."""
    try:
        return _verified(_read(path))
    except Unreadable as fault:
        raise Unreadable(f"{path.name}: {fault.detail}", usage=fault.usage) from None


def _verified(file: bytes) -> Verified:
    opened = unpack(file)
    contents = read(opened.contents)
    told = contents.manifest
    counts = {"messages": len(contents.pings), "events": len(contents.events), "events_hash": hash_of(contents.events)}
    for name, there in counts.items():
        if getattr(told, name) != there:
            raise Unreadable(f"manifest.json tells of other {name} than there are")
    if told.event is not None and all(one.id != told.event for one in contents.events):
        raise Unreadable("manifest.json tells of an event that is not there")
    compared = compare(contents)
    return Verified(told, opened.hash, compared.hash, compared.same, compared.differences)


def _read(path: Path) -> bytes:
    """No more of it than a bundle has."""
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(path.stat().st_mode):
                raise Unreadable("is no file", usage=True)
            content = file.read(LARGEST + 1)
    except OSError as fault:
        raise Unreadable(f"cannot be read: {fault.strerror or fault}", usage=True) from None
    if len(content) > LARGEST:
        raise Unreadable(f"is not a bundle: it is larger than {LARGEST >> 20} MB")
    return content
