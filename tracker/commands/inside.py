"""`tracker inside`: who was here, as lines of text, CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from tracker.commands.office import Office, Server, office, told_by
from tracker.config import Settings
from tracker.history import rows

PATH = "/api/v1/history/inside"
OPTIONS = {"from": "--from", "until": "--until", "vehicles": "--vehicle", "region": "--region"}
OPTIONS |= {"radius_m": "--radius", "buffer_m": "--radius"}
PAGE = 1000
LARGEST = 64 * 2**20  #: bytes of a zipped file, inflated


def run(
    settings: Settings | Server,
    shape: str | None,
    at: str | None,
    radius: float | None,
    region: str | None,
    since: int,
    until: int | None,
    vehicles: tuple[str, ...],
    form: str,
) -> None:
    asked: dict[str, Any] = {"from": since}
    asked |= _drawn_there(region, radius) if region else _circle(at, radius) if at else _drawn(str(shape), radius)
    if until is not None:
        asked["until"] = until
    if vehicles:
        asked["vehicles"] = list(vehicles)
    with told_by(OPTIONS), office(settings) as ours:
        if form == "csv":
            click.echo(rows.header().decode(), nl=False)
        for told in _visits(ours, asked):
            click.echo(FORMS[form](told))


def _visits(ours: Office, asked: dict[str, Any]) -> Iterator[Any]:
    cursor: str | None = ""
    while cursor is not None:
        page = ours.ask("POST", f"{PATH}?limit={PAGE}" + (f"&cursor={quote(cursor)}" if cursor else ""), asked)
        yield from page["visits"]
        cursor = page["next"]


def _circle(at: str, radius: float | None) -> dict[str, Any]:
    try:
        lat, lon = (float(part) for part in at.split(","))
    except ValueError:
        raise click.UsageError("--at is LAT,LON in degrees, such as 60.1712,24.944") from None
    if radius is None:
        raise click.UsageError("--at needs --radius: how many metres around it?")
    return {"geometry": {"type": "Point", "coordinates": [lon, lat]}, "radius_m": radius}


def _drawn(file: str, metres: float | None) -> dict[str, Any]:
    """The one shape of a file, as a region would be read from it; what is given here completes it."""
    from tracker.geometry.geojson import form_of, parameter_names
    from tracker.regions.drawings import read_drawings
    from tracker.regions.kmz import Kmz, is_zip

    body = Path(file).read_bytes()
    if is_zip(body):
        body = b"".join(Kmz(body, LARGEST).pieces())
    feature = read_drawings(body, len(body), xml=file.lower().endswith(".kml")).only()
    properties = feature.get("properties") or {}
    form = form_of((feature.get("geometry") or {}).get("type"), properties)
    names = form.parameters if form else ()
    asked = {name: properties[name] for name in names if properties.get(name) is not None}
    if metres is not None:
        asked[(names or parameter_names())[0]] = metres
    return {"geometry": feature.get("geometry"), **asked}


def _drawn_there(region: str, metres: float | None) -> dict[str, Any]:
    return {"region": region} | ({} if metres is None else {"radius_m": metres})


def _text(told: dict[str, Any]) -> str:
    how = "passed through" if told["passed_through"] else f"{told['fixes']} fix{'es' * (told['fixes'] != 1)}"
    if told["entry"]["how"] == "fix" or told["exit"]["how"] == "fix":
        how += ", at least"  # nothing is known beyond the first or last of them
    seconds = round(told["duration_s"])
    lasted = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    cells = (told["vehicle"], told["entered_at"] or "before", told["exited_at"] or "still", lasted, how)
    return "\t".join(cells)


def _csv(told: dict[str, Any]) -> str:
    return rows.as_csv(told).decode().rstrip("\n")


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


FORMS: dict[str, Callable[[dict[str, Any]], str]] = {"text": _text, "csv": _csv, "ndjson": _json}
