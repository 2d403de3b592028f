"""Bookmark: how far an import has come, kept in the folder it goes into, so that one that was interrupted goes on."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec

from tracker.migrating.tally import Count

NAME = "import.json"


class Reached(msgspec.Struct):
    source: list[Any]  # what is brought over
    until: int | None  # up to when
    kind: str  # positions, or events: then all positions are here
    at: Any  # of them, as the source tells it
    counts: dict[str, Count]


class Bookmark:
    def __init__(self, folder: Path, source: list[Any]) -> None:
        self.path = folder / NAME
        self._source = msgspec.json.decode(msgspec.json.encode(source))
        self.reached: Reached | None = None
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(self.path.read_bytes(), type=Reached)
            self.reached = found if found.source == self._source else None

    def after(self, kind: str) -> Any:
        """Where the rest of a kind begins; None: with the first."""
        return self.reached.at if self.reached is not None and self.reached.kind == kind else None

    def keep(self, until: int | None, kind: str, at: Any, counts: dict[str, Count]) -> None:
        """What is before it, is here. Nothing is lost where it cannot be kept: the next run starts over."""
        draft = self.path.with_name(f".{NAME}.{os.getpid()}")
        with contextlib.suppress(OSError):
            draft.write_bytes(msgspec.json.encode(Reached(self._source, until, kind, at, counts)))
            os.replace(draft, self.path)

    def close(self) -> None:
        """All of it is here."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
