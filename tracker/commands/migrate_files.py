"""`tracker import owntracks` and `dawarich`: the files another program keeps of where somebody was, each read once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from tracker.commands.migrate import carry_positions, say
from tracker.commands.office import office
from tracker.config import Settings
from tracker.formats import REASONS, Point, Unreadable, item
from tracker.migrating.tally import Count, Tally
from tracker.model.ping import NOWHERE
from tracker.protocols.owntracks import name_in
from tracker.replay.recording import Recording

#: the vehicle of a point of this file; "" when neither says one
Names = Callable[[Path, Point], str]
MEANT = {"owntracks": (".rec", ".rec.gz"), "dawarich": (".json", ".geojson", ".gpx", ".json.gz", ".gpx.gz", ".zip")}


def from_owntracks(settings: Settings, folder: str) -> int:
    """A folder of its recorder: rec/USER/DEVICE/2026-01.rec; a vehicle is called as its live messages would call it."""

    def name(path: Path, point: Point) -> str:
        parts = path.relative_to(folder).parts if path != Path(folder) else ()
        topic = f"owntracks/{parts[-3]}/{parts[-2]}" if len(parts) >= 3 else None
        return name_in(topic, point.vehicle)

    return _run(settings, Path(folder), "owntracks", name)


def from_dawarich(settings: Settings, folder: str, vehicle: str | None) -> int:
    """Its exports: GeoJSON, JSON and GPX. Of whom they are few points say: then it is `vehicle`."""

    def name(_path: Path, point: Point) -> str:
        said: Any = point.position if isinstance(point.position, dict) else {}
        return vehicle or name_in(said.get("topic"), None) or "dawarich"

    return _run(settings, Path(folder), "dawarich", name)


def _run(settings: Settings, path: Path, form: str, name: Names) -> int:
    endings = MEANT[form]
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.name.lower().endswith(endings))
    if not files:
        raise Unreadable(f"{path}: there is no file in it that ends with {' or '.join(endings)}", usage=True)
    tally, notes, recording = Tally(), [], Recording()
    by_source: list[Path] = []
    with contextlib.closing(recording):
        for file in files:
            tally["files"].there += 1
            try:
                recording.add_source(str(file), format="owntracks" if form == "owntracks" else None)
                tally["files"].here += 1
            except Unreadable as fault:
                tally["files"].miss("that cannot be read", wrong=True)
                notes.append(fault.detail)
            by_source += [file] * (len(recording.sources) - len(by_source))
        say([*notes, *(f"{one.name}: {note}" for one in recording.sources for note in one.notes)])
        count = tally["positions"]
        count.there += recording.items - recording.count
        for reason, number in recording.skipped.items():
            count.miss(REASONS[reason], number)
        with office(settings, new=True) as ours:
            carry_positions(ours, _items(recording, by_source, name, count), count)
    for line in tally.lines():
        click.echo(line)
    return 1 if tally.wrong or not count.here else 0


def _items(
    recording: Recording, by_source: list[Path], name: Names, count: Count
) -> Iterator[tuple[dict[str, Any], bool]]:
    before: dict[str, Any] = {}
    for point in recording:
        count.there += 1
        told = item(point, number=True)
        if isinstance(told, str):
            count.miss("that is no position")
            continue
        vehicle = name(by_source[point.source], point)
        again = before.get(vehicle) == told["time"]
        if again:
            count.miss("told again for the same time")
        elif (told.get("lat"), told.get("lon")) != NOWHERE:
            before[vehicle] = told["time"]
        if not again or "alarm" in told:
            yield told | {"vehicle": vehicle}, again
