"""Regions: GeoJSON in, GeoJSON out, every version kept, no edit lost to another."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import Any

from quart import Blueprint, Response, request

from tracker.errors import BadRequest, Conflict, Invalid, NotFound
from tracker.features import read_regions
from tracker.times import rfc3339
from tracker.web import api, shown
from tracker.web.answers import encode
from tracker.web.node import Node

ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
KML = {"application/vnd.google-earth.kml+xml", "application/xml", "text/xml", "application/vnd.google-earth.kmz"}
GEOJSON = "application/geo+json"
MOST_FEATURES = 10_000  #: of one request
#: what an answer has besides; a document that was read may be written back with them
COMPUTED = frozenset({"version", "inside_count", "area_m2", "perimeter_m", "updated_at"})


def blueprint(node: Node) -> Blueprint:
    routes = Blueprint("regions", __name__)
    picture, pipeline, store = node.picture, node.pipeline, node.store

    def known(id: str) -> dict[str, Any]:
        if (feature := picture.regions.get(id)) is None:
            raise NotFound("unknown_region", f"there is no region {id[:64]!r}")
        return feature

    def one(feature: dict[str, Any], status: int = 200) -> Response:
        headers = {"etag": _etag(feature), "content-type": GEOJSON}
        if status == 201:
            headers["location"] = f"/api/v1/regions/{feature['id']}"
        return api.answer(shown.region(feature, picture), status, **headers)

    @routes.get("/api/v1/regions")
    async def list_regions() -> Response:
        api.only("limit", "cursor", "format")
        form = request.args.get("format", "json")
        if form not in ("json", "geojson"):
            raise api.bad("format", "json or geojson")
        after = api.place(lambda place: isinstance(place, str))
        everything = form == "geojson" and "limit" not in request.args
        limit = len(picture.regions) + 1 if everything else api.limit()
        ids = sorted(id for id in picture.regions if after is None or id > after)
        features = [shown.region(picture.regions[id], picture) for id in ids[:limit]]
        next = api.cursor(ids[limit - 1]) if len(ids) > limit else None
        if form == "geojson":
            collection = {"type": "FeatureCollection", "features": features, "next": next}
            return Response(await asyncio.to_thread(encode, collection), 200, {"content-type": GEOJSON})
        return Response(await asyncio.to_thread(encode, {"regions": features, "next": next}), 200, _JSON)

    @routes.get("/api/v1/regions/<id>")
    async def get_region(id: str) -> Response:
        return one(known(id))

    @routes.post("/api/v1/regions")
    async def post_regions() -> Response:
        document = await _document()
        if _is_collection(document):
            return await save_all(await asyncio.to_thread(_features, document))
        feature = _feature(document, _given_id(document) or new_id())
        return await save(feature)

    @routes.put("/api/v1/regions/<id>")
    async def put_region(id: str) -> Response:
        return await save(_feature(await _document(), _checked_id(id)))

    @routes.patch("/api/v1/regions/<id>")
    async def patch_region(id: str) -> Response:
        before = known(id)
        patch = await api.json_body()
        if not isinstance(patch, dict):
            raise Invalid("not_an_object", "a merge patch (RFC 7396) of a region is a JSON object")
        _check_match(before, id)
        feature = _feature(api.merged(_bare(before), patch), id)
        [(saved, _)] = await pipeline.save_regions([feature], expect={id: _version(before)})
        return one(saved)

    @routes.delete("/api/v1/regions/<id>")
    async def delete_region(id: str) -> Response:
        before = known(id)
        guarded = _check_match(before, id)
        await pipeline.delete_region(id, expect=_version(before) if guarded else None)
        return Response(b"", 204)

    @routes.get("/api/v1/regions/<id>/versions")
    async def list_versions(id: str) -> Response:
        versions = await store.region_versions(id)
        if not versions:
            raise NotFound("unknown_region", f"there was never a region {id[:64]!r}")
        return api.answer({"versions": [_shown_version(saved) for saved in versions], "next": None})

    @routes.get("/api/v1/regions/<id>/versions/<int:number>")
    async def get_version(id: str, number: int) -> Response:
        saved = await store.region_version(id, number) if number < 2**31 else None
        if saved is None:
            raise NotFound("unknown_version", f"region {id[:64]!r} has no version {number}")
        if saved.feature is None:
            raise NotFound("deleted_version", f"region {id!r} was deleted in version {number}")
        return api.answer(saved.feature, etag=f'"{number}"', content_type=GEOJSON)

    @routes.post("/api/v1/regions/preview")
    async def preview() -> Response:
        from tracker.preview import preview as run

        document = await _document()
        feature = _feature(document, _given_id(document) or "preview")
        return api.answer(await run(node.fleet, node.store, feature, node.clock()))

    async def save(feature: dict[str, Any]) -> Response:
        if api.flag("repair"):
            return await _repaired(feature)
        id = feature["id"]
        before = picture.regions.get(id)
        guarded = _check_match(before, id)
        expect: dict[str, int | None] = {id: _version(before)} if guarded and before else {}
        [(saved, created)] = await pipeline.save_regions([feature], expect=expect, create_only=_create_only())
        return one(saved, 201 if created else 200)

    async def save_all(features: list[dict[str, Any]]) -> Response:
        try:
            saved = await pipeline.save_regions(features, create_only=_create_only())
        except Invalid as fault:  # of a single one it is not told which
            raise Invalid(fault.code, fault.detail, [{"index": 0} | error for error in fault.errors]) from None
        created = sum(new for _, new in saved)
        listed = [
            {"id": feature["id"], "name": feature["properties"].get("name"), "version": _version(feature)}
            for feature, _ in saved
        ]
        counts = {"created": created, "replaced": len(saved) - created}
        return api.answer(counts | {"regions": listed, "next": None}, 201 if created else 200)

    def new_id() -> str:
        while (id := secrets.token_hex(5)) in picture.regions:
            pass
        return id

    def _features(document: dict[str, Any]) -> list[dict[str, Any]]:
        """Every feature of a collection with an id; when one is wrong, the faults of all of them."""
        given = document.get("features")
        if not isinstance(given, list):
            raise Invalid("not_geojson", "a FeatureCollection has an array of `features`")
        if len(given) > MOST_FEATURES:
            raise Invalid("too_many_features", f"at most {MOST_FEATURES} features go into one request")
        features: list[dict[str, Any]] = []
        places: list[int] = []
        errors: list[dict[str, Any]] = []
        for index, item in enumerate(given):
            try:
                features.append(_feature(item, _given_id(item) or new_id()))
                places.append(index)
            except Invalid as fault:
                errors += [{"index": index} | error for error in fault.errors]
        if not errors:
            return features  # the pipeline reads what is in them, and tells all faults itself
        try:
            read_regions(features, node.clock())
        except Invalid as fault:
            errors += [error | {"index": places[error.get("index", 0)]} for error in fault.errors]
        errors.sort(key=lambda error: int(error["index"]))
        raise Invalid("invalid_regions", f"nothing was stored: {errors[0]['message']}", errors)

    return routes


_JSON = {"content-type": "application/json"}


def _version(feature: dict[str, Any]) -> int:
    return int(feature["properties"]["version"])


def _etag(feature: dict[str, Any]) -> str:
    return f'"{_version(feature)}"'


def _shown_version(saved: Any) -> dict[str, Any]:
    return {"version": saved.version, "updated_at": rfc3339(saved.updated_at), "deleted": saved.feature is None}


def _bare(feature: dict[str, Any]) -> dict[str, Any]:
    properties = {name: value for name, value in feature["properties"].items() if name not in COMPUTED}
    return feature | {"properties": properties}


async def _document() -> Any:
    """The GeoJSON of the request; KML, whichever of its names it comes under, is turned into it."""
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind not in KML:
        return await api.json_body()
    from tracker.kml import read_kml

    return await asyncio.to_thread(read_kml, await api.raw_body())


def _is_collection(document: Any) -> bool:
    return isinstance(document, dict) and document.get("type") == "FeatureCollection"


def _given_id(document: Any) -> str | None:
    """The `id` of a feature; numbers are common there and become texts."""
    given = document.get("id") if isinstance(document, dict) else None
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return _checked_id(given)


def _checked_id(id: Any) -> str:
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise _fault("id", "invalid_id", "a region id is 1–64 of the characters A–Z a–z 0–9 . _ -")
    return id


def _feature(document: Any, id: str) -> dict[str, Any]:
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


def _create_only() -> bool:
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    if given.strip() != "*":
        raise BadRequest("bad_header", "If-None-Match takes * here: create only")
    return True


def _check_match(before: dict[str, Any] | None, id: str) -> bool:
    """Whether If-Match guards this write; raises Conflict when it names another version than there is."""
    given = request.headers.get("if-match")
    if given is None:
        return False
    tags = [tag.strip() for tag in given.split(",")]
    if before is None:
        raise Conflict("changed", f"there is no region {id!r} to match")
    if "*" not in tags and _etag(before) not in tags:
        raise Conflict("changed", f"region {id!r} is at version {_version(before)} now, not {given[:40]}", before)
    return True


async def _repaired(feature: dict[str, Any]) -> Response:
    """The same feature with a valid geometry, to be looked at and sent again; nothing is stored."""
    from tracker.shapes import repair

    metres = [feature["properties"].get(name) for name in ("radius_m", "buffer_m")]
    geometry = await asyncio.to_thread(repair, feature["geometry"], *metres)
    return api.answer(
        feature | {"geometry": geometry, "repaired": geometry != feature["geometry"]}, content_type=GEOJSON
    )
