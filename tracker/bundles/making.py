"""Making: a bundle of what a store has. What is made was played before it is handed out: it verifies.

How long before the window one has to begin, so that everybody is where they were, is found by trying: an hour is
enough mostly, and a stay of weeks takes weeks.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from tracker.bundles.again import Compared, compare, last_heard
from tracker.bundles.archive import LARGEST, pack
from tracker.bundles.members import Contents, Manifest, write
from tracker.errors import InTheWay, NotFound, TooLarge
from tracker.model.commit import SavedRegion, StoredPing
from tracker.model.events import Event
from tracker.replay.canonical import hash_of
from tracker.replay.past.stored import NEVER, Settings, Source
from tracker.replay.past.window import Choice, Window, missing, stored_events
from tracker.times import rfc3339

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
AROUND_MS = 15 * 60_000  #: of an event
#: how much before the window is lived through, and how much after it; None: all there is
TRIED: tuple[tuple[int | None, int], ...] = (
    (HOUR_MS, HOUR_MS),
    (DAY_MS, DAY_MS),
    (7 * DAY_MS, DAY_MS),
    (64 * DAY_MS, DAY_MS),
    (None, DAY_MS),
)
MOST_PINGS = 500_000


class Asked(NamedTuple):
    since: int
    until: int
    vehicles: Sequence[str] = ()  # patterns; none: all
    event: str | None = None


class Bundle(NamedTuple):
    file: bytes
    contents: Contents


def around(event: Event) -> Asked:
    """What an event's bundle is of, unless one says otherwise."""
    return Asked(event.time - AROUND_MS, event.time + AROUND_MS, (_literally(event.vehicle),), event.id)


def _literally(vehicle: str) -> str:
    """As a pattern that only this one matches."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in vehicle)


def make(source: Source, asked: Asked) -> Bundle:
    """Raises NotFound where nothing is, InTheWay where what is stored gives other events than were told, TooLarge."""
    choice = Choice(source.known, asked.vehicles, ())
    compared = Compared(0, [], "")
    for before, after in TRIED:
        window = Window(
            asked.since, asked.until, -NEVER if before is None else asked.since - before, asked.until + after
        )
        contents = _gather(source, asked, window, choice)
        compared = compare(contents)
        if not compared.differences:
            members = write(contents)
            if sum(map(len, members)) > LARGEST:
                raise _too_large()
            return Bundle(pack(members), contents)
    raise _in_the_way(source, asked, compared)


def _in_the_way(source: Source, asked: Asked, compared: Compared) -> InTheWay:
    first = f"{len(compared.differences)} events differ, the first: {compared.differences[0]}"
    if gone := missing(source, asked.since - 7 * DAY_MS, asked.until + DAY_MS):
        return InTheWay(
            "bundle_partial", f"partial: {gone}, so that what was told then cannot be decided again ({first})"
        )
    return InTheWay("bundle_differs", f"what is stored does not decide again what was told then: {first}")


def _too_large() -> TooLarge:
    return TooLarge(
        "bundle_too_large",
        f"a bundle holds at most {MOST_PINGS:,} messages and {LARGEST >> 20} MB, those before and after its window "
        "with them: ask for fewer vehicles, or a shorter time",
    )


def _gather(source: Source, asked: Asked, window: Window, choice: Choice) -> Contents:
    events = list(stored_events(source, window, choice))  # before messages: of each of them there is its message, too
    pings = _pings(source, window, choice)
    if not events and not any(window.since <= one.ping.time < window.until for one in pings):
        raise NotFound("nothing_to_bundle", "there is no message of these vehicles, and no event, in this window")
    end = last_heard(pings, events)
    manifest = Manifest(
        event=asked.event,
        since=rfc3339(window.since),
        until=rfc3339(window.until),
        begins=None if window.begins == -NEVER else rfc3339(window.begins),
        ends=rfc3339(window.ends),
        vehicles=list(asked.vehicles),
        messages=len(pings),
        events=len(events),
        events_hash=hash_of(events),
        partial=missing(source, window.begins, window.ends),
    )
    heard = {one.ping.vehicle for one in pings} | {one.vehicle for one in events}
    return Contents(
        manifest,
        _settings(source.settings, window.begins, end),
        [one for one in source.known.registered if one.vehicle in heard],
        _regions(source.region_log(), window.begins, end),
        [one for one in source.audits() if one.at <= end and (one.what == "clock.set" or one.target in heard)],
        pings,
        events,
    )


def _pings(source: Source, window: Window, choice: Choice) -> list[StoredPing]:
    """The last before it begins, too, of whoever may be quiet when it does."""
    pings: list[StoredPing] = []
    if window.begins != -NEVER:
        names = sorted(name for name in source.known.numbers if choice.has_vehicle(name))
        last = list(source.last_before(window.begins, names))
        pings += heapq.merge(*last, key=attrgetter("received_at"))
    for one in source.arrivals_within(window.begins, window.ends, choice.numbers):
        if window.begins <= one.ping.time < window.ends and choice.has_vehicle(one.ping.vehicle):
            pings.append(one)
            if len(pings) > MOST_PINGS:
                raise _too_large()
    return pings


def _settings(settings: Settings, begins: int, end: int) -> Settings:
    """Those in force when it begins, and later ones."""
    before = [one for one in settings if one[0] <= begins]
    return before[-1:] + [one for one in settings if begins < one[0] <= end] or settings[:1]


def _regions(versions: Iterable[SavedRegion], begins: int, end: int) -> list[SavedRegion]:
    """Every version that was in force at some moment of it."""
    before: dict[str, SavedRegion] = {}
    later: list[SavedRegion] = []
    for one in versions:
        if one.updated_at <= begins:
            if one.id not in before or one.version > before[one.id].version:
                before[one.id] = one
        elif one.updated_at <= end:
            later.append(one)
    there = [one for one in before.values() if one.feature is not None]
    return sorted([*there, *later], key=lambda one: (one.updated_at, one.id, one.version))
