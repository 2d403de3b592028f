"""Protocols: how clients say where a vehicle is. One file a client family; bytes in, pings and item errors out.

A protocol knows no clock, socket or store: `now` is an argument, and whoever carries the bytes decides about limits.
To add one is to add a file with `SPOKEN`: its routes, its reply and its stream come from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple, Protocol

import msgspec

from tracker.model.ping import Ping, Unfit, read_ping, vehicle_of
from tracker.protocols.heard import read_heard

MAX_ERRORS = 100  #: errors told for one request; the rest is counted


class Others(NamedTuple):
    """What a sender may be told of others in the reply."""

    pings: Sequence[tuple[str, Ping]] = ()  # a vehicle's name, and the newest it said
    regions: Sequence[Mapping[str, Any]] = ()  # GeoJSON, where they are not as it heard last
    gone: Sequence[Mapping[str, Any]] = ()  # of those it heard, which are deleted or hidden from it by now


def _no_options(_vehicle: str) -> Mapping[str, Any]:
    return {}


class Payload(NamedTuple):
    """One request or message as it came, its content encoding undone."""

    body: bytes = b""
    query: str = ""  # percent-encoded
    headers: Mapping[bytes, bytes] = {}
    path: str = ""  # without a slash at its end
    method: str = "POST"
    rest: str = ""  # of the path, what follows the address and the token in it
    device: str = ""  # the one vehicle its sender's token is for: whatever the app calls itself, it is this one
    options: Callable[[str], Mapping[str, Any]] = _no_options  # the attributes of a vehicle's register entry
    others: Callable[[str], Others] | None = None  # what to tell the app of this vehicle; None: nothing, ever

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()


class Reply(NamedTuple):
    """What a client family wants to hear, so that it does not send the same again."""

    body: bytes = b""
    type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = {}


class Outcome(NamedTuple):
    """What became of a reading, for a reply that depends on it."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    errors: Sequence[dict[str, Any]] = ()


class Reading(msgspec.Struct):
    """What one payload said. `len(pings) + discarded + rejected == items`."""

    pings: list[Ping] = []
    items: int = 0
    rejected: int = 0
    discarded: int = 0  # understood, and nothing to keep
    ignored: int = 0  # optional values that cannot be right: left out, the rest of their fix taken
    refused: list[str] = []  # the vehicles of rejected items, of those that name one; at most MAX_ERRORS
    errors: list[dict[str, Any]] = []  # {"index", "code", "field", "message"}, at most MAX_ERRORS
    left_out: list[tuple[int, str]] = []  # the first of these: (index of the item, the value's name)
    repairs: dict[str, int] = {}  # name of a clock's fault → times put right
    #: once the pings are stored, whatever was wrong with the others; None: what became of each item, in our own JSON
    reply: Reply | Callable[[Outcome], Reply] | None = None

    def take_item(self, item: Any, now: int) -> None:
        """One decoded item. Raises Unfit."""
        ignored: list[str] = []
        try:
            self.pings.append(read_ping(item, now, ignored))
        except Unfit:
            self._name_refused(item)
            raise
        if ignored:
            self._leave_out(len(self.pings) + self.rejected - 1, ignored)

    def hear(self, said: dict[str, Any], now: int) -> None:
        """One thing a phone or gateway said, under our names; what is wrong with it is told in `errors`."""
        self.items += 1
        ignored: list[str] = []
        try:
            ping, repair = read_heard(said, now, ignored)
        except Unfit as fault:
            self._name_refused(said)
            self.reject(self.items - 1, fault)
            return
        self.pings.append(ping)
        if ignored:
            self._leave_out(self.items - 1, ignored)
        if repair:
            self.repairs[repair] = self.repairs.get(repair, 0) + 1

    def _name_refused(self, said: Any) -> None:
        name = said.get("vehicle") if isinstance(said, dict) else None
        if isinstance(name, str) and len(self.refused) < MAX_ERRORS and (vehicle := vehicle_of(name)):
            self.refused.append(vehicle)

    def _leave_out(self, index: int, names: list[str]) -> None:
        self.ignored += len(names)
        self.left_out += [(index, name) for name in names[: MAX_ERRORS - len(self.left_out)]]

    def discard(self) -> None:
        """One thing that is understood, and is no position."""
        self.items += 1
        self.discarded += 1

    def discard_pings(self) -> None:
        """They are not to be kept."""
        self.discarded += len(self.pings)
        self.pings = []

    def reject(self, index: int, fault: Unfit) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"index": index, "code": fault.code, "field": fault.field, "message": fault.message})

    def add_part(self, other: Reading) -> None:
        """Take the counts, errors and reply of the next part of the same request (not its pings)."""
        self.items += other.items
        self.reply = other.reply or self.reply
        if len(other.pings) == other.items and not other.ignored and not other.repairs:  # as nearly always
            return
        self.rejected += other.rejected
        self.discarded += other.discarded
        self.ignored += other.ignored
        self.left_out += other.left_out[: MAX_ERRORS - len(self.left_out)]
        self.refused += other.refused[: MAX_ERRORS - len(self.refused)]
        for name, times in other.repairs.items():
            self.repairs[name] = self.repairs.get(name, 0) + times
        self.errors += other.errors[: MAX_ERRORS - len(self.errors)]


class Reader(Protocol):
    def __call__(self, payload: Payload, now: int, /) -> Reading:
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

        All are spoken at /ingest/NAME and /ingest/NAME/TOKEN too, with anything behind that. It has a `read` of whole
    payloads, or a `decoder` of streams, which is given the most bytes that one item may have.
    """

    name: str  # in docs and metrics
    #: its own paths; one that ends with a slash takes what follows (`rest`), a `{token}` there is the sender's
    addresses: tuple[str, ...] = ()
    read: Reader | None = None
    decoder: Callable[[int], Decoder] | None = None
    types: tuple[str, ...] = ()  # of content, as UTF-8; `+json` is any that ends so; none: all, whatever they say
    methods: tuple[str, ...] = ("POST",)
    socket: bool = False  # the addresses are WebSockets too: each message a payload, or a piece of the stream
    advice: str = ""  # to who sent too much at once
    file: str = ""  # the setting that names a file of its own, and what makes `read` of the text in it
    prepare: Callable[[str], Reader] | None = None  # raises TrackerError
    gateway: bool = False  # it speaks for many: of those the one that is refused must not hold up the others
    social: bool = False  # its apps are told of others: of who may see them and not send, what they say is not kept
    claims: Callable[[str, str], bool] | None = None  # (method, query): is it ours, where others have the address too?
    refusal: Callable[[int, str], Reply] | None = None  # (status, why), said as this client shows it; None: as problem

    def takes(self, kind: str) -> bool:
        """Whether this is a content type of it."""
        return not self.types or kind in self.types or ("+json" in self.types and kind.endswith("+json"))


def spoken() -> tuple[Spoken, ...]:
    """Every protocol, of each file of this folder that has a SPOKEN. At one address the first that takes it reads."""
    files = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(one for file in files for one in getattr(file, "SPOKEN", ()))
