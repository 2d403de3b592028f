"""What was recorded, for a page without a server: a small evidence bundle, and what the server's own rule says of it and
of the sample of a fleet day; so that server and page cannot drift apart.

python -m tests.support.recorded        writes fixtures/recorded anew
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np

from tests.support.fleetday import BEGIN, HOUR, sample_store
from tests.support.kept import Kept, fix, yard
from tests.support.scenario import START
from tests.support.servers import ROOT
from tracker.bundles.archive import pack
from tracker.bundles.making import Asked, make
from tracker.bundles.members import write
from tracker.history.film.activity import activity
from tracker.history.film.frames import GAP, NOTHING, Grid, sample
from tracker.model.columns import Part, Tracks
from tracker.model.commit import APART, HELD, LATE, SavedRegion
from tracker.replay.past.window import Choice, Rules, Window, play

FOLDER = ROOT / "fixtures" / "recorded"
MINUTE = 60_000


def bundle() -> bytes:
    """A quarter of an hour of two vans and a yard that was drawn anew; one jumped, one came late, one was quiet before."""
    arrivals = [
        *(fix(at * MINUTE, -900 + 120 * at) for at in range(-4, 16) if at != 7),
        fix(5 * MINUTE + 500, 40_000, taken=HELD),
        fix(7 * MINUTE, -60, late=150_000, taken=LATE),
        fix(8 * MINUTE, 60, late=4_000, taken=APART, alarm="sos"),
        *(fix(at * MINUTE, 30, n=2) for at in (-30, 11, 13)),
    ]
    gone = [msgspec.structs.replace(yard(1, -HOUR), id="old"), SavedRegion("old", 2, START + 6 * MINUTE, None)]
    edits = sorted([*gone, yard(1, -HOUR), yard(2, 10 * MINUTE, west=300)], key=lambda one: one.updated_at)
    source = Kept(sorted(arrivals, key=lambda one: one.received_at), edits, [])
    everything = Window.around(None, None, None)
    play(source, everything, Choice(source.known, [], []), Rules(None, None, None), source.told.append, lambda _: None)
    contents = make(source, Asked(START, START + 15 * MINUTE)).contents
    manifest = msgspec.structs.replace(contents.manifest, tracker="of the fixture")
    return pack(write(contents._replace(manifest=manifest)))


def expected() -> dict[str, Any]:
    store, kept = sample_store(), pings()
    names = list(store.names)
    parts = [
        Part.stored(at, one.time, one.taken, one.lat, one.lon)
        for at, one in enumerate(store.kept[store.names[id]] for id in names)
    ]
    day = told(names, Tracks.joined(len(names), parts), BEGIN + 6 * HOUR + 59 * MINUTE, BEGIN + 12 * HOUR, 613_000)
    return {"day": day, "bundle": told(*kept, START - MINUTE, START + 15 * MINUTE, 17_300)}


def pings() -> tuple[list[str], Tracks]:
    """What a store would keep of the bundle's messages."""
    rows = [
        *((0, at * MINUTE, -900 + 120 * at) for at in range(-4, 16) if at != 7),
        *((0, 7 * MINUTE, -60), *((1, at * MINUTE, 30) for at in (-30, 11, 13))),
    ]
    parts = []
    for which in (0, 1):
        fixes = [fix(at, east, n=which + 1).ping for n, at, east in sorted(rows) if n == which]
        lat, lon = (np.array([round(getattr(one, name) * 1e7) for one in fixes]) for name in ("lat", "lon"))
        parts.append(Part(which, np.array([one.time for one in fixes]), lat, lon, np.ones(len(fixes), np.bool_)))
    return ["van-1", "van-2"], Tracks.joined(2, parts)


def told(names: list[str], tracks: Tracks, since: int, until: int, step: int) -> dict[str, Any]:
    grid = Grid.over(since, until, step)
    frames = sample(tracks, grid, 1 << 50)
    counts = {}
    for step_s in (15, 600):
        steps = Grid.over(since, until, step_s * 1000)
        found = activity(tracks, steps)
        counts[str(step_s)] = {"known": found.known.tolist(), "moving": found.moving.tolist()}
    return {
        "frames": [
            {
                "time": int(time),
                "positions": [
                    {
                        "vehicle": name,
                        "lat": int(frames.lat[v, k]),
                        "lon": int(frames.lon[v, k]),
                        "age": int(frames.age[v, k]),
                    }
                    | ({"gap": True} if frames.known[v, k] == GAP else {})
                    for v, name in enumerate(names)
                    if frames.known[v, k] != NOTHING
                ],
            }
            for k, time in enumerate(grid.times)
        ],
        "activity": {"from": since, "until": until, "steps": counts},
    }


def written() -> dict[str, bytes]:
    return {"evidence.zip": bundle(), "expected.json": (json.dumps(expected()) + "\n").encode()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in written().items():
        (FOLDER / name).write_bytes(content)
        print(name, len(content))
