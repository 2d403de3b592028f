"""The shapes of what goes over HTTP, as JSON Schema: the components of /openapi.json."""

from __future__ import annotations

from typing import Any

from tracker.history.story.corrections import WHAT
from tracker.model.events import ERASED, KINDS, TOLD
from tracker.model.ping import CODES, MAX_ID, MAX_TEXT, RANGES
from tracker.model.states import STATES

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(required: str = "", more: Any = True, **fields: Schema) -> Schema:
    """An object; `required` names fields, separated by spaces."""
    schema: Schema = {"type": "object", "properties": fields, "additionalProperties": more}
    return schema | ({"required": required.split()} if required else {})


def array(items: Schema, most: int | None = None) -> Schema:
    return {"type": "array", "items": items} | ({"maxItems": most} if most else {})


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def page(name: str, items: Schema, **more: Schema) -> Schema:
    return thing(f"{name} next", **{name: array(items), "next": or_null(TEXT)}, **more)


def _number(name: str) -> Schema:
    low, high, _ = RANGES[name]
    return {"type": "number", "minimum": low, "maximum": high}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-11-23T09:00:00.000Z"]}
VEHICLE: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID, "examples": ["van-7"]}
REGION: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9._-]{1,64}$",
    "not": {"enum": [".", ".."]},
    "examples": ["depot"],
}
END: Schema = thing("how lat lon", how={"enum": ["crossed", "fix", "beyond"]}, lat=or_null(NUMBER), lon=or_null(NUMBER))
SCALARS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}

_SENSED = {
    "speed_mps": _number("speed_mps"),
    "heading": _number("heading") | {"description": "degrees clockwise from north"},
    "altitude_m": _number("altitude_m"),
    "accuracy_m": _number("accuracy_m"),
    "ignition": FLAG,
    "battery_pct": _number("battery_pct"),
    "odometer_m": _number("odometer_m"),
    "driver": TEXT | {"maxLength": MAX_TEXT},
    "alarm": TEXT | {"maxLength": MAX_TEXT},
    "attributes": SCALARS,
}

CORRECTED: Schema = {"enum": list(WHAT)}
_CORRECTIONS = array(ref("Correction")) | {"description": "that this obeys; only where there are any"}
_NOTES = array(ref("Note"))
_SPAN: dict[str, Schema] = {"from": TIME, "until": TIME}
_PLACE = thing("lat lon", lat=_number("lat"), lon=_number("lon"))
_FAULT = thing(
    "code message", index=COUNT, code=TEXT, field=or_null(TEXT), message=TEXT, at=array(NUMBER), id=or_null(TEXT)
)

