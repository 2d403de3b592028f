"""`tracker import`: what another program keeps of a fleet, into a folder, whether its server runs or not.

Each thing goes the way in that everybody's goes. What is here already stays as it is, so that a second run doubles
nothing, and one that was interrupted goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import click

from tracker.commands.office import Office, Refused, office
from tracker.config import Settings
from tracker.migrating.bookmark import Bookmark, Reached
from tracker.migrating.tally import Count, Tally
from tracker.migrating.traccar import (
    MARK,
    Row,
    entry_of,
    event_of,
    group_names,
    is_of,
    mark_of,
    number_of,
    position_of,
    region_of,
    vehicle_ids,
)
from tracker.model.ping import NOWHERE
from tracker.model.ping import OLDEST as OLDEST_EVENT
from tracker.replay.progress import Progress
from tracker.times import named_zone, rfc3339

POSITIONS, EVENTS = "/api/v1/positions", "/api/v1/history/told"
TOGETHER = 1000  #: positions in one go
PATIENCE = 120  #: times a busy server is asked again
SHOWN = 20  #: notes of a kind that are told one by one


class Source(Protocol):
    origin: str  # which one it is, where that is known
    notes: list[str]
    broken: dict[str, int]  #: kind → rows that cannot be read
    asks: list[Any]  # what is brought over, to know it again
    until: Any  # ms; None: all there is
    at: Any  # of the last row of a kind, after which it can go on

    def devices(self) -> list[Row]: ...
    def groups(self) -> list[Row]: ...
    def geofences(self) -> list[Row]: ...
    def positions(self, devices: Iterable[Row], after: Any = None) -> Iterator[Row]: ...
    def told_events(self, devices: Iterable[Row], after: Any = None) -> Iterator[Row]: ...
    def places(self, numbers: Iterable[int]) -> dict[int, Row]: ...


def carry(source: Source, ours: Office, bookmark: Bookmark, zone: tzinfo = UTC) -> Tally:
    """All of it; what is to be known of it goes to standard error."""
    tally, reached = Tally(), bookmark.reached
    if reached is not None:
        source.until = reached.until
    devices = source.devices()
    ids, notes = vehicle_ids(devices)
    say(notes)
    groups = group_names(source.groups())
    _vehicles(ours, devices, ids, groups, tally)
    regions = _regions(ours, source.geofences(), source.origin, tally["geofences"])
    if reached is not None:
        tally.kinds |= reached.counts
        say([_goes_on(reached, bookmark)])

    def keep(kind: str) -> None:
        counts = {name: tally[name] for name in ("positions", "events")}
        bookmark.keep(source.until, kind, source.at, counts)

    if reached is None or reached.kind == "positions":
        rows = source.positions(devices, bookmark.after("positions"))
        items = _positions(rows, ids, zone, tally["positions"])
        carry_positions(ours, items, tally["positions"], lambda: keep("positions"))
    _events(
        ours, source, devices, ids, regions, zone, bookmark.after("events"), tally["events"], lambda: keep("events")
    )
    bookmark.close()
    for kind, number in source.broken.items():
        tally[kind].there += number
        tally[kind].miss("torn: the file is cut off or was changed", number, wrong=True)
    say(source.notes)
    return tally


def _goes_on(reached: Reached, bookmark: Bookmark) -> str:
    told = f", up to {rfc3339(reached.until)}: run it again for what was told since" if reached.until else ""
    count = reached.counts[reached.kind].there
    return (
        f"goes on where it was interrupted, after {count:,} {reached.kind}{told}; to start over, delete {bookmark.path}"
    )


def _vehicles(ours: Office, devices: list[Row], ids: dict[int, str], groups: dict[int, str], tally: Tally) -> None:
    known = {one["vehicle"]: one for one in ours.pages("/api/v1/vehicles?limit=1000", "vehicles")}
    count, used, notes = tally["devices"], set[str](), []
    for device in devices:
        vehicle, entry = ids[number_of(device)], entry_of(device, groups)
        used.add(entry.get("group", ""))
        count.there += 1
        try:
            count.new += _register(ours, vehicle, entry, known.get(vehicle))
            count.here += 1
        except Refused as fault:
            count.miss("refused", wrong=True)
            notes.append(f"device {vehicle}: {fault.detail}")
    say(notes)
    count = tally["groups"]
    count.there, count.here = len(groups), sum(name in used for name in groups.values())
    count.miss("with no device of their own: a group is what its vehicles say", count.there - count.here)


def _register(ours: Office, vehicle: str, entry: dict[str, Any], known: dict[str, Any] | None) -> bool:
    """Is it new? What is said of it here already stays. Raises Refused."""
    path = f"/api/v1/vehicles/{quote(vehicle, safe='')}"
    if known is None:
        ours.ask("PUT", path, entry)
        return True
    missing = {name: value for name, value in entry.items() if name != "attributes" and not known.get(name)}
    have = known.get("attributes") or {}
    if more := {name: value for name, value in entry.get("attributes", {}).items() if name not in have}:
        missing["attributes"] = more
    if missing:
        ours.ask("PATCH", path, missing)
    return False


def _regions(ours: Office, geofences: list[Row], origin: str, count: Count) -> dict[int, str]:
    """Geofence number → region that is here."""
    known = {one["id"]: one for one in ours.pages("/api/v1/regions?limit=1000", "regions")}
    notes, left, here = [], Counter[str](), dict[int, str]()
    for geofence in geofences:
        count.there += 1
        try:
            id, feature, unused = region_of(geofence)
            mark, name = mark_of(geofence, origin), feature["properties"]["name"]
            if id in known and not is_of(known[id], feature, mark):
                other, id = id, f"{id}-{mark[-6:]}"
                notes.append(f"geofence {name!r}: {other} is one of another Traccar here: it is {id}")
            if id not in known:
                feature["properties"].setdefault("attributes", {})[MARK] = mark
                ours.ask("PUT", f"/api/v1/regions/{id}", feature)
                count.new += 1
            elif known[id]["properties"].get("attributes", {}).get(MARK, mark)[-12:] != mark[-12:]:
                notes.append(f"geofence {name!r} was changed there since: {id} stays as it is")
            count.here += 1
            here[number_of(geofence)] = id
            left.update(unused)
        except (ValueError, Refused) as fault:
            count.miss("no shape that can be drawn", wrong=True)
            notes.append(f"geofence {geofence.get('name')!r} (number {number_of(geofence)}): {fault}")
    notes += [f"{number} geofence{'s' * (number > 1)}: not taken over: {what}" for what, number in left.items()]
    say(notes)
    return here


def _positions(
    rows: Iterable[Row], ids: dict[int, str], zone: tzinfo, count: Count
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Those that can be sent, and whether it is one more: of two of a vehicle and time the first has the place."""
    before: dict[str, int] = {}
    for row in rows:
        count.there += 1
        vehicle = ids.get(number_of(row, "deviceid"))
        if vehicle is None:
            count.miss("of a device that is gone")
            continue
        item = position_of(row, vehicle, zone)
        again = before.get(vehicle) == item["time"]
        if again:
            count.miss("told again for the same time")
        elif (item.get("lat"), item.get("lon")) != NOWHERE:
            before[vehicle] = item["time"]
        if not again or "alarm" in item:  # an alarm is one wherever it stands
            yield item, again


