"""Make fixtures/tracks/: a few minutes of the demo's vans as recordings in the formats people have. Nobody's movements.

    python tools/make_tracks.py

The same seed gives the same bytes. The CSV is grouped by vehicle, as trip exports are, so its times go back and forth.
"""

from __future__ import annotations

import csv
import json
import sys
from itertools import groupby
from operator import attrgetter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tracker.demo.simulation import Simulation, fixtures  # noqa: E402
from tracker.demo.streets import Streets  # noqa: E402
from tracker.times import rfc3339  # noqa: E402

OUT = ROOT / "fixtures" / "tracks"
START = 1_790_000_000_000  # 2026-09-21T14:13:20Z
SEED = 7


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(Streets.load(fixtures() / "roads.json"), 6, START, SEED)
    pings = sorted(simulation.due(START + 180_000), key=attrgetter("vehicle", "time"))

    with (OUT / "vans.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["vehicle_id", "timestamp", "latitude", "longitude", "speed_kmh", "heading", "accuracy", "note"]
        )
        for ping in pings:
            speed = round((ping.speed_mps or 0) * 3.6, 1)
            heading = "" if ping.heading is None else ping.heading
            row = [ping.vehicle, rfc3339(ping.time), ping.lat, ping.lon, speed, heading, ping.accuracy_m, ""]
            writer.writerow(row)

    with (OUT / "vans.ndjson").open("w", encoding="utf-8", newline="\n") as file:
        for ping in sorted(pings, key=attrgetter("time", "vehicle")):
            position = {"vehicle": ping.vehicle, "time": rfc3339(ping.time), "lat": ping.lat, "lon": ping.lon}
            position |= {"speed_mps": ping.speed_mps, "accuracy_m": ping.accuracy_m, "ignition": ping.ignition}
            file.write(json.dumps(position, separators=(",", ":")) + "\n")

    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append('<gpx version="1.1" creator="make_tracks" xmlns="http://www.topografix.com/GPX/1/1">')
    for vehicle, track in groupby(pings, key=attrgetter("vehicle")):
        lines.append(f"<trk><name>{vehicle}</name><trkseg>")
        for ping in list(track)[::3]:
            lines.append(f'<trkpt lat="{ping.lat}" lon="{ping.lon}"><time>{rfc3339(ping.time)}</time></trkpt>')
        lines.append("</trkseg></trk>")
    lines.append("</gpx>")
    (OUT / "vans.gpx").write_text("\n".join(lines) + "\n", encoding="utf-8")

    for path in sorted(OUT.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
