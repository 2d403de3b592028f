"""Retention at work: days of vehicles that are old enough are thinned, then go, one after the other.

Before the first goes by new rules it is said how many will, and some time passes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from tracker.config.retention import Keep, Rule, read_rules, rule_of
from tracker.history.story.stops import Stop, Stops
from tracker.history.thinning import staying
from tracker.model.columns import Columns
from tracker.stores import Store, StoredDay
from tracker.times import rfc3339
from tracker.turns.jobs import Job
from tracker.turns.slices import batched

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EVERY_S = 3600.0  #: between two rounds

log = logging.getLogger(__name__)


class Plan(NamedTuple):
    """What the rules ask for and is not done."""

    thin: list[StoredDay]
    drop: list[StoredDay]

    @property
    def pings(self) -> int:
        return sum(day.pings for days in self for day in days)

    def __bool__(self) -> bool:
        return bool(self.thin or self.drop)

    def __str__(self) -> str:
        return f"{_told(self.thin)} to be thinned, {_told(self.drop)} to go"


def _told(days: list[StoredDay]) -> str:
    if not days:
        return "none"
    first, last = (rfc3339(one)[:10] for one in (min(day.day for day in days), max(day.day for day in days)))
    vehicles = len({day.n for day in days})
    return f"{sum(day.pings for day in days):,} positions of {vehicles:,} vehicles ({first} to {last})"


def plan(rules: Mapping[str, Rule], days: Iterable[StoredDay], group_of: Callable[[str], str | None], now: int) -> Plan:
    found = Plan([], [])
    for day in days:
        keep = keep_of(rules, day, group_of, now)
        if keep is Keep.GONE:
            found.drop.append(day)
        elif keep is Keep.THINNED and not day.is_thinned:
            found.thin.append(day)
    return found


class Coming(NamedTuple):
    """What the rules will ask for next, if nothing is added to it."""

    at: int
    thin: int  # positions of days of which a part will stay
    drop: int


def coming(
    rules: Mapping[str, Rule], days: Iterable[StoredDay], group_of: Callable[[str], str | None], now: int
) -> Coming | None:
    """None: nothing ever. What is due is not among it."""
    next_at: int | None = None
    thin = drop = 0
    for day in days:
        rule = rule_of(rules, group_of(day.vehicle))
        at, keep = rule.changes(day.day, now, is_thinned=day.is_thinned) if rule else (None, Keep.WHOLE)
        if at is None or (next_at is not None and at > next_at):
            continue
        if at != next_at:
            next_at, thin, drop = at, 0, 0
        if keep is Keep.GONE:
            drop += day.pings
        else:
            thin += day.pings
    return None if next_at is None else Coming(next_at, thin, drop)


def keep_of(rules: Mapping[str, Rule], day: StoredDay, group_of: Callable[[str], str | None], now: int) -> Keep:
    rule = rule_of(rules, group_of(day.vehicle))
    return rule.keeps(day.day, now) if rule else Keep.WHOLE


def stays(columns: Columns) -> Columns:
    """What stays of a day that is thinned."""
    stops = Stops()
    stops.take_fixes(columns.once())
    spans = [(one.since, one.until) for one in stops.done() if isinstance(one, Stop)]
    return columns.take(staying(columns, spans))


class Statistics(NamedTuple):
    due: int  # positions that the rules ask to be thinned or to go, and that are still there
    thinned: int
    gone: int


class Retention:
    def __init__(self, store: Store, rules: list[str], notice_h: float, group_of: Callable[[str], str | None]) -> None:
        self._store = store
        self._written = sorted(rules)
        self._rules = read_rules(rules)
        self._notice_ms = int(notice_h * HOUR_MS)
        self._group_of = group_of
        self._due = self._thinned = self._gone = 0
        self.waits_until: int | None = None  #: before, nothing goes
        self.on_round: Callable[[int], Awaitable[None]] | None = None  # what else is as old as that goes

    @property
    def rules(self) -> Mapping[str, Rule]:
        return self._rules

    def coming(self, days: Iterable[StoredDay], now: int) -> Coming | None:
        return coming(self._rules, days, self._group_of, now)

    def jobs(self) -> list[Job]:
        """Without rules there is one as well: that there are none is noted."""
        return [Job("retention", EVERY_S, self.work, at_once=True)]

    def statistics(self) -> Statistics:
        return Statistics(self._due, self._thinned, self._gone)

    async def due(self, now: int) -> Plan:
        """What is to be done, and when it may begin; the first that looks says so."""
        found = plan(self._rules, await self._store.days() if self._rules else (), self._group_of, now)
        self._due = found.pings
        known, since = await self._store.rules_known()
        if known != self._written:
            since = now
            if await self._store.does_chores():
                await self._store.note_rules(self._written, now)
        starts = since + self._notice_ms
        if found and now < starts and starts != self.waits_until:
            log.warning(
                "the setting `retention` is new or was changed: from %s on, %s. Change it before, or keep a copy "
                "(`tracker backup`)", rfc3339(starts), found,
            )  # fmt: skip
        self.waits_until = starts if found and now < starts else None
        return found

    async def work(
        self, now: int, told: Callable[[float], None] = lambda _share: None, *, at_once: bool = False
    ) -> None:
        """One round. `told` hears how much of it is done; `at_once`: somebody has seen what goes, and wants it."""
        if not await self._store.does_chores():
            return
        due = await self.due(now)
        if self.waits_until is not None and not at_once:
            return
        self.waits_until = None
        whole = due.pings or 1
        drop = sorted(due.drop, key=lambda one: one.day)  # a day of all vehicles may go at once
        for some in batched(drop, self._store.days_at_once):
            going = [(day.n, day.day) for day in some if self._is_still(day, Keep.GONE, now)]
            self._gone += await self._store.drop_days(going)
            self._due -= sum(day.pings for day in some)
            told(1 - self._due / whole)
        for day in due.thin:
            if self._is_still(day, Keep.THINNED, now):
                self._thinned += await self._store.thin_day(day.n, day.day, stays)
            self._due -= day.pings
            told(1 - self._due / whole)
        if self._rules and self.on_round is not None:
            await self.on_round(now)
        if due:
            log.info("retention: %d positions gone, %d thinned away since the start", self._gone, self._thinned)

    def is_over(self, vehicle: str, time: int, now: int) -> bool:
        """Is nothing kept any more of a vehicle's day that was then?"""
        rule = rule_of(self._rules, self._group_of(vehicle))
        return rule is not None and rule.keeps(time - time % DAY_MS, now) is Keep.GONE

    def _is_still(self, day: StoredDay, keep: Keep, now: int) -> bool:
        """Its vehicle may have come into another group while others went."""
        return keep_of(self._rules, day, self._group_of, now) is keep
