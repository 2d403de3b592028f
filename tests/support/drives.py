"""A van on a grid of streets, as its receiver tells it: drives of some minutes, lights, stops; seeded."""

from __future__ import annotations

from random import Random

import numpy as np

from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping
from tracker.reports.thin import DEGREE_M

LAT, LON = 60.17, 24.94
BLOCK_M = 150.0
WAYS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def drive(seed: int, since: int, seconds: int, every_s: int = 5, noise_m: float = 3.0) -> Columns:
    random = Random(seed)
    x = y = speed = left_m = 0.0
    way, stands_until, ends = 0, 0, random.randrange(300, 1500)
    wander = [0.0, 0.0]
    shrink = float(np.cos(np.radians(LAT)))
    fixes = []
    for second in range(0, seconds, every_s):
        if second >= ends:
            stands_until = second + random.randrange(180, 1200)
            ends = stands_until + random.randrange(300, 1500)
        target = 0.0 if second < stands_until else random.choice((6.0, 11.0, 14.0))
        speed = max(0.0, speed + max(-3.0 * every_s, min(1.5 * every_s, target - speed)))
        left_m -= speed * every_s
        if left_m <= 0 and speed:
            way, left_m = (way + random.choice((0, 0, 1, 3))) % 4, BLOCK_M * random.randrange(1, 5)
            if abs(x) > 4000 or abs(y) > 4000:
                way = (0 if abs(x) > 4000 and x < 0 else 2) if abs(x) > 4000 else (1 if y < 0 else 3)
        x, y = x + WAYS[way][0] * speed * every_s, y + WAYS[way][1] * speed * every_s
        wander = [0.9 * one + random.gauss(0, noise_m * 0.4) for one in wander]
        lat, lon = LAT + (y + wander[1]) / DEGREE_M, LON + (x + wander[0]) / (DEGREE_M * shrink)
        time = since + 1000 * second
        fixes.append(StoredPing(1, Ping("van", time, round(lat, 7), round(lon, 7), speed, accuracy_m=5.0), time + 700))
    return Columns.from_pings(fixes)