SCHEMAS: dict[str, Schema] = {
    "Position": thing(
        "vehicle time lat lon",
        vehicle=VEHICLE,
        time={"description": "when the fix was made: RFC 3339, or seconds or milliseconds since 1970"}
        | {"anyOf": [TIME, NUMBER]},
        lat=_number("lat"),
        lon=_number("lon"),
        speed_kmh=NUMBER,
        speed_kn=NUMBER,
        **_SENSED,
    )
    | {
        "description": "One report. Unknown scalar fields become attributes. At most one speed.",
        "examples": [{"vehicle": "van-7", "time": "2026-11-23T09:00:00Z", "lat": 60.1712, "lon": 24.944}],
    },
    "Positions": {
        "oneOf": [ref("Position"), array(ref("Position")), thing("positions", False, positions=array(ref("Position")))]
    },
    "Counts": thing(
        "accepted late held duplicates conflicts discarded ignored rejected errors",
        accepted=COUNT,
        late=COUNT,
        held=COUNT,
        duplicates=COUNT,
        conflicts=COUNT,
        discarded=COUNT,
        ignored=COUNT | {"description": "optional values that cannot be right and were left out"},
        rejected=COUNT,
        errors=array(ref("ItemError"), 100),
        quarantined=COUNT | {"description": "of vehicles nobody knows; left out when there are none"},
        more=COUNT | {"description": "errors that were cut"},
    )
    | {"description": "accepted + duplicates + discarded + rejected = items; late, held, quarantined ⊆ accepted"},
    "ItemError": thing(
        "index code field message", index=COUNT, code={"enum": sorted(CODES)}, field=or_null(TEXT), message=TEXT
    ),
    "Problem": thing(
        "type title status code detail",
        type=TEXT,
        title=TEXT,
        status={"type": "integer"},
        code=TEXT,
        detail=TEXT,
        errors=array(_FAULT, 100),
        more=COUNT,
        current={"description": "of a 412: the newer version"},
    ),
    "Fix": thing(
        "time lat lon",
        time=TIME,
        lat=NUMBER,
        lon=NUMBER,
        received_at=TIME,
        late=FLAG,
        held=FLAG,
        **_SENSED,
    ),
    "Entry": thing(
        more=False,
        name=or_null(TEXT | {"maxLength": 200}),
        plate=or_null(TEXT | {"maxLength": 40}),
        group=or_null(TEXT | {"maxLength": 100}),
        kind=or_null(TEXT | {"maxLength": 40}),
        attributes=or_null({"type": "object"}),
    )
    | {"description": "What people say of a vehicle. What GET answered may be written back."},
    "Vehicle": thing(
        "vehicle name plate group kind attributes position state state_since regions held",
        vehicle=VEHICLE,
        name=or_null(TEXT),
        plate=or_null(TEXT),
        group=or_null(TEXT),
        kind=or_null(TEXT),
        attributes={"type": "object"},
        position=or_null(ref("Fix")),
        state={"enum": list(STATES)},
        state_since=or_null(TIME),
        regions=array(thing("id name entered_at", id=REGION, name=or_null(TEXT), entered_at=TIME)),
        held=or_null(ref("Fix")),
    ),
    "Correction": thing(
        "id vehicle what from until why by at taken_back",
        id=TEXT,
        vehicle=VEHICLE,
        what=CORRECTED,
        **_SPAN,
        new_from=TIME,
        new_until=TIME,
        why=TEXT,
        by=TEXT,
        at=TIME,
        taken_back=or_null(thing("by at why", by=TEXT, at=TIME, why=or_null(TEXT))),
    ),
    "Note": thing("id what by at why", id=TEXT, what=CORRECTED, by=TEXT, at=TIME, why=TEXT)
    | {"description": "a correction that made this what it is"},
    "Track": page("positions", ref("Fix"), vehicle=VEHICLE, corrections=_CORRECTIONS),
    "Trip": thing(
        "from until start end distance_m duration_s driving_s idle_s max_mps",
        **_SPAN,
        start=_PLACE,
        end=_PLACE,
        distance_m=NUMBER,
        duration_s=NUMBER,
        driving_s=NUMBER,
        idle_s=NUMBER | {"description": "it stood, or nearly, for too short a time to be a stop"},
        max_mps=or_null(NUMBER),
        corrected=_NOTES,
    ),
    "Stop": thing(
        "from until lat lon duration_s regions",
        **_SPAN,
        lat=_number("lat"),
        lon=_number("lon"),
        duration_s=NUMBER,
        regions=array(thing("id name", id=REGION, name=TEXT)),
        corrected=_NOTES,
    ),
    "Gap": thing(
        "from until start end distance_m duration_s",
        **_SPAN,
        start=_PLACE,
        end=_PLACE,
        distance_m=NUMBER,
        duration_s=NUMBER,
        corrected=_NOTES,
    )
    | {"description": "no fix for so long that nothing is known"},
    "Trips": page("trips", ref("Trip"), vehicle=VEHICLE, gaps=array(ref("Gap")), corrections=_CORRECTIONS),
    "Stops": page("stops", ref("Stop"), vehicle=VEHICLE, corrections=_CORRECTIONS),
    "Sums": thing(
        "from until distance_m driving_s idle_s stopped_s silent_s trips stops max_mps utilisation regions",
        **_SPAN,
        distance_m=NUMBER,
        driving_s=NUMBER,
        idle_s=NUMBER,
        stopped_s=NUMBER,
        silent_s=NUMBER,
        trips=COUNT,
        stops=COUNT,
        max_mps=or_null(NUMBER),
        utilisation=NUMBER | {"description": "the share of the span that it was on trips"},
        regions=array(thing("id name duration_s", id=REGION, name=TEXT, duration_s=NUMBER)),
    ),
    "Summary": {
        "allOf": [
            ref("Sums"),
            thing(
                "vehicle tz days",
                vehicle=VEHICLE,
                tz=TEXT,
                corrections=_CORRECTIONS,
                days=array({"allOf": [ref("Sums"), thing("day", day=TEXT | {"format": "date"})]}),
            ),
        ]
    },
    "Region": thing(
        "type geometry",
        type={"const": "Feature"},
        id=REGION,
        geometry={
            "type": "object",
            "description": "Polygon, MultiPolygon, Point with `radius_m`, LineString with `buffer_m`",
        },
        properties=thing(
            name=or_null(TEXT),
            color=or_null(TEXT),
            group=or_null(TEXT),
            radius_m=or_null(NUMBER),
            buffer_m=or_null(NUMBER),
            debounce={"enum": ["accuracy", "none"]},
            rules={"type": "object"},
            notify=array({"enum": list(KINDS)}),
            attributes={"type": "object"},
            version=COUNT | {"readOnly": True},
            inside_count=COUNT | {"readOnly": True},
            area_m2=NUMBER | {"readOnly": True},
            updated_at=TIME | {"readOnly": True},
        ),
    )
    | {
        "description": "A GeoJSON Feature.",
        "examples": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [24.944, 60.1712]},
                "properties": {"name": "Depot", "radius_m": 150},
            }
        ],
    },
    "Collection": thing("type features", type={"const": "FeatureCollection"}, features=array(ref("Region"))),
    "Event": thing(
        "seq id kind time",
        seq=COUNT,
        id=TEXT,
        kind={"enum": [*KINDS, TOLD, ERASED]},
        vehicle=VEHICLE,
        region=REGION,
        version=COUNT,
        time=TIME,
        received_at=TIME,
        reason=TEXT,
        lat=NUMBER,
        lon=NUMBER,
        delayed=FLAG,
        ack=thing("by at", by=TEXT, at=TIME),
        why={"type": "object", "description": "what decided it"},
        doubted=_NOTES | {"description": "who says that a fix which decided it is wrong; only where somebody does"},
    )
    | {"description": "Of an `erased` one only seq, id, kind and time are left."},
    "Frame": thing(
        "time positions",
        time=TIME,
        positions=array(
            thing(
                "vehicle lat lon age_s",
                vehicle=VEHICLE,
                lat=NUMBER,
                lon=NUMBER,
                age_s=NUMBER | {"description": "how old the newest fix was"},
                gap=FLAG | {"description": "where it was last: what came next is not near enough in time"},
            )
        ),
    ),
    "Visit": thing(
        "vehicle entered_at exited_at duration_s fixes passed_through",
        vehicle=VEHICLE,
        entered_at=or_null(TIME) | {"description": "null: it was inside when the range began"},
        exited_at=or_null(TIME) | {"description": "null: it was inside when the range ended"},
        duration_s=NUMBER | {"description": "within the range"},
        fixes=COUNT,
        passed_through=FLAG | {"description": "between two positions, neither of which was inside"},
        silent_s=NUMBER | {"description": "the longest time of it without a position"},
        entry=END,
        exit=END,
    ),
    "Events": thing(
        "events next first last",
        events=array(ref("Event")),
        next=or_null(COUNT) | {"description": "the `after` (or `before`) of the following page, null at the end"},
        first=COUNT | {"description": "where the log begins: older events are no longer kept"},
        last=COUNT | {"description": "the newest seq there is"},
    ),
}
