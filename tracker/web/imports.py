"""What comes in as regions: one GeoJSON Feature, a collection of them, or KML; each Feature decoded in its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tracker.errors import BadRequest, Invalid, TooLarge
from tracker.kml import KmlFile
from tracker.protocols.pieces import cut
from tracker.regions import region_id
from tracker.web import api

KML = {"application/vnd.google-earth.kml+xml", "application/xml", "text/xml", "application/vnd.google-earth.kmz"}
MOST_FEATURES = 10_000  #: of one request
#: what an answer has besides; a document that was read may be written back with them
COMPUTED = frozenset({"version", "inside_count", "area_m2", "perimeter_m", "updated_at"})


class Import:
    """The body of a POST. `items` are the Features of a collection, `document` what was sent when it is none."""

    def __init__(self, document: Any, items: Iterator[Any] | None = None) -> None:
        self.document = document
        self.items = items

    @classmethod
    def read(cls, body: bytes | bytearray, kind: str, most: int) -> Import:
        """Slow for large ones: call it in a thread. Raises BadRequest, TooLarge, Invalid."""
        if kind in KML:
            file = KmlFile(body)
            _check_count(len(file))
            return cls(None, map(file.feature, range(len(file))))
        try:
            frame, spans = cut(body, "features", MOST_FEATURES, most)
        except TooLarge as fault:
            if fault.code == "too_many_items":
                _check_count(MOST_FEATURES + 1)
            raise
        document = api.read(frame)
        if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
            return cls(document)
        if not isinstance(document.get("features"), list):
            raise Invalid("not_geojson", "a FeatureCollection has an array of `features`")
        given = document["features"] if spans is None else (bytes(body[start:end]) for start, end in spans)
        return cls(document, map(_decoded, range(MOST_FEATURES + 1), given))

    def features(self, new_id: Callable[[], str]) -> Iterator[dict[str, Any] | Invalid]:
        """Each of the collection, with an id; or what is wrong with it."""
        for item in self.items or ():
            try:
                yield feature_of(item, given_id(item) or new_id())
            except Invalid as fault:
                yield fault


def _decoded(index: int, text: bytes | Any) -> Any:
    if not isinstance(text, bytes):
        return text
    try:
        return api.read(text)
    except BadRequest as fault:
        raise type(fault)(fault.code, f"Feature {index}: {fault.detail}") from None


def _check_count(count: int) -> None:
    if count > MOST_FEATURES:
        raise Invalid("too_many_features", f"at most {MOST_FEATURES} features go into one request")


def given_id(document: Any) -> str | None:
    """The `id` of a feature; numbers are common there and become texts."""
    given = document.get("id") if isinstance(document, dict) else None
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return region_id(given)


def feature_of(document: Any, id: str) -> dict[str, Any]:
    """A GeoJSON Feature with this id and without what only answers have; its content is checked where it is read."""
    if not isinstance(document, dict) or document.get("type") != "Feature":
        raise _fault("type", "not_a_feature", 'a region is a GeoJSON Feature: {"type": "Feature", "geometry": …}')
    given = document.get("id")
    if given is not None and str(given) != id:
        raise _fault("id", "other_id", f"the address says {id!r}, the body says {str(given)[:64]!r}")
    properties = document.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise _fault("properties", "wrong_type", "`properties` is an object")
    if fault := api.bad_attributes(properties.get("attributes") or {}):
        raise _fault("properties.attributes", "invalid_attributes", fault)
    kept = {name: value for name, value in properties.items() if name not in COMPUTED}
    return {"type": "Feature", "id": id, "geometry": document.get("geometry"), "properties": kept}


def _fault(field: str, code: str, message: str) -> Invalid:
    return Invalid(code, message, [{"field": field, "code": code, "message": message}])
