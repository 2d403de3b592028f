"""Again: a bundle as a source, lived through once more, and its events compared with those the fleet decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tracker.bundles.members import Contents
from tracker.errors import TrackerError
from tracker.formats import Unreadable
from tracker.model.commit import SavedRegion, StoredPing
from tracker.model.events import Event
from tracker.model.records import Audit
from tracker.pipeline.entries.journal import Entry
from tracker.replay.canonical import canonical, facts, hash_of
from tracker.replay.past.stored import NEVER, Known, in_order
from tracker.replay.past.window import Choice, Rules, Window, play
from tracker.times import parse_time


class Bundled:
    """What a bundle has of the past, as `tracker.replay.past` reads it."""

    def __init__(self, contents: Contents) -> None:
        self.name = "the bundle"
        self.settings = contents.settings
        self.known = Known({one.ping.vehicle: one.n for one in contents.pings}, contents.register)
        self.gone: dict[int, int] = {}
        self._contents = contents

    def deeds(self, edits: bool = True) -> Iterator[Entry]:
        return in_order(self.region_log() if edits else (), self._contents.deeds, self.settings)

    def audits(self) -> Iterable[Audit]:
        return self._contents.deeds

    def region_log(self) -> Iterator[SavedRegion]:
        return iter(self._contents.regions)

    def arrivals_within(
        self,
        since: int,
        until: int,
        numbers: frozenset[int] | None,  # noqa: ARG002 - of whom there is a choice, has been chosen
    ) -> Iterator[StoredPing]:
        return (one for one in self._contents.pings if since <= one.ping.time < until)

    def last_before(self, at: int, names: Iterable[str]) -> Iterator[list[StoredPing]]:
        before: defaultdict[str, list[StoredPing]] = defaultdict(list)
        for one in self._contents.pings:
            if one.ping.time < at:
                before[one.ping.vehicle].append(one)
        return (before[name] for name in names if name in before)

    def events_within(self, since: int, until: int) -> Iterator[Event]:
        return (one for one in self._contents.events if since <= one.time < until)

    def end(self) -> int:
        """The clock went on so far at least, and nothing is known of later."""
        return last_heard(self._contents.pings, self._contents.events)

    def close(self) -> None: ...


def last_heard(pings: Iterable[StoredPing], events: Iterable[Event]) -> int:
    return max((one.received_at for some in (pings, events) for one in some), default=0)


class Compared(NamedTuple):
    same: int
    differences: list[str]  # a line each
    hash: str  # of the events that are decided again


def compare(contents: Contents) -> Compared:
    """Raises Unreadable when no fleet can live through it."""
    told = _again(contents)
    was, now = ({one.id: facts(one) for one in some} for some in (contents.events, told))
    differences = [
        line for id in sorted({*was, *now}, key=lambda id: _place(was, now, id)) if (line := _difference(was, now, id))
    ]
    return Compared(len({*was, *now}) - len(differences), differences, hash_of(told))


def _again(contents: Contents) -> list[Event]:
    source, told = Bundled(contents), list[Event]()
    try:
        play(source, window_of(contents), Choice(source.known, (), ()), Rules(None, None, None), told.append, _nobody)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, TrackerError) as fault:
        raise Unreadable(f"cannot be played: {str(fault)[:200]}") from None
    return told


def _nobody(_one: StoredPing) -> None: ...


def window_of(contents: Contents) -> Window:
    told = contents.manifest
    begins = -NEVER if told.begins is None else parse_time(told.begins)
    return Window(parse_time(told.since), parse_time(told.until), begins, parse_time(told.ends))


Facts = dict[str, dict[str, Any]]


def _place(was: Facts, now: Facts, id: str) -> tuple[str, str]:
    return str((was.get(id) or now[id])["time"]), id


def _difference(was: Facts, now: Facts, id: str) -> str:
    before, after = was.get(id), now.get(id)
    one = before or after or {}
    name = f"{one['time']} {one['vehicle']} {one['kind']} {one.get('region', '')}".rstrip() + f" ({id})"
    if after is None:
        return f"not decided again: {name}"
    if before is None:
        return f"decided, and not told then: {name}"
    if canonical(before) == canonical(after):
        return ""
    names = sorted(one for one in {*before, *after} if before.get(one) != after.get(one))
    return f"decided otherwise ({', '.join(names)}): {name}"
