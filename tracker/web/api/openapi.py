"""/openapi.json: every route, those answered before Quart's router too. A test holds this list against the router."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from quart import Blueprint, Response

from tracker import __version__
from tracker.node import Node
from tracker.web.api.routes import Routes
from tracker.web.api.schemas import (
    CORRECTED,
    COUNT,
    FLAG,
    NUMBER,
    REGION,
    SCHEMAS,
    TEXT,
    TIME,
    VEHICLE,
    Schema,
    array,
    or_null,
    page,
    ref,
    thing,
)
from tracker.web.server.answers import PROBLEM, encode

JSON, GEOJSON, NDJSON = "application/json", "application/geo+json", "application/x-ndjson"
KML = "application/vnd.google-earth.kml+xml"

LIST = {"limit": COUNT, "cursor": TEXT}
SPAN = {"from": TIME, "until": TIME}
AS: dict[str, Schema] = {
    "as": {"enum": ["known", "told"], "description": "with what people corrected (by default), or as it was told"}
}
CHOICE = {"region": TEXT, "group": TEXT, "bbox": TEXT, "state": TEXT, "since": TIME, "q": TEXT}
FOLLOW = {"all": FLAG, "regions": TEXT, "vehicles": TEXT, "bbox": TEXT, "zoom": NUMBER, "events": TEXT}
FOLLOW |= {"hz": NUMBER, "window": COUNT, "max_vehicles": COUNT, "counts": FLAG, "since": TEXT, "fresh": FLAG}
FOLLOW |= {"wait": NUMBER}


_PLAIN = str.maketrans("/.", "__", "{}")


class Route:
    """One method of one path. `answers` maps a status to (type, schema); errors are problems."""

    def __init__(
        self,
        method: str,
        path: str,
        about: str,
        *answers: tuple[int, str | None, Schema | None],
        query: dict[str, Schema] | None = None,
        body: dict[str, Schema] | None = None,
        headers: tuple[str, ...] = (),
        errors: tuple[int, ...] = (),
    ) -> None:
        self.method, self.path = method.lower(), path
        page = "_page" if any("text/html" in answer for answer in answers) else ""
        self.operation: dict[str, Any] = {
            "summary": about,
            "operationId": self.method + path.replace("/api/v1", "").translate(_PLAIN) + page,
            "parameters": [*_path(path), *_query(query or {}), *(_header(name) for name in headers)],
            "responses": {str(status): _answer(status, answers) for status, *_ in answers}
            | {str(status): _answer(status, [(status, PROBLEM, ref("Problem"))]) for status in errors}
            | {"default": {"description": "any other error", "content": {PROBLEM: {"schema": ref("Problem")}}}},
        }
        if body:
            content = {kind: {"schema": schema} for kind, schema in body.items()}
            self.operation["requestBody"] = {"required": True, "content": content}


def _path(path: str) -> Iterator[dict[str, Any]]:
    for part in path.split("/"):
        if part.startswith("{"):
            name = part[1:-1]
            schema = {"vehicle": VEHICLE, "region": REGION, "version": COUNT}.get(name, TEXT)
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query(query: dict[str, Schema]) -> Iterator[dict[str, Any]]:
    for name, schema in query.items():
        yield {"name": name, "in": "query", "schema": schema}


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": TEXT}


def _answer(status: int, answers: Iterable[tuple[int, str | None, Schema | None]]) -> dict[str, Any]:
    content = {kind: {"schema": schema or {}} for one, kind, schema in answers if one == status and kind is not None}
    return {"description": "see the schema", "content": content} if content else {"description": "nothing to say"}


_REGIONS_SAVED = thing(
    "created replaced regions",
    created=COUNT,
    replaced=COUNT,
    rejected=COUNT,
    errors=array({"type": "object"}),
    more=COUNT,
    regions=array(thing("id version", id=REGION, name=or_null(TEXT), version=COUNT)),
)
_LINES = ("application/x-ndjson", "application/geo+json-seq")
_FEATURE = {
    **dict.fromkeys((GEOJSON, JSON), ref("Region")),
    **dict.fromkeys((KML, "application/xml", "text/xml", *_LINES), TEXT),
    "application/vnd.google-earth.kmz": {"type": "string", "format": "binary"},
}
_PLACES = thing(
    "type features",
    type={"const": "FeatureCollection"},
    features=array(
        thing("type id geometry properties", id=VEHICLE, geometry={"type": "object"}, properties={"type": "object"})
    ),
    next={"type": "null"},
)
_WRITE = (400, 404, 412, 413, 415, 422, 503, 507)
_BYTES = {"type": "string", "format": "binary"}
_TABLES = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.apache.parquet": "parquet",
}

ROUTES = (
    Route(
        "POST",
        "/api/v1/positions",
        "Send positions",
        (200, JSON, ref("Counts")),
        (207, JSON, ref("Counts")),
        body={JSON: ref("Positions"), NDJSON: ref("Position")},
        headers=("Content-Encoding",),
        errors=(400, 403, 408, 413, 415, 422, 429, 503, 507),
    ),
    Route("GET", "/api/v1/positions", "Send positions over a WebSocket (upgrade)", (101, None, None), errors=(405,)),
    *(
        Route(
            method,
            "/ingest/{protocol}/{token}",
            "Send positions in the words of another program",
            (200, "*/*", None),
            body={"*/*": {}} if method == "POST" else None,
            errors=(400, 401, 403, 405, 413, 422, 429, 503, 507),
        )
        for method in ("GET", "POST")
    ),
    Route(
        "GET",
        "/api/v1/vehicles",
        "Vehicles, where they are",
        (200, JSON, page("vehicles", ref("Vehicle"))),
        (200, GEOJSON, _PLACES),
        (304, None, None),
        query={**CHOICE, "format": {"enum": ["json", "geojson"]}, **LIST},
        headers=("If-None-Match",),
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/gtfs-realtime/vehicle-positions",
        "Vehicles as a feed of GTFS-realtime",
        (200, "application/x-protobuf", _BYTES),
        (200, JSON, thing("header entity", header={"type": "object"}, entity=array({"type": "object"}))),
        (200, "text/plain", TEXT),
        (304, None, None),
        query={**CHOICE, "format": {"enum": ["protobuf", "json", "text"]}, "max_age_s": COUNT},
        headers=("If-None-Match",),
        errors=(404, 422, 503),
    ),
    Route("GET", "/api/v1/vehicles/{vehicle}", "One vehicle", (200, JSON, ref("Vehicle")), errors=(404, 422)),
    Route(
        "PUT",
        "/api/v1/vehicles/{vehicle}",
        "Say what a vehicle is",
        (200, JSON, ref("Vehicle")),
        (201, JSON, ref("Vehicle")),
        body={JSON: ref("Entry")},
        errors=(400, 413, 415, 422, 503, 507),
    ),
    Route(
        "PATCH",
        "/api/v1/vehicles/{vehicle}",
        "Change what is said of a vehicle (RFC 7396)",
        (200, JSON, ref("Vehicle")),
        body={"application/merge-patch+json": ref("Entry"), JSON: ref("Entry")},
        errors=(400, 404, 413, 415, 422, 503, 507),
    ),
    Route(
        "DELETE",
        "/api/v1/vehicles/{vehicle}",
        "Take a vehicle off the map; it exits its regions, its history stays unless `history=true` erases that too",
        (204, None, None),
        query={"history": FLAG},
        errors=(404, 422, 503, 507),
    ),
    Route(
        "GET",
        "/api/v1/vehicles/{vehicle}/track",
        "Where a vehicle was",
        (200, JSON, ref("Track")),
        (200, GEOJSON, {"type": "object"}),
        (200, "application/gpx+xml", TEXT),
        (200, KML, TEXT),
        (200, "text/csv", TEXT),
        (200, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _BYTES),
        query={**SPAN, **AS, "format": {"enum": ["json", "geojson", "gpx", "kml", "csv", "xlsx"]}, **LIST},
        errors=(404, 422, 503),
    ),
    *(
        Route(
            "GET",
            f"/api/v1/vehicles/{{vehicle}}/{what}",
            about,
            (200, JSON, ref(what.capitalize())),
            *((200, kind, _BYTES) for kind in (*_TABLES, GEOJSON, "application/gpx+xml", KML)),
            (304, None, None),
            query={
                **SPAN,
                **AS,
                "tz": TEXT,
                "format": {"enum": ["json", *_TABLES.values(), "geojson", "gpx", "kml"]},
                **LIST,
            },
            headers=("If-None-Match",),
            errors=(404, 422, 503),
        )
        for what, about in (
            ("trips", "The trips of a vehicle, and when nothing is known of it"),
            ("stops", "Where a vehicle stood, and for how long"),
            ("summary", "How far and how long a vehicle drove, by day"),
        )
    ),
    Route(
        "GET",
        "/api/v1/summary",
        "How far and how long vehicles drove, by vehicle and day",
        (200, JSON, page("vehicles", ref("Summary"))),
        *((200, kind, _BYTES) for kind in _TABLES),
        (304, None, None),
        query={
            **SPAN,
            **AS,
            "tz": TEXT,
            "group": TEXT,
            "vehicle": TEXT,
            "format": {"enum": ["json", *_TABLES.values()]},
            **LIST,
        },
        headers=("If-None-Match",),
        errors=(422, 503),
    ),
    Route(
        "GET",
        "/api/v1/regions",
        "Regions",
        (200, JSON, page("regions", ref("Region"))),
        (200, GEOJSON, ref("Collection")),
        query={"format": {"enum": ["json", "geojson"]}, **LIST},
        errors=(422,),
    ),
    Route(
        "POST",
        "/api/v1/regions",
        "Create one region, or create and replace many at once",
        (200, JSON, _REGIONS_SAVED),
        (201, JSON, {"anyOf": [ref("Region"), _REGIONS_SAVED]}),
        (207, JSON, _REGIONS_SAVED),
        body={**_FEATURE, GEOJSON: {"anyOf": [ref("Region"), ref("Collection")]}},
        query={"repair": COUNT, "partial": COUNT},
        headers=("If-None-Match",),
        errors=_WRITE,
    ),
    Route("GET", "/api/v1/regions/{region}", "One region", (200, GEOJSON, ref("Region")), errors=(404,)),
    Route(
        "PUT",
        "/api/v1/regions/{region}",
        "Create or replace a region",
        (200, GEOJSON, ref("Region")),
        (201, GEOJSON, ref("Region")),
        body=_FEATURE,
        query={"repair": COUNT},
        headers=("If-Match", "If-None-Match"),
        errors=_WRITE,
    ),
    Route(
        "PATCH",
        "/api/v1/regions/{region}",
        "Change a part of a region (RFC 7396)",
        (200, GEOJSON, ref("Region")),
        body={"application/merge-patch+json": {"type": "object"}, JSON: {"type": "object"}},
        headers=("If-Match",),
        errors=_WRITE,
    ),
    Route(
        "DELETE",
        "/api/v1/regions/{region}",
        "Delete a region; its versions stay",
        (204, None, None),
        headers=("If-Match",),
        errors=(404, 412, 503, 507),
    ),
    Route(
        "GET",
        "/api/v1/regions/{region}/versions",
        "The versions of a region",
        (200, JSON, {"type": "object"}),
        errors=(404,),
    ),
    Route(
        "GET",
        "/api/v1/regions/{region}/versions/{version}",
        "A region as it was",
        (200, GEOJSON, ref("Region")),
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/v1/regions/preview",
        "What a region would have done in the last 24 hours; stores nothing",
        (200, JSON, {"type": "object"}),
        body=_FEATURE,
        errors=(400, 413, 415, 422, 503),
    ),
    Route(
        "POST",
        "/api/v1/history/rehearse",
        "What a region that is being dragged would have done in the last 24 hours, beside what was told",
        (200, JSON, {"type": "object"}),
        body=_FEATURE,
        query={"going": TEXT, "limit": COUNT},
        errors=(400, 404, 409, 413, 415, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/arrivals",
        "Every message as it came, for who may see everything",
        (200, JSON, page("arrivals", {"type": "object"})),
        query={"from": TIME, "until": TIME, "fix_from": TIME, "fix_until": TIME, **LIST},
        errors=(404, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/edits",
        "Every version of every region, and what else changed, for who may see everything",
        (200, JSON, page("regions", {"type": "object"})),
        query=LIST,
        errors=(404, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/bundle",
        "What an event, or the events of a window, were decided by, as one file; for who may see everything",
        (200, "application/zip", TEXT),
        query={"event": TEXT, **SPAN, "vehicle": TEXT},
        errors=(404, 409, 413, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/day",
        "A day of the whole fleet as one file; for who may see everything",
        (200, "application/vnd.tracker.fleetday", TEXT),
        query={"date": TEXT, "tz": TEXT},
        errors=(404, 409, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/frames",
        "Where all vehicles were at some instants, as JSON or as a tape",
        (200, JSON, page("frames", ref("Frame"))),
        (200, "application/vnd.tracker.tape", TEXT),
        query={
            **SPAN,
            "step_s": COUNT,
            "vehicle": TEXT,
            "group": TEXT,
            **AS,
            "format": {"enum": ["json", "tape"]},
            **LIST,
        },
        errors=(422, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/activity",
        "How many vehicles told something, and how many moved, in each step of a range",
        (200, JSON, thing("known moving", known=array(COUNT), moving=array(COUNT))),
        query={**SPAN, "step_s": COUNT, "vehicle": TEXT, "group": TEXT, **AS},
        errors=(422, 503),
    ),
    Route(
        "GET",
        "/api/v1/history/regions",
        "The regions as they were drawn then",
        (200, JSON, page("versions", {"type": "object"})),
        query={**SPAN, **LIST},
        errors=(422, 503),
    ),
    Route(
        "POST",
        "/api/v1/history/inside",
        "Who was in a shape, when, for how long; it only reads",
        (200, JSON, page("visits", ref("Visit"))),
        (200, "text/csv", TEXT),
        body={
            JSON: thing(
                "from",
                geometry={"type": "object"},
                radius_m=NUMBER,
                buffer_m=NUMBER,
                region=REGION,
                vehicles=array(TEXT),
                **{"from": TIME, "until": TIME},
            )
        },
        query={"format": {"enum": ["json", "csv"]}, **AS, **LIST},
        errors=(400, 404, 413, 415, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/events",
        "What happened, in order",
        (200, JSON, ref("Events")),
        query={"after": COUNT, "before": COUNT, **SPAN, "region": TEXT, "vehicle": TEXT, "kind": TEXT, "limit": COUNT},
        errors=(422, 503),
    ),
    Route(
        "POST",
        "/api/v1/history/told",
        "Keep events another system decided, as its history; all or none",
        (200, JSON, thing("accepted duplicates", accepted=COUNT, duplicates=COUNT)),
        body={
            JSON: thing(
                "events",
                events=array(
                    thing(
                        "vehicle time what by",
                        vehicle=VEHICLE,
                        time=TIME,
                        what=TEXT,
                        by=TEXT,
                        number=TEXT,
                        region=REGION,
                        lat=NUMBER,
                        lon=NUMBER,
                        attributes={"type": "object"},
                    )
                ),
            )
        },
        errors=(400, 404, 413, 415, 422, 503, 507),
    ),
    Route(
        "GET",
        "/api/v1/history/corrections",
        "What people say was otherwise than it was told, the newest first; what was taken back too",
        (200, JSON, page("corrections", ref("Correction"))),
        query={"vehicle": TEXT, **SPAN, **LIST},
        errors=(422,),
    ),
    Route(
        "POST",
        "/api/v1/history/corrections",
        "Correct the past of a vehicle: wrong fixes, when it stopped, trips that were one; what was told stays",
        (200, JSON, ref("Correction")),
        (201, JSON, ref("Correction")),
        body={
            JSON: thing(
                "vehicle what from until why",
                vehicle=VEHICLE,
                what=CORRECTED,
                **{"from": TIME, "until": TIME},
                new_from=TIME | {"description": "of a stop that is moved"},
                new_until=TIME,
                why=TEXT | {"minLength": 1, "maxLength": 500},
                by=TEXT | {"description": "who says so, on a server on which nobody signs in"},
            )
        },
        errors=(400, 404, 409, 413, 415, 422, 503, 507),
    ),
    Route(
        "GET",
        "/api/v1/history/corrections/{correction}",
        "One correction",
        (200, JSON, ref("Correction")),
        errors=(404,),
    ),
    Route(
        "DELETE",
        "/api/v1/history/corrections/{correction}",
        "Take a correction back; it stays, with who took it back",
        (200, JSON, ref("Correction")),
        body={JSON: thing("", why=TEXT | {"maxLength": 500}, by=TEXT)},
        errors=(400, 404, 413, 415, 422, 503, 507),
    ),
    Route("GET", "/api/v1/events/{event}", "One event", (200, JSON, ref("Event")), errors=(404,)),
    Route(
        "POST",
        "/api/v1/events/{event}/ack",
        "Acknowledge an event",
        (200, JSON, ref("Event")),
        body={JSON: thing("by", by=TEXT)},
        errors=(400, 404, 413, 415, 422, 503, 507),
    ),
    Route(
        "DELETE",
        "/api/v1/events/{event}/ack",
        "Take an acknowledgement back",
        (200, JSON, ref("Event")),
        errors=(404, 503, 507),
    ),
    Route(
        "GET",
        "/api/v1/live",
        "The live channel (WebSocket; docs/wire.md)",
        (101, None, None),
        errors=(403, 404, 426, 503),
    ),
    Route(
        "GET",
        "/api/v1/stream",
        "The same messages as Server-Sent Events",
        (200, "text/event-stream", TEXT),
        query=FOLLOW,
        headers=("Last-Event-ID",),
        errors=(403, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/changes",
        "The same messages by polling",
        (200, JSON, thing("messages cursor after_ms", messages=array({"type": "object"}), cursor=TEXT, after_ms=COUNT)),
        query=FOLLOW,
        errors=(403, 422, 503),
    ),
    Route("GET", "/api/v1/page", "What the page has to know of this server", (200, JSON, {"type": "object"})),
    Route("GET", "/healthz", "Is the process alive?", (200, JSON, {"type": "object"})),
    Route(
        "GET", "/readyz", "Would it take a ping now?", (200, JSON, {"type": "object"}), (503, JSON, {"type": "object"})
    ),
    Route("GET", "/metrics", "Prometheus metrics", (200, "text/plain", TEXT)),
    Route("GET", "/openapi.json", "This document", (200, JSON, {"type": "object"})),
    Route("GET", "/", "The map", (200, "text/html", TEXT)),
    Route("GET", "/signin", "The page to sign in", (200, "text/html", TEXT)),
    Route("GET", "/people", "The page of who may come in", (200, "text/html", TEXT)),
    Route("GET", "/connect", "The page that brings a device onto the map", (200, "text/html", TEXT)),
    Route("GET", "/favicon.ico", "Its icon", (200, "image/svg+xml", _BYTES), errors=(404,)),
    Route("GET", "/static/{name}", "Its files", (200, "application/octet-stream", _BYTES), errors=(404,)),
    Route("GET", "/fixtures/demo/{name}", "Streets of the demo", (200, GEOJSON, {"type": "object"}), errors=(404,)),
)


def document(routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route.operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Live fleet map",
            "version": __version__,
            "summary": "Pings in, geofence events and position updates out",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def blueprint(node: Node, *more: Route) -> Blueprint:
    routes = Routes("openapi", node)
    routes.add_open("/openapi.json", partial(openapi, encode(document((*ROUTES, *more)))))
    return routes.blueprint


async def openapi(described: bytes, _node: Node) -> Response:
    return Response(described, 200, {"content-type": JSON})
