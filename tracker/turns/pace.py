"""Pace: how fast each device may send. One that storms waits, or is told to, and costs nobody else anything.

A request costs one, and a tenth for each position in it: a backlog in batches is no storm. What is saved up is enough
for hours of it at once; a device that has used that up goes on at its rate.
"""

from __future__ import annotations

from collections.abc import Mapping

A_POSITION = 0.1
DEBT_S = 10.0  #: the longest one waits, however much came at once

Device = tuple[str, str]  #: the token it shows, and its vehicle


class Pace:
    def __init__(self, rate: float, burst: float) -> None:
        """`rate` 0: nobody is slowed down."""
        self._rate = rate
        self._burst = burst
        self._used: dict[Device, tuple[float, float]] = {}  # what is left, and when that was

    def wait_s(self, token: str, vehicle: str, now: float) -> float:
        """How long until this device may send; 0: now."""
        return max(0.0, -self._left((token, vehicle), now) / self._rate) if self._rate else 0.0

    def spend(self, token: str, positions: Mapping[str, int], now: float, cost: float = 1.0) -> float:
        """For so many positions of each vehicle, and `cost` for the request. How long it has to wait where all of them
        are too fast: then nothing is spent. Beside others nobody holds up the request they share."""
        rate, burst, used = self._rate, self._burst, self._used
        if not rate:
            return 0.0
        lefts: list[float] = []
        for vehicle in positions:
            known = used.get((token, vehicle))
            lefts.append(burst if known is None else min(burst, known[0] + (now - known[1]) * rate))
        if lefts and (most := max(lefts)) <= 0:
            return (1.0 - most) / rate
        debt = -DEBT_S * rate
        for (vehicle, count), left in zip(positions.items(), lefts, strict=True):
            left -= cost + count * A_POSITION
            used[token, vehicle] = (left if left > debt else debt, now)
        return 0.0

    def forget_whole(self, now: float) -> None:
        """Those who have saved up all there is: new ones are the same."""
        for device in [device for device in self._used if self._left(device, now) >= self._burst]:
            del self._used[device]

    def _left(self, device: Device, now: float) -> float:
        known = self._used.get(device)
        return self._burst if known is None else min(self._burst, known[0] + (now - known[1]) * self._rate)
