"""Pressed: which message with an alarm begins one. An alarm is a fact of the message, wherever its fix was.

Messages that follow one another by fix time with the same text are one alarm; a fix without it ends it, or a quarter of
an hour without one. They may come in any order, and again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tracker.fleet.vehicle import PLACE_BITS, Alarm

OVER_MS = 900_000  #: so long without a fix that repeats it, an alarm is over
MOST_ALARMS = 16  #: remembered of one vehicle, those heard last


def begins(alarms: list[Alarm], fixes: Sequence[int], text: str, time: int) -> bool:
    """Take a message into the alarms of its vehicle. True when it belongs to none of them: then one begins.

    `fixes`: those known of the vehicle, as it keeps them.
    """
    for at in range(len(alarms) - 1, -1, -1):
        alarm = alarms[at]
        if alarm.text == text and _joins(alarms, alarm, fixes, time):
            alarm.first, alarm.last = min(alarm.first, time), max(alarm.last, time)
            alarms.append(alarms.pop(at))
            return False
    alarms.append(Alarm(text, time, time))
    del alarms[:-MOST_ALARMS]
    return True


def _joins(alarms: list[Alarm], alarm: Alarm, fixes: Sequence[int], time: int) -> bool:
    if alarm.first <= time <= alarm.last:
        return True
    begin, end = (alarm.last, time) if time > alarm.last else (time, alarm.first)
    if end - begin > OVER_MS:
        return False
    at = bisect_left(fixes, (begin + 1) << PLACE_BITS)
    if at < len(fixes) and fixes[at] >> PLACE_BITS < end:
        return False  # a fix between them had none
    return not any(begin < edge < end for other in alarms if other is not alarm for edge in (other.first, other.last))