def carry_positions(
    ours: Office,
    items: Iterator[tuple[dict[str, Any], bool]],
    count: Count,
    keep: Callable[[], None] = lambda: None,
) -> None:
    """`keep` is told whenever all that was taken from `items` is here."""
    progress, last = Progress(sys.stderr, None), None
    while batch := list(islice(items, TOGETHER)):
        if fresh := [item for item, again in batch if not again]:
            answer = _patiently(ours, POSITIONS, fresh)
            count.here += answer["accepted"] + answer["duplicates"]
            count.new += answer["accepted"]
            count.refuse(answer)
        if repeated := [item for item, again in batch if again]:
            _patiently(ours, POSITIONS, repeated)
        keep()
        last = batch[-1][0]["time"]
        progress.update(count.there, last if isinstance(last, int) else None)
    if last is not None:
        progress.update(count.there, last if isinstance(last, int) else None, last=True)


def _events(
    ours: Office,
    source: Source,
    devices: list[Row],
    ids: dict[int, str],
    regions: dict[int, str],
    zone: tzinfo,
    after: Any,
    count: Count,
    keep: Callable[[], None],
) -> None:
    """As that system's history: what they say is decided here anew, from the positions."""
    rows = source.told_events(devices, after)
    while batch := list(islice(rows, TOGETHER)):
        places = source.places({number_of(row, "positionid") for row in batch} - {0})
        items = []
        for row in batch:
            count.there += 1
            vehicle = ids.get(number_of(row, "deviceid"))
            region = regions.get(number_of(row, "geofenceid"))
            item = event_of(row, vehicle or "", region, places.get(number_of(row, "positionid")), zone)
            if vehicle is None:
                count.miss("of a device that is gone")
            elif not OLDEST_EVENT <= item.get("time", 0) <= time.time() * 1000:
                count.miss("without a time there can be")
            else:
                items.append(item)
        if items:
            answer = _patiently(ours, EVENTS, {"events": items})
            count.here += answer["accepted"] + answer["duplicates"]
            count.new += answer["accepted"]
        keep()


