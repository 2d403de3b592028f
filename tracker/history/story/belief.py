"""Belief: which fixes are where the vehicle was, and when nothing is known of it. Looked at in fix order, once.

Judged by places and times alone: how a fix was taken as it came depends on what had come before it.
"""

from __future__ import annotations

from tracker.history.story.ground import Ground

SILENCE_MS = 600_000  #: no fix for as long is a silence,
USUAL = 2.5  #: unless it takes about as long here from one to the next
FASTEST_MPS, STEADY_MPS = 70.0, 350.0  #: without, and with speeds that say the same
HARDEST_MPS2 = 4.0  #: nobody gathers speed, brakes and turns harder over two steps
NEAR_M = 40.0  #: what is no farther out harms nothing
MOST_STRAYS = 2  #: in a row; the third is where it is
AHEAD = 2  #: later fixes that are looked at

APART_M = 5000.0  #: who is so far away all at once is on another trip
#: there it was; not there; there, though it cannot have driven so; there, and how it came there is not known
BELIEVED, STRAY, LEAPT, ANEW = 0, 1, 2, 3


class Belief:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._before: int | None = None
        self._strays = 0  # in a row

    def judge(self, i: int) -> int:
        """Of the next fix, once AHEAD more are known or it is near the end."""
        ground = self._ground
        if ground.step[i] <= NEAR_M and self._before == i - 1 and ground.t[i] - ground.t[i - 1] < SILENCE_MS:
            self._before, self._strays = i, 0  # as nearly all are
            return BELIEVED
        found = self._look_at(i)
        if found == STRAY:
            self._strays += 1
        else:
            self._before, self._strays = i, 0
        return found

    def _look_at(self, i: int) -> int:
        before, t = self._before, self._ground.t
        if before is None or (t[i] - t[i - 1] >= SILENCE_MS and self._is_silent(i)):
            return ANEW
        after = i + 1 if i + 1 < len(t) else None
        if self._jumps(before, i):
            agrees = after is not None and self._jumps(before, after) and not self._jumps(i, after)
            if not agrees and self._strays < MOST_STRAYS:
                return STRAY
            return LEAPT if self._ground.far(before, i) < APART_M else ANEW
        return STRAY if after is not None and self._is_detour(before, i, after) else BELIEVED

    def _is_silent(self, i: int) -> bool:
        """Longer than is usual here: who reports every half hour is not silent for it."""
        t = self._ground.t
        near = sorted(t[k] - t[k - 1] for k in (i - 2, i - 1, i + 1, i + AHEAD) if 0 < k < len(t))
        return not near or t[i] - t[i - 1] > USUAL * near[len(near) // 2]

    def _jumps(self, i: int, k: int) -> bool:
        """Would it have gone from one to the other faster than anything that drives?"""
        ground = self._ground
        seconds, far = max(ground.seconds(i, k), 1.0), ground.far(i, k)
        if far <= FASTEST_MPS * seconds:
            return False
        implied = (far - ground.accuracy[i] - ground.accuracy[k]) / seconds
        if implied <= FASTEST_MPS:
            return False
        return implied > STEADY_MPS or any(abs(ground.speed[one] - implied) > 0.3 * implied for one in (i, k))

    def _is_detour(self, i: int, j: int, k: int) -> bool:
        """Out and back again, harder than anything that drives."""
        ground = self._ground
        t, known = ground.t, ground.accuracy
        a, b = (t[j] - t[i]) / 1000, (t[k] - t[j]) / 1000
        out, back, hard = ground.far(i, j), ground.step[k], HARDEST_MPS2 * (a + b) / 2
        hard += (known[i] + known[j]) / a + (known[j] + known[k]) / b
        if out <= NEAR_M or out / a + back / b <= hard:
            return False
        x, y, z = ground.x, ground.y, ground.z
        dx = (x[k] - x[j]) / b - (x[j] - x[i]) / a
        dy = (y[k] - y[j]) / b - (y[j] - y[i]) / a
        dz = (z[k] - z[j]) / b - (z[j] - z[i]) / a
        return dx * dx + dy * dy + dz * dz > hard * hard and ground.far(i, k) < out
