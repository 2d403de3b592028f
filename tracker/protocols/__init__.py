"""Protocols: how clients say where a vehicle is. One file a client family; bytes in, pings and item errors out.

A protocol knows no clock, socket or store: `now` is an argument, and whoever carries the bytes decides
about types, limits and answers.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import msgspec

from tracker.model.ping import Ping, Unfit, read_ping

MAX_ERRORS = 100  #: errors told for one request; the rest is counted


class Reading(msgspec.Struct):
    """What one payload said. `len(pings) + rejected == items`."""

    pings: list[Ping] = []
    items: int = 0
    rejected: int = 0
    ignored: int = 0  # optional values that cannot be right: left out, the rest of their fix taken
    errors: list[dict[str, Any]] = []  # {"index", "code", "field", "message"}, at most MAX_ERRORS

    def take(self, item: Any, now: int) -> None:
        """One decoded item. Raises Unfit."""
        ignored: list[str] = []
        self.pings.append(read_ping(item, now, ignored))
        self.ignored += len(ignored)

    def reject(self, index: int, fault: Unfit) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"index": index, "code": fault.code, "field": fault.field, "message": fault.message})

    def add(self, other: Reading) -> None:
        """Take the counts and errors of the next part of the same request (not its pings)."""
        self.items += other.items
        self.rejected += other.rejected
        self.ignored += other.ignored
        self.errors += other.errors[: MAX_ERRORS - len(self.errors)]


class Reader(Protocol):
    def __call__(self, payload: bytes, now: int, first: int = 0) -> Reading:
        """Read a payload received at `now` (UTC ms). Raises BadRequest when none of it can be read.

        `first` is the index of its first item within the request.
        """
        ...


class Spoken(NamedTuple):
    """One protocol we speak: its name in docs and metrics, and how a payload of it is read."""

    name: str
    read: Reader


def spoken() -> tuple[Spoken, ...]:
    """Every protocol, in the order docs list them."""
    from tracker.protocols import native

    return (Spoken("json", native.read_json), Spoken("ndjson", native.read_lines))
