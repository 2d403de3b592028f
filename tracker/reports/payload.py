"""Payload: all that a report says, as one compressed body that its script unpacks.

Tracks are columns of differences in byte planes, all else is JSON. Everything is in here and nothing in the markup, so
no name can be taken for markup.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.history.story.corrections import Correction
from tracker.model.columns import Columns
from tracker.model.events import Event
from tracker.model.ping import NOWHERE
from tracker.reports.asked import DAY_MS, Asked
from tracker.reports.thin import gaps, kept, metres, unrolled

VERSION = 1
TOLD = ("since", "until", "made_at", "zone", "units", "about", "demo")  #: of what was asked
TOLERANCE_M = 6.0
COARSER = 1.5  #: what the tolerance is multiplied by as long as the report is too large
COARSEST_M = 1_000.0
STEP = 100  #: 1e-7 degrees: places are told to 1.1 m
MOST_EVENTS = 20_000  #: are listed, the newest
SIZE, LARGEST = 550_000, 5_000_000  #: bytes of the payload: of 60 vehicles' day or less, and of whatever
FLEET = 60

Ints = npt.NDArray[np.int64]


class Stood(NamedTuple):
    since: int
    until: int
    lat: float
    lon: float
    regions: Sequence[str]
    fixes: tuple[int, int]  # times of the first and the last


class Vehicle(NamedTuple):
    id: str
    name: str | None
    group: str | None
    columns: Columns  # of its fixes in the range that are believed
    fixes: int = 0  # all of them
    stops: Sequence[Stood] = ()
    summary: dict[str, Any] | None = None
    corrections: Sequence[Correction] = ()


class Payload:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._vehicles: dict[str, Vehicle] = {}
        self._fixes = 0
        self._events: list[Event] = []
        self._left_out = 0
        self._regions = {str(feature["id"]): feature for feature in asked.regions}

    def add_vehicle(self, vehicle: Vehicle) -> None:
        """Keeps what is drawn of it."""
        self._fixes += vehicle.fixes
        drawn = kept(vehicle.columns, TOLERANCE_M, [stop.fixes for stop in vehicle.stops])
        self._vehicles[vehicle.id] = vehicle._replace(columns=vehicle.columns.take(drawn))

    def add_events(self, events: Sequence[Event]) -> None:
        """In their order."""
        self._events += events
        if (over := len(self._events) - MOST_EVENTS) > 0:
            del self._events[:over]
            self._left_out += over

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of the tracks, the east perhaps beyond 180°; None when there are none."""
        tracks = [each.columns for each in self._vehicles.values() if len(each.columns)]
        if not tracks:
            return None
        lats = [float(f(each.lat)) / 1e7 for each in tracks for f in (np.min, np.max)]
        lons = [unrolled(each.lon / 1e7) for each in tracks]
        first = float(lons[0][0])
        beside = [each - 360.0 * round((float(each[0]) - first) / 360.0) for each in lons]
        return float(min(map(np.min, beside))), min(lats), float(max(map(np.max, beside))), max(lats)

    @property
    def names(self) -> list[tuple[str, dict[str, Any]]]:
        """Of each vehicle what it is called, and what is summed up of it."""
        return [(each.name or each.id, each.summary or {}) for each in self._vehicles.values()]

    def packed(self, land: dict[str, Any], most: int | None = None) -> bytes:
        """Small enough, drawn as finely as that allows."""
        days = len(self._vehicles) * (self._asked.until - self._asked.since) / DAY_MS
        most = most or min(LARGEST, round(SIZE * max(1.0, days / FLEET)))
        tolerance_m, said_m = TOLERANCE_M, TOLERANCE_M
        vehicles = list(self._vehicles.values())
        while True:
            body = zlib.compress(self._body(vehicles, said_m, land), 9)
            if len(body) <= most or tolerance_m > COARSEST_M:
                return body
            tolerance_m *= COARSER
            said_m += tolerance_m  # thinned again of what was thinned
            vehicles = [each._replace(columns=each.columns.take(kept(each.columns, tolerance_m))) for each in vehicles]

    def _body(self, vehicles: Sequence[Vehicle], tolerance_m: float, land: dict[str, Any]) -> bytes:
        regions, regions_at = self._told_regions(vehicles)
        vehicle_at = {vehicle.id: at for at, vehicle in enumerate(vehicles)}
        kinds = sorted({event.kind for event in self._events})
        head = {
            "version": VERSION,
            **{name: getattr(self._asked, name) for name in TOLD},
            "fixes": self._fixes,
            "points": sum(len(vehicle.columns) for vehicle in vehicles),
            "tolerance_m": tolerance_m,
            "left_out": self._left_out,
            "regions": regions,
            "kinds": kinds,
            "vehicles": [
                {
                    "id": each.id,
                    "name": each.name,
                    "group": each.group,
                    "points": len(each.columns),
                    "stops": [self._stop(stop, regions_at) for stop in each.stops],
                    "summary": each.summary,
                    "corrections": [self._correction(one) for one in each.corrections],
                }
                for each in vehicles
            ],
            "events": [
                [
                    vehicle_at[event.vehicle],
                    kinds.index(event.kind),
                    self._second(event.time),
                    *((None, None) if (event.lat, event.lon) == NOWHERE else (_step(event.lat), _step(event.lon))),
                    None if event.region is None else regions_at[event.region],
                    event.detail.get("duration_s"),
                ]
                for event in self._events
                if event.vehicle in vehicle_at
            ],
            "land": land,
        }
        text = msgspec.json.encode(head)
        planes = b"".join(_planes(column) for column in self._columns(vehicles))
        return len(text).to_bytes(4, "little") + text + planes

    def _told_regions(self, vehicles: Sequence[Vehicle]) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Those there are, and those that are only spoken of."""
        named = {event.region for event in self._events if event.region is not None}
        named |= {region for each in vehicles for stop in each.stops for region in stop.regions}
        ids = [*self._regions, *sorted(named - self._regions.keys())]
        return [_region(id, self._regions.get(id)) for id in ids], {id: at for at, id in enumerate(ids)}

    def _stop(self, stop: Stood, regions_at: dict[str, int]) -> list[Any]:
        inside = [regions_at[region] for region in stop.regions]
        return [self._second(stop.since), self._second(stop.until), _step(stop.lat), _step(stop.lon), inside]

    def _correction(self, one: Correction) -> dict[str, Any]:
        since, until = one.target
        span = {"from": self._second(since), "until": self._second(until)}
        return {"what": one.what, **span, "by": one.by, "at": one.at, "why": one.why}

    def _second(self, time: int) -> int:
        return round((time - self._asked.since) / 1000)

    def _columns(self, vehicles: Sequence[Vehicle]) -> list[Ints]:
        """Latitude, longitude, time, and whether nothing was heard before: of all vehicles one after the other, the
        first of each whole, then differences."""
        lats, lons, times, unheard = [], [], [], []
        for each in vehicles:
            columns = each.columns
            if not len(columns):
                continue
            lat, lon = columns.lat / 1e7, unrolled(columns.lon / 1e7)
            lats.append(_differences(np.round(columns.lat / STEP)))
            lons.append(_differences(np.round(lon * (1e7 / STEP))))
            times.append(_differences(np.round((columns.time - self._asked.since) / 1000.0)))
            silent = np.concatenate((np.zeros(1, bool), gaps(columns.time, *metres(lat, lon))))
            unheard.append(_differences(silent))
        return [np.concatenate(some) if some else np.zeros(0, np.int64) for some in (lats, lons, times, unheard)]


def _step(degrees: float) -> int:
    return round(degrees * 1e7 / STEP)


def _region(id: str, feature: dict[str, Any] | None) -> dict[str, Any]:
    if feature is None:
        return {"id": id}
    said = feature["properties"]
    known = {name: said[name] for name in ("name", "color", "radius_m", "buffer_m") if said.get(name) is not None}
    return {"id": id, "geometry": feature["geometry"], **known}


def _differences(values: npt.NDArray[Any]) -> Ints:
    whole: Ints = values.astype(np.int64)
    return np.concatenate((whole[:1], whole[1:] - whole[:-1]))


def _planes(values: Ints) -> bytes:
    """Zigzag, then all lowest bytes, all second ones, …: what is small is mostly zeros, which take no room packed."""
    zigzag = ((values << 1) ^ (values >> 63)).astype("<u4")
    return zigzag.view(np.uint8).reshape(-1, 4).T.tobytes()
