"""Cause: one thing that may make events (a fix, an edit, a window, a timer), and the words of those events."""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import Any

from tracker.fleet.membership import thresholds
from tracker.fleet.vehicle import Seen, Touch, Visit, Why
from tracker.model.events import DELAYED_MS, Event, event_id
from tracker.model.ping import Ping
from tracker.regions.region import Region


class Occasion:
    """Why events are made: their reason, their time, and the cause their ids are hashed from.

    `before` and `ping` are the two fixes that decided; an edit, a window or a timer has only the newest.
    """

    __slots__ = ("apart", "before", "cause", "delayed", "events", "now", "ping", "reason", "time", "until")

    def __init__(
        self, reason: str, time: int, cause: str | int, now: int, delayed: bool, ping: Ping, before: Ping | None = None
    ) -> None:
        self.reason = reason
        self.time = time
        self.cause = cause
        self.now = now
        self.delayed = delayed
        self.ping = ping
        self.before = before
        self.until = time  # when a visit that ends here ended
        self.apart = False  # `ping` decided nothing: where it was made says nothing of where the vehicle is
        self.events: list[Event] = []

    @classmethod
    def of_fix(cls, ping: Ping, before: Ping | None, now: int) -> Occasion:
        reason = "first_seen" if before is None else "moved"
        return cls(reason, ping.time, ping.time, now, now - ping.time > DELAYED_MS, ping, before)

    def make(
        self,
        kind: str,
        region: Region | None = None,
        *,
        why: Why | None = None,
        cause: str | int | None = None,
        time: int | None = None,
        reason: str | None = None,
        seen: Seen | None = None,
        **detail: Any,
    ) -> None:
        """Add an event of this occasion; what is not given is the occasion's. `seen`: the fix it is told at."""
        ping, id, version = self.ping, None, None
        if region is not None:
            id, version = region.id, region.version
            detail["why"] = (why or self.why(region)).told()
        elif self.apart:
            detail["apart"] = True
        at = seen or ping
        self.events.append(
            Event(
                event_id(kind, ping.vehicle, id, self.cause if cause is None else cause),
                kind,
                ping.vehicle,
                self.time if time is None else time,
                self.now,
                reason or self.reason,
                at.lat,
                at.lon,
                id,
                version,
                self.delayed,
                detail,
            )
        )

    def enter(self, region: Region, received: int | None = None) -> Visit:
        """`received`: when this was known, if not just now."""
        why = self.why(region)
        self.make("enter", region, why=why)
        speed_mps = -1.0 if self.ping.speed_mps is None else self.ping.speed_mps
        return Visit(self.time, received or self.now, speed_mps, why=why)

    def exit(self, region: Region, visit: Visit) -> None:
        detail: dict[str, Any] = {"entered_at": visit.entered_at, "duration_s": self.since(visit.entered_at)}
        if visit.top_mps >= 0:
            detail["max_speed_mps"] = visit.top_mps
        self.make("exit", region, **detail)

    def leave_region(self, region: Region, visit: Visit) -> None:
        """An exit that no fix made: what ran in the region ends with it."""
        self.exit(region, visit)
        if visit.over_told:
            self.overspeed_end(region, visit)

    def cross(self, region: Region, touch: Touch) -> None:
        self.make(
            "cross",
            region,
            entered_at=touch.entered_at,
            exited_at=touch.exited_at,
            duration_s=(touch.exited_at - touch.entered_at) / 1000,
            chord_m=round(touch.chord_m, 1),
        )

    def dwell(self, region: Region, visit: Visit) -> None:
        """Whoever finds out, a fix or a timer: the event is that of the enter, so many seconds later."""
        visit.dwelled = True
        after_s = region.rules.dwell_s
        known: dict[str, Any] = {"reason": "timer", "time": dwell_at(region, visit)}
        if visit.why is not None:  # None: it began before we kept this
            known |= {"why": visit.why, "seen": visit.why.to}
            visit.why = None
        cause = f"{visit.entered_at}+{after_s:g}"
        self.make("dwell", region, cause=cause, entered_at=visit.entered_at, dwell_s=after_s, **known)

    def overspeed_start(self, region: Region, visit: Visit, speed_mps: float) -> None:
        visit.over_told = True
        limit = region.rules.speed_limit_mps
        self.make("overspeed_start", region, speed_mps=speed_mps, limit_mps=limit, began_at=visit.over_since)

    def overspeed_end(self, region: Region, visit: Visit) -> None:
        self.make(
            "overspeed_end",
            region,
            limit_mps=region.rules.speed_limit_mps,
            max_speed_mps=visit.over_top_mps,
            began_at=visit.over_since,
            duration_s=self.since(visit.over_since),
        )
        visit.over_told = False

    def by_our_clock(self) -> Occasion:
        """`time` is no fix time. A vehicle whose fixes are of long ago did not stay until now."""
        if self.delayed:
            self.until = self.ping.time
        return self

    def since(self, time: int) -> float:
        """Seconds from then to now."""
        return max(0, self.until - time) / 1000

    def why(self, region: Region) -> Why:
        """What decided: the fixes, their distance to the edge (negative inside), and the thresholds, in metres."""
        deep, clear = thresholds(region, self.ping.accuracy_m)
        return Why(
            _seen(region, self.ping),
            None if self.before is None else _seen(region, self.before),
            _tenths(0.0 - deep),
            _tenths(clear),
            region.debounce,
        )


def dwell_at(region: Region, visit: Visit) -> int:
    """The instant, by the clock of the fixes, at which a visit has lasted long enough."""
    return visit.entered_at + round((region.rules.dwell_s or 0) * 1000)


@lru_cache(4096, typed=True)
def _tenths(metres: float) -> float:
    """Rounded. The thresholds of most visits are a handful of numbers: kept once, not twice a visit."""
    return round(metres, 1)


def _seen(region: Region, ping: Ping) -> Seen:
    edge_m = region.shape.signed_distance_m(ping.lat, ping.lon)
    known_m = round(edge_m, 1) if isfinite(edge_m) else None  # the whole world has no edge
    return Seen(ping.time, ping.lat, ping.lon, ping.accuracy_m, known_m)
