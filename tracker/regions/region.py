"""Region: a named geofenced shape with rules and a version."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tracker.errors import Invalid
from tracker.geometry.geojson import form_of, parameter_names, read_shape
from tracker.geometry.shape import Shape
from tracker.geometry.validation import check_metres
from tracker.model.events import KINDS
from tracker.model.ping import Scalar
from tracker.regions.colors import read_color
from tracker.regions.rules import Rules, read_rules
from tracker.times import rfc3339

DEBOUNCES = ("accuracy", "none")
COLOR = "#3b7dd8"
NOTIFY = ("enter", "exit", "dwell")
MAX_NAME = 200
MAX_ATTRIBUTES = 64
MAX_TEXT = 4096  #: characters of one attribute
INNER_M = 25.0  #: however poor the accuracy, this far inside is in

#: what an answer adds to a Feature; a client may send it back, it is not read
ANSWERED = frozenset({"id", "version", "inside_count", "area_m2", "updated_at"})

#: a browser goes elsewhere with `.` and `..`, and `preview` has an address of its own
ID = re.compile(r"(?!(?:\.\.?|preview)\Z)[A-Za-z0-9._-]{1,64}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)


def region_id(text: Any) -> str:
    """Raises Invalid unless it may be the id of a region that somebody draws; what is stored is not asked again."""
    if not isinstance(text, str) or not ID.fullmatch(text):
        message = "a region id is 1 to 64 of the characters A-Z a-z 0-9 . _ - and none of: . .. preview"
        raise Invalid("invalid_region_id", message, [{"field": "id", "code": "invalid_region_id", "message": message}])
    return text


class Region(msgspec.Struct, frozen=True, gc=False):
    """One version of a region. `inner_m` and the shape are worked out once, here, never while pings come."""

    id: str
    version: int
    name: str
    color: str
    group: str | None
    shape: Shape
    debounce: str
    rules: Rules
    notify: tuple[str, ...]
    attributes: dict[str, Scalar]
    updated_at: int
    parameters: dict[str, float]  # what completes the shape's geometry, and what was sent beside it
    exact: bool  # debounce "none": plain containment decides
    inner_m: float  # at most this deep inside is asked for before `enter`

    @classmethod
    def read_feature(cls, feature: Any, *, id: str, version: int, now: int, shape: Shape | None = None) -> Region:
        """Read a GeoJSON Feature. Pure, but slow for large shapes: call it off the loop. `shape`: read already.

        Raises Invalid with every fault at once; each has its field, a fault of the shape also says where.
        """
        faults = _Faults()
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise _not_valid([_fault("type", '`type` must be "Feature": a region is a GeoJSON Feature')])
        properties = feature.get("properties")
        if properties is None:
            properties = {}
        if not isinstance(properties, dict):
            raise _not_valid([_fault("properties", "`properties` is an object")])
        rules = Rules()
        with faults:
            if (given := properties.get("rules")) is not None:
                rules = read_rules(given, "properties.rules")
        name = faults.text(properties, "name", MAX_NAME) or id
        group = faults.text(properties, "group", MAX_NAME)
        color = faults.color(properties)
        debounce = properties.get("debounce")
        if debounce is not None and debounce not in DEBOUNCES:
            faults.add_fault("debounce", '`debounce` is "accuracy" or "none"')
        geometry = feature.get("geometry")
        parameters = {name: properties[name] for name in parameter_names() if properties.get(name) is not None}
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        form = form_of(kind, parameters)
        for other in sorted(parameters.keys() - set(form.parameters if form else ())):
            faults.metres(properties, other)  # the shape reads its own
        notify = faults.kinds(properties)
        attributes = faults.attributes(properties)
        with faults:
            shape = shape or read_shape(geometry, **parameters)
        if faults.found or shape is None:
            raise _not_valid(faults.found)
        return cls(
            id=id,
            version=version,
            name=name,
            color=color or COLOR,
            group=group,
            shape=shape,
            debounce=debounce or "accuracy",
            rules=rules,
            notify=notify,
            attributes=attributes,
            updated_at=now,
            parameters=parameters,
            exact=debounce == "none",
            inner_m=_inner_m(shape.area_m2, shape.perimeter_m),
        )

    def feature(self) -> dict[str, Any]:
        """The GeoJSON Feature the API answers, without `inside_count`."""
        properties: dict[str, Any] = {"name": self.name, "color": self.color, "group": self.group}
        properties |= self.parameters | {
            "debounce": self.debounce,
            "rules": self.rules.as_json(),
            "notify": list(self.notify),
            "attributes": self.attributes,
            "version": self.version,
            "area_m2": round(self.shape.area_m2, 1),
            "updated_at": rfc3339(self.updated_at),
        }
        return {"type": "Feature", "id": self.id, "geometry": self.shape.geojson(), "properties": properties}

    def as_decided(self, feature: dict[str, Any]) -> Region:
        """As the program that stored this Feature had read it: one before 0.2 could add a hole to the area."""
        area_m2 = feature["properties"].get("area_m2")
        if area_m2 is None or abs(area_m2 - self.shape.area_m2) <= 0.1 + 1e-6 * self.shape.area_m2:
            return self
        inner_m = _inner_m(area_m2, self.shape.perimeter_m)
        return self if inner_m == self.inner_m else msgspec.structs.replace(self, inner_m=inner_m)

    def open_at(self, time: int) -> bool:
        schedule = self.rules.schedule
        return schedule is None or schedule.open_at(time)

    def decides_like(self, other: Region) -> bool:
        """Would both put every fix on the same side? Then a change of name or rules moves nobody in or out."""
        return (
            self.debounce == other.debounce
            and self.rules.schedule == other.rules.schedule
            and self.inner_m == other.inner_m
            and self.shape.decides_like(other.shape)
        )


def _inner_m(area_m2: float, perimeter_m: float) -> float:
    return min(INNER_M, 0.5 * area_m2 / perimeter_m) if perimeter_m else INNER_M


class _Faults:
    """Collects what is wrong with the properties of a Feature; as a context, also what a reader raised."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, traceback: object) -> bool:
        if not isinstance(error, Invalid):
            return False
        self.found += error.errors or [{"field": "geometry", "code": error.code, "message": error.detail}]
        return True

    def add_fault(self, name: str, message: str) -> None:
        self.found.append(_fault(f"properties.{name}", message))

    def text(self, properties: dict[str, Any], name: str, most: int) -> str | None:
        value = properties.get(name)
        if value is None or (isinstance(value, str) and value.isprintable() and len(value) <= most):
            return value.strip() or None if value else None
        self.add_fault(name, f"`{name}` is a text of at most {most} characters, without line breaks")
        return None

    def color(self, properties: dict[str, Any]) -> str | None:
        value = properties.get("color")
        if value is None or (isinstance(value, str) and _COLOR.fullmatch(value)):
            return value
        color = read_color(value) if isinstance(value, str) else None
        if color is None:
            self.add_fault("color", "`color` is #rrggbb, #rgb, rgb(…), hsl(…) or a name of CSS such as `red`")
        return color

    def metres(self, properties: dict[str, Any], name: str) -> None:
        with self:
            check_metres(properties[name], name)

    def kinds(self, properties: dict[str, Any]) -> tuple[str, ...]:
        value = properties.get("notify")
        if value is None:
            return NOTIFY
        if not isinstance(value, list) or not all(isinstance(kind, str) and kind in KINDS for kind in value):
            self.add_fault("notify", f"`notify` is a list of kinds of event: {', '.join(KINDS)}")
            return NOTIFY
        return tuple(dict.fromkeys(value))

    def attributes(self, properties: dict[str, Any]) -> dict[str, Scalar]:
        value = properties.get("attributes")
        if value is not None and not isinstance(value, dict):
            self.add_fault("attributes", "`attributes` is an object of texts, numbers, true, false and null")
            value = None
        found = {name: one for name, one in properties.items() if not is_ours(name)} | (value or {})
        for name, one in found.items():
            if isinstance(one, dict | list | tuple):  # kept whole, as its JSON
                found[name] = one = _text_of(one)
            if not isinstance(one, str | int | float | bool | None) or (isinstance(one, str) and not _is_kept(one)):
                field = f"attributes.{name}" if name in (value or {}) else name
                kept = "number, true, false or null that could be kept as an attribute"
                message = f"`{name}` is neither a property of a region nor a text or JSON (up to {MAX_TEXT}), {kept}"
                self.add_fault(field, message)
        if len(found) > MAX_ATTRIBUTES:
            self.add_fault("attributes", f"at most {MAX_ATTRIBUTES} attributes, not {len(found)}")
        return found


def _is_kept(text: str) -> bool:
    """Short enough, and of characters: half of a surrogate pair is none."""
    return len(text) <= MAX_TEXT and (text.isascii() or not _SURROGATE.search(text))


def _text_of(value: Any) -> str | None:
    """A list or an object as JSON text; what no JSON can say stays out, as `null`."""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None


#: every property a region has; anything else is kept as an attribute
_OURS = ANSWERED | {"name", "color", "group", "debounce", "rules", "notify", "attributes"}


def is_ours(name: str) -> bool:
    """Is this a property that a region has; all others become attributes."""
    return name in _OURS or name in parameter_names()


def _fault(field: str, message: str) -> dict[str, Any]:
    return {"field": field, "code": "invalid_region", "message": message}


def _not_valid(errors: list[dict[str, Any]]) -> Invalid:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Invalid(errors[0].get("code", "invalid_region"), errors[0]["message"] + more, errors)
