"""Way: how a vehicle went from one place to another: how far, how fast, and when it waited.

It is measured from one fix to the next that is surely elsewhere: what a receiver wavers about at a light is no way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.fleet.states import MOVING_MPS
from tracker.history.story.belief import FASTEST_MPS, STEADY_MPS
from tracker.history.story.ground import Floats, Ground

ELSEWHERE_M, TIMES_ACCURACY = 25.0, 3.0  #: so far from the last fix that counted the next one counts
CHANGE_MPS2, CHANGE_MPS = (
    3.0,
    10.0,
)  #: how far a speed can be above that from fix to fix: so fast, and twice it and this

Place = tuple[float, float]
Span = tuple[int, int]


class Way(NamedTuple):
    """What counts of its fixes."""

    times: npt.NDArray[np.int64]
    places: list[Place]
    metres: Floats  # from its start, at each
    waits: list[Span]  # when it stood, or nearly
    speeds: Floats  # the highest since the one before that can be believed, m/s; below 0: not known

    def metres_in(self, since: int, until: int) -> float:
        begin, end = np.interp((since, until), self.times, self.metres)
        return float(end - begin)

    def waited_ms(self, since: int, until: int) -> int:
        return sum(max(0, min(end, until) - max(begin, since)) for begin, end in self.waits)

    def fastest_mps(self, since: int, until: int) -> float | None:
        touched = (self.times[1:] > since) & (self.times[:-1] < until)
        best = float(self.speeds[1:][touched].max(initial=-1.0))
        return None if best < 0 else best


def way_of(ground: Ground, fixes: list[int], since: int, until: int, *, moved: bool) -> Way | None:
    """Of these fixes, from when it set out to when it arrived; None when it stayed where it was. `moved`: it did not,
    however short the way."""
    t, speed = ground.t, ground.speed
    counted, metres, speeds = [fixes[0]], [0.0], [-1.0]
    stood: list[Span] = []
    anchor = near = before = fixes[0]  # the last that counted; the newest that is not surely elsewhere
    said = -1.0
    for i, after in zip(fixes[1:], [*fixes[2:], fixes[-1]], strict=True):
        if speed[i] >= 0 and speed[i] > said and _is_believed(ground, before, i, after):
            said = speed[i]
        before = i
        elsewhere = max(ELSEWHERE_M, TIMES_ACCURACY * ground.accuracy[i])
        far = ground.far(anchor, i)
        if far <= elsewhere:
            near = i
            continue
        if ground.seconds(anchor, near) * MOVING_MPS > elsewhere:
            stood.append((t[anchor], (t[near] + t[i]) // 2))
        counted.append(i)
        if i in ground.leaps:
            metres.append(metres[-1])
            speeds.append(-1.0)
        else:
            metres.append(metres[-1] + far)
            mean = min(FASTEST_MPS, far / max(ground.seconds(anchor, i), 1.0))
            speeds.append(said if said >= mean / 2 else mean)  # some say 0 whatever they do
        anchor = near = i
        said = -1.0
    if len(counted) < 2 and not moved:
        return None
    if near != anchor:  # the rest of it
        if ground.seconds(anchor, near) * MOVING_MPS > ELSEWHERE_M:
            stood.append((t[anchor], t[near]))
        counted.append(near)
        metres.append(metres[-1] + ground.far(anchor, near))
        speeds.append(said)
    times = np.array([t[i] for i in counted], np.int64)
    times[0], times[1:] = since, np.maximum(times[1:], since + 1)
    times[-1] = max(until, int(times[-2]))
    if any(speed[i] >= MOVING_MPS for i in fixes):  # its speeds know better
        stood = _slow(ground, fixes)
    waits = [(max(begin, since), min(end, until)) for begin, end in stood if begin < until and end > since]
    return Way(times, [ground.place(i) for i in counted], np.array(metres), waits, np.array(speeds))


def _slow(ground: Ground, fixes: list[int]) -> list[Span]:
    """When its speeds say that it hardly moved: from half the way to such a fix to half the way to the next other."""
    t, spans = ground.t, list[Span]()
    for at, i in enumerate(fixes):
        if not 0 <= ground.speed[i] < MOVING_MPS:
            continue
        begin = (t[fixes[at - 1]] + t[i]) // 2 if at else t[i]
        end = (t[i] + t[fixes[at + 1]]) // 2 if at + 1 < len(fixes) else t[i]
        if spans and spans[-1][1] == begin:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans


def _is_believed(ground: Ground, before: int, i: int, after: int) -> bool:
    """Can it have been so fast, going by what it did since the fix before, or until the one after?"""
    return _agrees(ground, ground.speed[i], before, i) or (after != i and _agrees(ground, ground.speed[i], i, after))


def _agrees(ground: Ground, said: float, i: int, k: int) -> bool:
    seconds, far = max(ground.seconds(i, k), 0.001), ground.far(i, k)
    if said > FASTEST_MPS:
        return said <= STEADY_MPS and abs(said - far / seconds) <= 0.3 * said
    mean = (far + ground.accuracy[i] + ground.accuracy[k]) / seconds
    return said <= mean + min(CHANGE_MPS2 * seconds / 2, mean + CHANGE_MPS)
