"""Who was here, of whom only what makes a difference is unpacked, against who was here by every fix there is."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.geometry.shape import Shape
from tracker.history.inside import SILENT_MS, believed, credible, inside
from tracker.history.meeting import Meeting
from tracker.model import outline
from tracker.model.commit import APART, HELD, LATE, LIVE, Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores import segments
from tracker.stores.sqlite import schema
from tracker.stores.sqlite.past import looked
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_035_200_000  # the beginning of a day
MINUTE, DAY = 60_000, 86_400_000
LIMITS = FleetSettings()
BLOCK = 4
SPOTS = 9


@pytest.fixture(autouse=True)
def blocks_are_short(monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (outline, segments, looked):
        monkeypatch.setattr(module, "BLOCK", BLOCK)
    for cut in (segments._pages, segments._blocks):
        cut.cache_clear()
    yield
    for cut in (segments._pages, segments._blocks):
        cut.cache_clear()


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    monkeypatch.setattr(schema, "SYNCHRONOUS", "OFF")
    store = SqliteStore(str(tmp_path / "data"))
    await store.open()
    yield store
    await store.close()


def driven(chance: random.Random, n: int, lon: float) -> list[StoredPing]:
    """Stands, drives on, is thrown about, is silent; across days, with all that is not believed, some of it late."""
    time, at, step = T0 + chance.randrange(DAY), chance.uniform(0, SPOTS), 0.0
    doubtful = chance.choice((0, 0, 0.02, 0.5))
    late = chance.choice((0, 0, 0.05))
    pings = []
    while time < T0 + 4 * DAY:
        if chance.random() < 0.15:
            step = chance.choice((0, 0, 0.02, -0.02, 0.3))
        at = min(max(at + step, 0), SPOTS)
        time += chance.choice((5000, 5000, 20_000, 200_000, 310_000) if chance.random() < 0.98 else (DAY // 3, DAY + 9))
        east, north = 0.004 * (at % 3), 0.004 * (at // 3)
        taken, accuracy = LIVE, chance.choice((None, 5.0, 80.0))
        if chance.random() < doubtful:
            taken = chance.choice((LATE, HELD, APART))
            accuracy = chance.choice((5.0, 900.0))
            east += chance.choice((0, 0.05))
        x = lon + east
        place = (0.0, 0.0) if taken == APART and chance.random() < 0.5 else (60 + north, x - 360 if x > 180 else x)
        ping = Ping("", time, *place, accuracy_m=accuracy)
        came = time + (DAY if chance.random() < late else 500)
        pings.append(StoredPing(n, ping, came, taken))
        if chance.random() < doubtful:
            pings.append(StoredPing(n, Ping("", time, 60.0, lon), came + 100, chance.choice((LIVE, APART))))
    return pings


def shapes(chance: random.Random, lon: float) -> list[Shape]:
    def around(east: float, north: float, far: float) -> Any:
        west, last = lon + east - far, lon + east + far
        ring = [(west, 60 + north - far), (last, 60 + north - far), (last, 60 + north + far), (west, 60 + north + far)]
        return {"type": "Polygon", "coordinates": [[[x - 360 if west > 180 else x, y] for x, y in (*ring, ring[0])]]}

    spot = chance.choice((0.0, 0.004, 0.008)), chance.choice((0.0, 0.004))
    middle = [(lon + spot[0] + 180) % 360 - 180, 60 + spot[1]]
    return [
        read_shape({"type": "Point", "coordinates": middle}, radius_m=chance.choice((30.0, 300.0, 5000.0))),
        read_shape(around(*spot, 0.0011)),
        read_shape(around(0.004, 0.004, 0.03)),
        read_shape(around(0.004, 0.004, 0.0055)),
    ]


@pytest.mark.parametrize("lon", [24.0, 179.996, -180.0])
async def test_what_is_left_out_changes_no_answer(store: SqliteStore, lon: float) -> None:
    chance = random.Random(round(lon))
    names = {n: f"van-{n}" for n in range(1, 9)}
    await store.commit(Commit(vehicles=[SavedVehicle(n, name, b"") for n, name in names.items()]))
    came = sorted((one for n in names for one in driven(chance, n, lon)), key=lambda one: one.received_at)
    left, share = 0, len(came) // 3
    for begin in range(0, len(came), share):
        await store.commit(Commit(pings=came[begin : begin + share]))
        await store.compact(came[min(begin + share // 2, len(came) - 1)].received_at)
        for shape in shapes(chance, lon):
            since = T0 + chance.choice((-DAY, chance.randrange(4 * DAY)))
            until = min(since + chance.choice((3_600_000, DAY, 6 * DAY)), T0 + 5 * DAY)
            spans = [(n, since - SILENT_MS, until + SILENT_MS) for n in names]
            whole = [believed(one, LIMITS) for one in await store.fixes(spans)]
            tracks = await store.excerpts(spans, Meeting(shape, since, until, LIMITS))
            kept = [one.only(credible(one.fixes, LIMITS)) for one in tracks]
            for some, one in zip(kept, whole, strict=True):
                told, seen = (list(inside(shape, each, since, until, LIMITS)) for each in (some, one))
                assert told == seen
            left += sum(map(len, whole)) - sum(len(one.fixes) for one in kept)
    assert left > len(came) // 4
