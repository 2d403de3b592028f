"""Protocols: how clients say where a vehicle is. One file a client family; bytes in, pings and item errors out.

A protocol knows no clock, socket or store: `now` is an argument, and whoever carries the bytes decides about limits.
To add one is to add a file with `SPOKEN`: its routes, its reply and its stream come from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple, Protocol

import msgspec

from tracker.model.ping import Ping, Unfit, read_ping

MAX_ERRORS = 100  #: errors told for one request; the rest is counted


class Payload(NamedTuple):
    """One request or message as it came, its content encoding undone."""

    body: bytes
    query: str = ""  # percent-encoded
    headers: Mapping[bytes, bytes] = {}
    path: str = ""


class Reply(NamedTuple):
    """What a client family wants to hear, so that it does not send the same again."""

    body: bytes = b""
    type: str = "text/plain; charset=utf-8"
    status: int = 200


class Reading(msgspec.Struct):
    """What one payload said. `len(pings) + rejected == items`."""

    pings: list[Ping] = []
    items: int = 0
    rejected: int = 0
    ignored: int = 0  # optional values that cannot be right: left out, the rest of their fix taken
    errors: list[dict[str, Any]] = []  # {"index", "code", "field", "message"}, at most MAX_ERRORS
    reply: Reply | None = None  # once the pings are stored; None: what became of each item, in our own JSON

    def take_item(self, item: Any, now: int) -> None:
        """One decoded item. Raises Unfit."""
        ignored: list[str] = []
        self.pings.append(read_ping(item, now, ignored))
        self.ignored += len(ignored)

    def reject(self, index: int, fault: Unfit) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"index": index, "code": fault.code, "field": fault.field, "message": fault.message})

    def add_part(self, other: Reading) -> None:
        """Take the counts, errors and reply of the next part of the same request (not its pings)."""
        self.items += other.items
        self.rejected += other.rejected
        self.ignored += other.ignored
        self.errors += other.errors[: MAX_ERRORS - len(self.errors)]
        self.reply = other.reply or self.reply


class Reader(Protocol):
    def __call__(self, payload: Payload, now: int) -> Reading:
        """Read what was received at `now` (UTC ms). Raises BadRequest when none of it can be read."""
        ...


class Decoder(Protocol):
    """One sender's stream, cut anywhere. What a decoder keeps between two pieces is bounded."""

    def feed(self, data: bytes, now: int) -> Iterator[Reading]:
        """What is whole by now; each is stored, and its reply sent, before the next is asked for. Raises BadRequest."""
        ...

    def finish(self, now: int) -> Iterator[Reading]:
        """What is left when the stream ends. Raises BadRequest."""
        ...


class Spoken(NamedTuple):
    """One protocol we speak, and where: whoever carries bytes makes its routes of this.

    Below an address /ingest/<name>/ the word is a token (`access/credentials`), which may also come another way.
    It has a `read` of whole payloads, or a `decoder` of streams, which is given the most bytes that one item may have.
    """

    name: str  # in docs and metrics
    addresses: tuple[str, ...]  # a path; one that ends with a slash takes any one word after it
    read: Reader | None = None
    decoder: Callable[[int], Decoder] | None = None
    types: tuple[str, ...] = ()  # of content, as UTF-8; `+json` is any that ends so; none: all, whatever they say
    methods: tuple[str, ...] = ("POST",)
    socket: bool = False  # the addresses are WebSockets too: each message a payload, or a piece of the stream
    advice: str = ""  # to who sent too much at once

    def takes(self, kind: str) -> bool:
        """Whether this is a content type of it."""
        return not self.types or kind in self.types or ("+json" in self.types and kind.endswith("+json"))


def spoken() -> tuple[Spoken, ...]:
    """Every protocol, of each file of this folder that has a SPOKEN. At one address the first that takes it reads."""
    files = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(one for file in files for one in getattr(file, "SPOKEN", ()))
