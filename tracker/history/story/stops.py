"""Stops: where a vehicle stood, and for how long; found in one pass over its fixes, any number of them at a time.

A vehicle stands while its fixes stay near the middle (the median) of those that came before. How near follows how
well they are known: R = max(40 m, 2.5 × accuracy). Two fixes in a row outside end it; one alone is a stray. It counts
from when it arrived, which lies between two fixes, to its last fix inside: what comes after a silence says nothing of
how long it stood before. So a silence is a state of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from math import dist
from typing import NamedTuple

from tracker.history.story.belief import AHEAD, ANEW, BELIEVED, LEAPT, Belief
from tracker.history.story.ground import Ground
from tracker.model.columns import Columns

RADIUS_M, TIMES_ACCURACY = 40.0, 2.5
LEAST_MS = 120_000  #: who stands for less has not stopped: it waits
CREEPS_MPS = 2.0  #: who is faster does not begin to stand
ARRIVED_M, ARRIVED_ACCURACY = 15.0, 1.5  #: as near to the middle as this it has arrived
BRAKES_MPS2 = 2.0
ASTRAY = 2.5  #: radii; who was no farther away, and is back, never left
FEW, SETTLED = 4, 32  #: fixes: the middle is looked for with each, then each fourth, then when they are twice as many

Place = tuple[float, float, float]


class Stop(NamedTuple):
    first: int  # of its fixes, by their number in what was taken
    leaves: int  # the last where it stood,
    last: int  # and the last inside
    since: int
    until: int
    lat: float  # of the fix nearest to the middle: nothing is told that no fix said
    lon: float
    corrected: tuple[str, ...] = ()  # by these corrections


class Silence(NamedTuple):
    """Between two fixes, of which nothing is known."""

    before: int
    after: int


def radius_m(ground: Ground, i: int) -> float:
    """As far from where it stands this fix may be."""
    return max(RADIUS_M, TIMES_ACCURACY * ground.accuracy[i])


class Stops:
    """`take_fixes` in fix order; once they are `done`, all is `found`, and `runs` are the fixes that are believed."""

    def __init__(self) -> None:
        self.ground = Ground()
        self.found: list[Stop | Silence] = []
        self.runs: list[list[int]] = []  # one from silence to silence
        self._belief = Belief(self.ground)
        self._next = 0  # to be looked at
        self._in: list[int] = []  # fixes of a stop, or of what may become one
        self._out = False  # was the newest fix outside?
        self._middle: Place = (0.0, 0.0, 0.0)
        self._left: tuple[list[int], Place] | None = None  # the stop it has left, as long as it may be back

    def take_fixes(self, columns: Columns) -> None:
        self.ground.take_fixes(columns)
        self._look(len(self.ground) - AHEAD)

    def done(self) -> list[Stop | Silence]:
        self._look(len(self.ground))
        self._close()
        return self.found

    def _look(self, end: int) -> None:
        ground, judge, see = self.ground, self._belief.judge, self._see
        x, y, z = ground.x, ground.y, ground.z
        run = self.runs[-1] if self.runs else []
        for i in range(self._next, end):
            belief = judge(i)
            if belief == BELIEVED:
                run.append(i)
                if self._in and self._left is None and dist((x[i], y[i], z[i]), self._middle) <= RADIUS_M:
                    self._out = False  # as `_see` would find: it stands most of the time
                    self._add(i)
                else:
                    see(i, run[-2])
            elif belief == LEAPT:
                run.append(i)
                ground.leaps.add(i)
                self._rest()
            elif belief == ANEW:
                self._part(i)
                run = self.runs[-1]
        self._next = max(self._next, end)

    def _part(self, i: int) -> None:
        self._rest()
        if self.runs:
            self.found.append(Silence(self.runs[-1][-1], i))
        self.runs.append([i])

    def _rest(self) -> None:
        """What comes is elsewhere."""
        self._close()
        self._in, self._out, self._left = [], False, None

    def _see(self, i: int, before: int) -> None:
        if self._left is not None and self._is_back(i, before):
            return
        if not self._in:
            self._open(i, before)
        elif self._is_near(i, self._middle):
            self._out = False
            self._add(i)
        elif self._out and self._is_out_between(before, i):
            self._leave(before, i)
        else:
            self._out = True

    def _open(self, i: int, before: int) -> None:
        """Little lies between two fixes: it creeps, or stands."""
        ground = self.ground
        far = ground.step[i] if before == i - 1 else ground.far(before, i)
        slack = ground.accuracy[before] + ground.accuracy[i]
        if far <= radius_m(self.ground, i) and far <= CREEPS_MPS * ground.seconds(before, i) + slack:
            self._gather([before, i])

    def _is_near(self, i: int, middle: Place, radii: float = 1.0) -> bool:
        far = self._far(i, middle)
        return far <= RADIUS_M * radii or far <= radius_m(self.ground, i) * radii

    def _is_out_between(self, i: int, k: int) -> bool:
        """On the same side: noise throws fixes to all."""
        ground, (x, y, z) = self.ground, self._middle
        dx, dy, dz = (
            (ground.x[i] + ground.x[k]) / 2 - x,
            (ground.y[i] + ground.y[k]) / 2 - y,
            (ground.z[i] + ground.z[k]) / 2 - z,
        )
        return dx * dx + dy * dy + dz * dz > max(radius_m(self.ground, i), radius_m(self.ground, k)) ** 2

    def _far(self, i: int, place: Place) -> float:
        ground = self.ground
        return dist((ground.x[i], ground.y[i], ground.z[i]), place)

    def _gather(self, fixes: list[int]) -> None:
        self._in, self._out = fixes, False
        if fixes:
            self._middle = self.ground.middle(fixes)

    def _add(self, i: int) -> None:
        self._in.append(i)
        count = len(self._in)
        if count <= FEW or (count <= SETTLED and count % 4 == 0) or count & (count - 1) == 0:
            self._middle = self.ground.middle(self._in)

    def _leave(self, first: int, second: int) -> None:
        """Two fixes in a row are outside."""
        known, last = self._in, self._in[-1]
        if self._close():
            self._left = known, self._middle
            self._in = []
        else:  # it may have come to stand while it was leaving
            near = len(known)
            while near > 1 and self.ground.far(known[near - 1], first) <= radius_m(self.ground, first) / 2:
                near -= 1
            self._gather(known[near:])
        self._see(first, last)
        self._see(second, first)

    def _is_back(self, i: int, before: int) -> bool:
        assert self._left is not None
        fixes, middle = self._left
        if not self._is_near(i, middle, ASTRAY):
            self._left = None
        elif before > fixes[-1] and self._is_near(i, middle) and self._is_near(before, middle):
            self.found.pop()
            self._left = None
            self._in, self._out, self._middle = [], False, middle
            if len(fixes) < SETTLED:
                self._gather(fixes)
            else:
                self._in = fixes
            self._add(before)
            self._add(i)
            return True
        return False

    def _close(self) -> bool:
        """A stop, if it stood for long enough."""
        t, fixes = self.ground.t, self._in
        if not fixes or t[fixes[-1]] - t[fixes[0]] < LEAST_MS / 2:
            return False
        middle = self.ground.middle(fixes)
        first = fixes[0]
        if first != self.runs[-1][0]:  # otherwise it was there already
            first = next((i for i in fixes if self._has_arrived(i, middle)), first)
        earlier = self.found[-1] if self.found else None
        began = earlier.until if isinstance(earlier, Stop) else 0
        since, until = max(began, self._arrival(first, middle)), t[fixes[-1]]
        if until - since < LEAST_MS:
            return False
        leaves = next((i for i in reversed(fixes) if self._has_arrived(i, middle)), fixes[-1])
        place = self.ground.place(min(fixes, key=lambda i: self._far(i, middle)))
        self.found.append(Stop(first, max(first, leaves), fixes[-1], since, until, *place))
        self._left = None
        return True

    def _has_arrived(self, i: int, middle: Place) -> bool:
        return self._far(i, middle) <= max(ARRIVED_M, ARRIVED_ACCURACY * self.ground.accuracy[i])

    def _arrival(self, first: int, middle: Place) -> int:
        """As if it had come on from the fix before as fast as it came to that, and braked."""
        ground, run = self.ground, self.runs[-1]
        at = bisect_left(run, first)
        if at < 2:
            return ground.t[first]
        before, earlier = run[at - 1], run[at - 2]
        speed = ground.far(earlier, before) / max(ground.seconds(earlier, before), 0.001)
        took = self._far(before, middle) / speed + speed / BRAKES_MPS2 / 2 if speed else 0.0
        return min(ground.t[first], ground.t[before] + round(took * 1000))