def from_traccar(
    settings: Settings,
    export: str | None,
    from_url: str | None,
    token: str | None,
    user: str | None,
    since: int | None,
    until: int | None,
    zone: str | None,
    ca: str | None,
) -> int:
    if export is not None:
        from tracker.migrating.exported import Exported

        clock = UTC if zone is None else named_zone(zone)
        return run(settings, Exported(Path(export), clock), clock)
    from tracker.migrating.asked import Asked

    password = None
    if user is not None and token is None:
        password = os.environ.get("TRACCAR_PASSWORD") or click.prompt(f"Password of {user}", hide_input=True, err=True)
    told = partial(click.echo, err=True)
    source = Asked(str(from_url), token, user, password, ca, since, until, round(time.time() * 1000), told)
    with contextlib.closing(source):
        source.check_server()
        return run(settings, source)


def from_files(settings: Settings, path: str, form: str, vehicle: str | None = None) -> int:
    """OwnTracks' recorder or Dawarich's exports."""
    from tracker.migrating import files

    tally, name = Tally(), files.of_recorder(Path(path)) if form == "owntracks" else files.of_dawarich(vehicle)
    with contextlib.closing(files.Files(Path(path), form, name, tally)) as source:
        say(source.notes)
        with office(settings, new=True) as ours:
            carry_positions(ours, source.positions(tally["positions"]), tally["positions"])
    return _told(tally, nothing=not tally["positions"].here)


def _told(tally: Tally, *, nothing: bool = False) -> int:
    for line in tally.lines():
        click.echo(line)
    return 1 if tally.wrong or nothing else 0


def run(settings: Any, source: Source, zone: tzinfo = UTC) -> int:
    """Returns the exit code: 1 when somebody has to look at something."""
    with office(settings, new=True) as ours:
        tally = carry(source, ours, Bookmark(settings.folder, source.asks), zone)
    return _told(tally)


def _patiently(ours: Office, path: str, body: Any, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """A busy server is waited for: live positions go first. Raises Refused."""
    sent = json.dumps(body).encode()
    for _ in range(PATIENCE):
        answer = ours.send("POST", path, sent)
        if answer.status not in (429, 503):
            break
        sleep(1)
    if isinstance(answer.body, dict) and "accepted" in answer.body:
        return answer.body
    raise Refused(answer.body if isinstance(answer.body, dict) else {}, answer.status)


def say(notes: list[str]) -> None:
    for note in notes[:SHOWN]:
        click.echo(note, err=True)
    if len(notes) > SHOWN:
        click.echo(f"… and {len(notes) - SHOWN} more such notes", err=True)
