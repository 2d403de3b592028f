"""Members: what a bundle holds, as rows of JSON in the words of the API, and read again. A stranger may have written
it: what no tracker writes is refused before a fleet sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from tracker import __version__
from tracker.bundles.archive import MEMBERS
from tracker.errors import TrackerError
from tracker.fleet.fleet import FleetSettings
from tracker.formats import Unreadable
from tracker.live import messages
from tracker.model.change import Registered
from tracker.model.commit import SavedRegion, StoredPing
from tracker.model.events import Event
from tracker.model.outside import position
from tracker.model.ping import RANGES, Ping, vehicle_id
from tracker.model.records import Audit
from tracker.replay.past.served import TAKEN, read_arrival, read_event
from tracker.replay.past.stored import Settings, read_region
from tracker.times import DATED, parse_time, rfc3339

T = TypeVar("T")
VERSION = 1
FORMAT = "tracker-bundle"
LATEST = 1 << 42  #: a fleet keeps times in 42 bits
_TAKEN = {number: word for word, number in TAKEN.items()}


class Manifest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What was asked, and how many of what is the answer. Times are RFC 3339; `begins` null: with the first message."""

    format: str = FORMAT
    version: int = VERSION
    tracker: str = __version__
    event: str | None
    since: str = msgspec.field(name="from")
    until: str
    begins: str | None
    ends: str
    vehicles: list[str]  # patterns; none: all
    messages: int
    events: int
    events_hash: str  # as `tracker replay --dry-run` has it
    partial: str = ""  # what retention took of it


class Contents(NamedTuple):
    manifest: Manifest
    settings: Settings
    register: list[Registered]
    regions: list[SavedRegion]
    deeds: list[Audit]
    pings: list[StoredPing]
    events: list[Event]


def write(contents: Contents) -> list[bytes]:
    """In the order of MEMBERS."""
    return [
        msgspec.json.format(msgspec.json.encode(contents.manifest), indent=1) + b"\n",
        _lines({"at": rfc3339(at), **msgspec.structs.asdict(one)} for at, one in contents.settings),
        msgspec.json.encode([messages.register_entry(one) for one in contents.register]) + b"\n",
        _lines(
            {"id": one.id, "version": one.version, "updated_at": rfc3339(one.updated_at), "feature": one.feature}
            for one in contents.regions
        ),
        _lines({"at": rfc3339(one.at), "what": one.what, "target": one.target} for one in contents.deeds),
        _lines(map(tell_arrival, contents.pings)),
        _lines(map(messages.event, contents.events)),
    ]


def _lines(rows: Iterable[Any]) -> bytes:
    return b"".join([msgspec.json.encode(row) + b"\n" for row in rows])


def tell_arrival(one: StoredPing) -> dict[str, Any]:
    return {"vehicle": one.ping.vehicle, **position(one.ping, one.received_at), "taken": _TAKEN[one.taken]}


def read(members: dict[str, bytes]) -> Contents:
    """Raises Unreadable."""
    manifest, settings, register, regions, deeds, pings, events = (members[name] for name in MEMBERS)
    told = _manifest(manifest)
    numbers: dict[str, int] = {}

    def ping(row: dict[str, Any]) -> StoredPing:
        one = _checked(read_arrival(row))
        return msgspec.structs.replace(one, n=numbers.setdefault(one.ping.vehicle, len(numbers) + 1))

    return Contents(
        told,
        _rows("settings.ndjson", settings, lambda row: (_time(row.pop("at")), msgspec.convert(row, FleetSettings))),
        _register(register),
        _rows("regions.ndjson", regions, _region),
        _rows("deeds.ndjson", deeds, lambda row: Audit(_time(row["at"]), "", "", str(row["what"]), str(row["target"]))),
        _rows("pings.ndjson", pings, ping),
        _rows("events.ndjson", events, lambda row: msgspec.convert(msgspec.to_builtins(read_event(row)), Event)),
    )


def _manifest(file: bytes) -> Manifest:
    with _as_written("manifest.json"):
        said = msgspec.json.decode(file, type=dict[str, Any])
        if said.get("format") != FORMAT:
            raise ValueError("it is that of another kind of file")
        if said.get("version") != VERSION:
            other = f"{str(said.get('version'))[:20]} (made by tracker {str(said.get('tracker'))[:20]})"
            raise ValueError(f"this tracker reads bundles of version {VERSION}, and it is of version {other}")
        told = msgspec.convert(said, Manifest)
        since, until, ends = map(_time, (told.since, told.until, told.ends))
        begins = since if told.begins is None else _time(told.begins)
        if not begins <= since < until <= ends:
            raise ValueError("its times are not in order")
    return told


def _register(file: bytes) -> list[Registered]:
    with _as_written("register.json"):
        return msgspec.json.decode(file, type=list[Registered])


def _rows(name: str, file: bytes, of: Callable[[Any], T]) -> list[T]:
    found: list[T] = []
    with _as_written(name, found):
        for line in file.splitlines():
            found.append(of(msgspec.json.decode(line)))
    return found


@contextlib.contextmanager
def _as_written(name: str, found: Sequence[object] | None = None) -> Iterator[None]:
    """By a tracker. `found`: its lines that could be read. Raises Unreadable."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, TrackerError) as fault:
        where = name if found is None else f"{name}, line {len(found) + 1},"
        raise Unreadable(f"{where} is not what a tracker writes there: {str(fault)[:200]}") from None


def _time(text: Any) -> int:
    time = parse_time(text)
    if not DATED[0] <= time <= DATED[1]:
        raise ValueError(f"{text} is no time of ours")
    return time


def _region(row: dict[str, Any]) -> SavedRegion:
    one = SavedRegion(str(row["id"]), int(row["version"]), _time(row["updated_at"]), row["feature"])
    if one.feature is not None:
        read_region(one)
    return one


def _checked(one: StoredPing) -> StoredPing:
    ping = msgspec.convert(msgspec.to_builtins(one.ping), Ping)
    if not (0 <= ping.time < LATEST and 0 <= one.received_at < LATEST):
        raise ValueError("its time is that of no fix")
    vehicle_id(ping.vehicle)
    for name, (low, high, _) in RANGES.items():
        value = getattr(ping, name)
        if value is not None and not low <= value <= high:
            raise ValueError(f"{name} is {value}")
    return msgspec.structs.replace(one, ping=ping)
