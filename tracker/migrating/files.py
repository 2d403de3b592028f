"""Files: what another program keeps of where somebody was, each file read once, all of it in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tracker.formats import REASONS, Point, Unreadable, item
from tracker.migrating.tally import Count, Tally
from tracker.model.ping import NOWHERE
from tracker.protocols.owntracks import name_in
from tracker.replay.recording import Recording

#: the vehicle of a point of this file
Names = Callable[[Path, Point], str]
MEANT = {"owntracks": (".rec", ".rec.gz"), "dawarich": (".json", ".geojson", ".gpx", ".json.gz", ".gpx.gz", ".zip")}


def of_recorder(folder: Path) -> Names:
    """rec/USER/DEVICE/2026-01.rec: a vehicle is called as its live messages would call it, whatever of it is read."""

    def name(path: Path, point: Point) -> str:
        parts, whole = (path.relative_to(folder).parts if path != folder else ()), path.resolve().parts
        is_kept = len(parts) >= 3 or whole[-4:-3] == ("rec",)
        topic = f"owntracks/{whole[-3]}/{whole[-2]}" if is_kept else None
        return name_in(topic, point.vehicle)

    return name


def of_dawarich(vehicle: str | None) -> Names:
    """Whose they are few of its points say: then it is `vehicle`."""

    def name(_path: Path, point: Point) -> str:
        said: Any = point.position if isinstance(point.position, dict) else {}
        return vehicle or name_in(said.get("topic"), None) or "dawarich"

    return name


class Files:
    def __init__(self, path: Path, form: str, name: Names, tally: Tally) -> None:
        """Raises Unreadable without any."""
        self.notes: list[str] = []
        self._name = name
        self._recording = Recording()
        self._of_source: list[Path] = []
        endings = MEANT[form]
        files = (
            [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.name.lower().endswith(endings))
        )
        if not files:
            raise Unreadable(f"{path}: there is no file in it that ends with {' or '.join(endings)}", usage=True)
        for file in files:
            self._read(file, "owntracks" if form == "owntracks" else None, tally["files"])
        self.notes += [f"{one.name}: {note}" for one in self._recording.sources for note in one.notes]
        count = tally["positions"]
        count.there += self._recording.items - self._recording.count
        for reason, number in self._recording.skipped.items():
            count.miss(REASONS[reason], number)

    def _read(self, file: Path, format: str | None, count: Count) -> None:
        count.there += 1
        if not file.stat().st_size:
            return count.miss("empty")
        try:
            self._recording.add_source(str(file), format=format)
            count.here += 1
        except Unreadable as fault:
            count.miss("that cannot be read", wrong=True)
            self.notes.append(fault.detail)
        self._of_source += [file] * (len(self._recording.sources) - len(self._of_source))

    def close(self) -> None:
        self._recording.close()

    def positions(self, count: Count) -> Iterator[tuple[dict[str, Any], bool]]:
        """Each as the API takes it, and whether another of its vehicle and time came before."""
        before: dict[str, Any] = {}
        for point in self._recording:
            count.there += 1
            told = item(point, number=True)
            if isinstance(told, str):
                count.miss("that is no position")
                continue
            vehicle = self._name(self._of_source[point.source], point)
            again = before.get(vehicle) == told["time"]
            if again:
                count.miss("told again for the same time")
            elif (told.get("lat"), told.get("lon")) != NOWHERE:
                before[vehicle] = told["time"]
            if not again or "alarm" in told:
                yield told | {"vehicle": vehicle}, again
