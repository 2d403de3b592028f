"""Detectors: the events of one fix, in their order: exits, crosses, enters, then what time, speed and vehicle say."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tracker.fleet.cause import Occasion
from tracker.fleet.membership import Moves
from tracker.fleet.vehicle import PLACE_BITS, PLACE_MASK, UNPLACED, Alarm, Vehicle, Visit
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region


def tell(book: RegionBook, vehicle: Vehicle, moves: Moves | None, occasion: Occasion) -> None:
    """Region events of a fix: where the vehicle went, then the rules of the regions it is in."""
    regions = book.regions
    if moves is not None:
        for key, visit in moves.exits:
            occasion.exit(regions[key], visit)
        for key, touch in moves.crosses:
            occasion.cross(regions[key], touch)
        for key in moves.enters:
            vehicle.visits[key] = occasion.enter(regions[key])
        for key, visit in moves.exits:
            if visit.over_told:
                occasion.overspeed_end(regions[key], visit)
    if (speed_mps := occasion.ping.speed_mps) is None:
        return
    for key in sorted(vehicle.visits):
        if (limit_mps := regions[key].rules.speed_limit_mps) is not None:
            _pace(regions[key], vehicle.visits[key], occasion, speed_mps, limit_mps)


def is_watched(region: Region, visit: Visit) -> bool:
    """Has this visit rules that the next fix must be held against?"""
    return region.rules.speed_limit_mps is not None or (region.rules.dwell_s is not None and not visit.dwelled)


def _pace(region: Region, visit: Visit, occasion: Occasion, speed_mps: float, limit_mps: float) -> None:
    if speed_mps > limit_mps:
        visit.over_since = visit.over_since or occasion.time
        visit.over_top_mps = max(visit.over_top_mps, speed_mps)
        if not visit.over_told and occasion.time - visit.over_since >= region.rules.min_s * 1000:
            occasion.overspeed_start(region, visit, speed_mps)
    elif visit.over_since:
        if visit.over_told:
            occasion.overspeed_end(region, visit)
        visit.over_since, visit.over_top_mps = 0, 0.0


class BatteryLimits(Protocol):
    @property
    def low_battery_pct(self) -> float: ...
    @property
    def battery_ok_pct(self) -> float: ...


def report(vehicle: Vehicle, ping: Ping, occasion: Occasion, limits: BatteryLimits) -> None:
    """Events of the vehicle itself. Called before `ping` becomes its newest."""
    if vehicle.silent:
        vehicle.silent = False
        occasion.make("heard", reason="reported", silent_s=(occasion.now - vehicle.received_at) / 1000)
    if ping.battery_pct is not None:
        if vehicle.low:
            vehicle.low = ping.battery_pct < limits.battery_ok_pct
        elif ping.battery_pct < limits.low_battery_pct:
            vehicle.low = True
            occasion.make("low_battery", reason="reported", battery_pct=ping.battery_pct)


def charge(vehicle: Vehicle, ping: Ping) -> None:
    """A message without a place knows the battery better than the newest fix."""
    if ping.battery_pct is not None:
        before = vehicle.ping
        vehicle.ping = msgspec.structs.replace(before, battery_pct=ping.battery_pct)
        if vehicle.sure is before:
            vehicle.sure = vehicle.ping


# -- alarms: facts of messages, wherever their fixes were. Those that follow one another by fix time with the same text
# are one; a fix without it ends it, or a quarter of an hour without one. They may come in any order, and again.

OVER_MS = 900_000  #: so long without a fix that repeats it, an alarm is over
MOST_ALARMS = 16  #: remembered of one vehicle, those heard last


KNOWN, LONGER, BEGUN = range(3)  #: what a message does to the alarms of its vehicle: nothing that is told by others


def ring_alarm(alarms: list[Alarm], fixes: Sequence[int], text: str, time: int) -> int:
    """Take a message into the alarms of its vehicle. BEGUN when it belongs to none of them: then one begins.

    `fixes`: those known of the vehicle, as it keeps them.
    """
    for at in range(len(alarms) - 1, -1, -1):
        alarm = alarms[at]
        if alarm.text == text and _joins(alarms, alarm, fixes, time):
            did = KNOWN if alarm.first <= time <= alarm.last else LONGER
            alarm.first, alarm.last = min(alarm.first, time), max(alarm.last, time)
            alarms.append(alarms.pop(at))
            return did
    alarms.append(Alarm(text, time, time))
    del alarms[:-MOST_ALARMS]
    return BEGUN


def _joins(alarms: list[Alarm], alarm: Alarm, fixes: Sequence[int], time: int) -> bool:
    if alarm.first <= time <= alarm.last:
        return True
    begin, end = (alarm.last, time) if time > alarm.last else (time, alarm.first)
    if end - begin > OVER_MS:
        return False
    at = bisect_left(fixes, (begin + 1) << PLACE_BITS)
    while at < len(fixes) and fixes[at] >> PLACE_BITS < end:
        if fixes[at] & PLACE_MASK != UNPLACED:
            return False  # a fix between them had none
        at += 1
    return not any(begin < edge < end for other in alarms if other is not alarm for edge in (other.first, other.last))
