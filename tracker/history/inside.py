"""Inside: who was here. When one vehicle was in a shape, from its fixes and the lines between them.

What is not believed says nothing: a fix that was held, one of poor accuracy, one to which and from which nobody drives
so fast. The others decide as they lie; on the boundary is inside. Between two of them,

- up to five minutes apart and no faster than anything drives, the straight line says when the boundary was crossed, and
  that somebody only passed through;
- up to a day apart silence is no exit: two fixes inside are one visit. Who came or went meanwhile was here from, or
  until, the fix inside at least;
- further apart nothing is known: a visit ends with its last fix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from tracker.fleet import jumps
from tracker.fleet.membership import CROSS_GAP_MS
from tracker.geometry.antimeridian import lerp, wrap
from tracker.geometry.places import covered, touching
from tracker.geometry.shape import Shape
from tracker.model.columns import NOT_SAID, Columns
from tracker.model.commit import APART, HELD
from tracker.model.outline import Excerpt, Mask
from tracker.model.ping import Ping

SILENT_MS = 86_400_000  #: so long nobody is taken to have left who says nothing

CROSSED, FIX, BEYOND = "crossed", "fix", "beyond"  #: how the end of a visit is known

Place = tuple[float, float]  # lat, lon
Line = tuple[float, float, float, float]  # lat, lon of one end, of the other; the short way round


class Limits(jumps.Limits, Protocol):
    @property
    def max_accuracy_m(self) -> float: ...


class End(NamedTuple):
    """`how`: where the line crosses the boundary; at a fix inside, with nothing known beyond it; or beyond what was
    asked for, which has neither time nor place."""

    how: str
    at: int | None = None  # ms
    place: Place | None = None


class Visit(NamedTuple):
    entry: End
    exit: End
    since: int  # ms: what of it was asked for
    until: int
    fixes: int
    passed_through: bool  # between two fixes outside
    silent_ms: int  # the longest time of it without a fix


def credible(fixes: Columns, limits: Limits) -> Mask:
    """Which of them are believed."""
    which: Mask = (fixes.taken != HELD) & (fixes.taken != APART) & ((fixes.lat != 0) | (fixes.lon != 0))
    which &= fixes.accuracy <= limits.max_accuracy_m * 100
    return which


def believed(fixes: Columns, limits: Limits) -> Columns:
    which = credible(fixes, limits)
    return fixes if which.all() else fixes.take(which)


def inside(
    shape: Shape, fixes: Columns | Excerpt, since: int, until: int, limits: Limits, stays: bool = True
) -> Iterator[Visit]:
    """The visits of a vehicle that reach into since <= time < until, in order.

    `fixes` are those `believed` of that time, and before and after it as far as one fix, or a day. `stays`: who is
    inside at the last of them says nothing since; else there may be more that is not told.
    """
    track = fixes if isinstance(fixes, Excerpt) else Excerpt.whole(fixes)
    return _Drive(shape, track, limits).visits(since, until, stays)


class _Drive:
    """The fixes, without single ones that are elsewhere, and which are inside."""

    def __init__(self, shape: Shape, track: Excerpt, limits: Limits) -> None:
        self._shape, self._limits = shape, limits
        self._keep(track, slice(None))
        alone = self._inside[1:-1] & ~self._inside[:-2] & ~self._inside[2:]
        alone |= ~self._inside[1:-1] & self._inside[:-2] & self._inside[2:]
        wrong = [i for i in (np.flatnonzero(alone) + 1).tolist() if self._jumps(i - 1) and self._jumps(i)]
        if wrong:
            self._keep(track, np.delete(np.arange(len(self._times)), wrong))

    def _keep(self, track: Excerpt, which: Any) -> None:
        fixes = track.fixes
        self._times, self._speeds, self._accuracies = fixes.time[which], fixes.speed[which], fixes.accuracy[which]
        self._lats, self._lons = fixes.lat[which] / 1e7, fixes.lon[which] / 1e7
        self._left, self._silent = track.left[which], track.silent[which]
        self._inside = covered(self._shape, self._lats, self._lons)

    def visits(self, since: int, until: int, stays: bool) -> Iterator[Visit]:
        gaps, hole = np.diff(self._times), np.diff(self._left) > 0
        gaps[hole] = self._silent[1:][hole]
        out = ~self._inside
        asked = out[:-1] & out[1:] & (gaps <= CROSS_GAP_MS) & ~hole
        passes = touching(self._shape, self._lats, self._lons, asked)
        fresh = self._inside.copy()  # a stay begins
        fresh[1:] &= out[:-1] | (gaps > SILENT_MS)
        ends = self._inside.copy()
        ends[:-1] &= out[1:] | (gaps > SILENT_MS)
        lasts = dict(zip(np.flatnonzero(fresh).tolist(), np.flatnonzero(ends).tolist(), strict=True))
        for i in sorted([*lasts, *passes.tolist()]):
            found = self._stay(i, lasts[i], until, stays) if i in lasts else self._pass(i)
            if found is not None and _at(found[1]) >= since and _at(found[0]) < until:
                yield self._visit(*found, since, until, i not in lasts)

    def _stay(self, first: int, last: int, until: int, stays: bool) -> tuple[End, End]:
        entry, exit = self._fix(first), self._fix(last)
        if first and (crossed := self._crossing(first - 1)):
            entry = crossed[0]
        if last + 1 < len(self._times):
            if crossed := self._crossing(last):
                exit = crossed[1]
        elif stays and _at(exit) + SILENT_MS >= until:
            exit = End(BEYOND, max(until, _at(exit)))
        return entry, exit

    def _pass(self, i: int) -> tuple[End, End] | None:
        return self._crossing(i)

    def _visit(self, entry: End, exit: End, since: int, until: int, passed: bool) -> Visit:
        begins, ends = max(_at(entry), since), min(_at(exit), until)
        first, last = np.searchsorted(self._times, (begins, min(ends + 1, until))).tolist() if not passed else (0, 0)
        seen, left = self._times[first:last], self._left[first:last]
        steps = np.diff(np.concatenate(([begins], seen, [ends])))
        steps[1:-1] = np.where(np.diff(left) > 0, self._silent[first + 1 : last], steps[1:-1])
        before, after = _at(entry) < since, _at(exit) >= until
        return Visit(
            End(BEYOND) if before else entry,
            End(BEYOND) if after else exit,
            begins,
            ends,
            len(seen) + int(left[-1] - left[0] if len(left) else 0),
            passed,
            int(steps.max()),
        )

    def _fix(self, i: int) -> End:
        return End(FIX, int(self._times[i]), (float(self._lats[i]), float(self._lons[i])))

    def _crossing(self, i: int) -> tuple[End, End] | None:
        """Where the line from fix i to the next first and last touches the shape; None: nowhere, or it is no line."""
        begins, gap = int(self._times[i]), int(self._times[i + 1] - self._times[i])
        if gap > CROSS_GAP_MS or self._jumps(i):
            return None
        line = self._line(i)
        touched = self._shape.crossing(*line)
        if touched is None:
            return None
        ends = [(begins + round(t * gap), lerp(*line, t)) for t in touched]
        first, last = (End(CROSSED, at, (lat, wrap(lon))) for at, (lat, lon) in ends)
        return first, last

    def _line(self, i: int) -> Line:
        lat1, lat2 = self._lats[i : i + 2].tolist()
        lon1, lon2 = self._lons[i : i + 2].tolist()
        if lon2 - lon1 > 180:
            lon1 += 360
        elif lon1 - lon2 > 180:
            lon2 += 360
        return lat1, lon1, lat2, lon2

    def _jumps(self, i: int) -> bool:
        before, after = self._ping(i), self._ping(i + 1)
        return jumps.jumps(self._limits, before, after, before)

    def _ping(self, i: int) -> Ping:
        speed, accuracy = int(self._speeds[i]), int(self._accuracies[i])
        return Ping(
            "",
            int(self._times[i]),
            float(self._lats[i]),
            float(self._lons[i]),
            None if speed == NOT_SAID else speed / 1e3,
            accuracy_m=accuracy / 100 if accuracy > 0 else None,
        )


def _at(end: End) -> int:
    assert end.at is not None
    return end.at
