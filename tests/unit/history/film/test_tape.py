"""A tape: what of frames it keeps, byte for byte, and that fixtures/tape is what this server writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tracker.history.film import tape
from tracker.history.film.frames import GAP, Frames, Grid, sample
from tracker.model.columns import Part, Tracks

FIXTURE = Path(__file__).parents[4] / "fixtures" / "tape"
EVER = 1 << 50
Vehicles = list[dict[str, Any]]


def sampled(vehicles: Vehicles, grid: Grid) -> Frames:
    parts = []
    for at, one in enumerate(vehicles):
        times, *places = zip(*one["fixes"], strict=True)
        lat, lon = (np.rint(np.array(some) * 1e7).astype(np.int64) for some in places)
        parts.append(Part(at, np.array(times), lat, lon, np.ones(len(times), bool)))
    return sample(Tracks.joined(len(vehicles), parts), grid, EVER)


def taped(vehicles: Vehicles, grid: Grid, **more: Any) -> bytes:
    frames = sampled(vehicles, grid)
    seen = np.flatnonzero(frames.known.any(1))
    digits = tape.digits_of(grid)
    named = [{name: vehicles[at][name] for name in ("vehicle", "name", "group", "kind")} for at in seen]
    head = {"from": grid.since, "step_ms": grid.step, "instants": grid.instants, "digits": digits}
    return tape.write([tape.strip(frames.rows(seen), digits)], head | {"vehicles": named, "next": None} | more)


def frames_as_json(vehicles: Vehicles, grid: Grid) -> list[dict[str, Any]]:
    """As /history/frames says them, but for how times are written."""
    frames = sampled(vehicles, grid)
    told = []
    for k, time in enumerate(grid.times.tolist()):
        positions = [
            {"vehicle": one["vehicle"], "lat": lat / 1e7, "lon": lon / 1e7, "age_s": age / 1e3}
            | ({"gap": True} if known == GAP else {})
            for one, known, lat, lon, age in zip(vehicles, *(column[:, k].tolist() for column in frames), strict=True)
            if known
        ]
        told.append({"time": time, "positions": positions})
    return told


def read_as_rows(body: bytes) -> list[dict[str, Any]]:
    head, known, lat, lon = tape.read(body)
    return [
        {"vehicle": one["vehicle"], "known": known[at].tolist()}
        | {
            name: [place if is_known else None for place, is_known in zip(places[at].tolist(), known[at], strict=True)]
            for name, places in (("lat", lat), ("lon", lon))
        }
        for at, one in enumerate(head["vehicles"])
    ]


def drawn(document: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bytes]:
    """What of a fixture follows from the rest: its frames, the rows of its tape, and the tape."""
    grid = Grid(document["from"], document["step_ms"], document["instants"])
    body = taped(document["vehicles"], grid)
    return frames_as_json(document["vehicles"], grid), read_as_rows(body), body


def test_the_fixture_is_what_is_written_and_read() -> None:
    document = json.loads((FIXTURE / "tape.json").read_text())
    assert drawn(document) == (document["frames"], document["tape"], (FIXTURE / "tape.bin").read_bytes())
