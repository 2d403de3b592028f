"""Regions: GeoJSON in, GeoJSON out, every version kept, no edit lost to another."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import msgspec
from quart import Blueprint, Response, request

from tracker.access.grants import EDIT_REGIONS, WATCH, Grant
from tracker.errors import BadRequest, Conflict, Invalid, NotFound
from tracker.fleet.fleet import Fleet
from tracker.history.visits import Shown
from tracker.model import outside as shown
from tracker.model.picture import Picture
from tracker.node import Node
from tracker.nodes.reading import needs_of
from tracker.outputs.sight import Sight
from tracker.pipeline.missed import stored_fleet
from tracker.regions.drawings import Drawings
from tracker.regions.foreign import COMPUTED, Drawn
from tracker.regions.importing import Imported, read_all
from tracker.regions.region import region_id
from tracker.times import rfc3339
from tracker.turns.slices import SLICE_S
from tracker.web.api import parameters as api
from tracker.web.api.drawing import check_edit, group_drawn
from tracker.web.api.imports import Turn, feature_of, read_body, read_one
from tracker.web.api.routes import Routes
from tracker.web.server.answers import JSON, MAX_ERRORS, encode

GEOJSON = "application/geo+json"
PREVIEW = "preview"  #: what stands for the id of a region that has none
MOST_BYTES = 64 * 1024  #: of a list sent in one piece, more or less
_COLLECTION = b'{"type":"FeatureCollection","features":['


def blueprint(node: Node) -> Blueprint:
    routes = Routes("regions", node)
    importing, rehearsing = asyncio.Lock(), asyncio.Lock()  # one at a time is enough for the memory
    routes.add("/api/v1/regions", GET=list_regions, POST=partial(post_regions, importing))
    routes.add("/api/v1/regions/preview", POST=partial(preview, rehearsing))
    routes.add("/api/v1/regions/<id>", GET=get_region, PUT=put_region, PATCH=patch_region, DELETE=delete_region)
    routes.add("/api/v1/regions/<id>/versions", GET=list_versions)
    routes.add("/api/v1/regions/<id>/versions/<int:number>", GET=get_version)
    return routes.blueprint


async def list_regions(node: Node, grant: Grant) -> Response:
    api.only("limit", "cursor", "format")
    form = request.args.get("format", "json")
    if form not in ("json", "geojson"):
        raise api.bad("format", "json or geojson")
    after = api.place(lambda place: isinstance(place, str))
    regions = node.picture.regions
    ids = sorted(id for id in regions if grant.sees_region(id) and (after is None or id > after))
    everything = form == "geojson" and "limit" not in request.args
    limit = len(ids) + 1 if everything else api.limit()
    next = api.cursor(ids[limit - 1]) if len(ids) > limit else None
    begin, kind = (b'{"regions":[', JSON) if form == "json" else (_COLLECTION, GEOJSON)
    lasts = api.lasts(node.access)
    response = Response(_listed(node, grant, begin, ids[:limit], next, lasts), 200, {"content-type": kind})
    response.timeout = None
    return response


async def _listed(
    node: Node, grant: Grant, begin: bytes, ids: list[str], next: str | None, lasts: api.Lasts
) -> AsyncIterator[bytes]:
    """Sent while it is made: thousands of large ones are more than anybody should hold for a slow reader."""
    text, ids, picture, sight = begin, ids[::-1], node.picture, Sight(node.picture, grant)
    while ids:
        async with node.heavy.piece():
            lasts()
            began = perf_counter()
            while ids and len(text) < MOST_BYTES and perf_counter() - began < SLICE_S:
                if (feature := picture.regions.get(id := ids.pop())) is not None:  # None: deleted meanwhile
                    text += (b"" if text.endswith(b"[") else b",") + encode(shown.region(feature, sight.inside(id)))
        if text and not text.endswith(b"["):
            yield text
            text = b""
    yield text + b'],"next":%b}' % encode(next)


async def get_region(node: Node, grant: Grant, id: str) -> Response:
    return _answer(node, grant, _known(node.picture, grant, id))


async def post_regions(importing: asyncio.Lock, node: Node, grant: Grant) -> Response:
    grant.check(EDIT_REGIONS)
    with Turn(importing) as turn:
        given = await read_body(node.settings.max_import, node.settings.max_region, turn=turn)
        if not given.alone:
            return await _save_all(node, grant, given, turn)
        feature = given.only()
        return await _save(node, grant, feature_of(feature, feature.get("id") or _new_id(node.picture)))


async def put_region(node: Node, grant: Grant, id: str) -> Response:
    grant.check(EDIT_REGIONS)
    return await _save(node, grant, feature_of(await read_one(node.settings.max_region), region_id(id)))


async def patch_region(node: Node, grant: Grant, id: str) -> Response:
    before = _known(node.picture, grant, id)
    check_edit(grant, before)
    patch = await api.json_body(node.settings.max_region)
    if not isinstance(patch, dict):
        raise Invalid("not_an_object", "a merge patch (RFC 7396) of a region is a JSON object")
    _check_match(before, id)
    feature = feature_of(api.merged(_bare(before), patch), id)
    feature["properties"].setdefault("group", None)  # it was taken out
    group_drawn(grant, feature["properties"], before)
    with _unseen(node, grant, [id]):
        [(saved, _)] = await node.pipeline.save_regions(
            [feature], expect={id: _version(before)}, by=api.actor(node, grant)
        )
    return _answer(node, grant, saved)


async def delete_region(node: Node, grant: Grant, id: str) -> Response:
    before = _known(node.picture, grant, id)
    check_edit(grant, before)
    guarded = _check_match(before, id) or not grant.everything
    with _unseen(node, grant, [id]):
        await node.pipeline.delete_region(id, expect=_version(before) if guarded else None, by=api.actor(node, grant))
    return Response(b"", 204)


async def list_versions(node: Node, grant: Grant, id: str) -> Response:
    hidden = await hidden_versions(node, grant, id)
    versions = await node.store.versions_of(id) if grant.sees_region(id) else []
    versions = [one for one in versions if one[0] not in hidden]
    if not versions:
        raise NotFound("unknown_region", f"there was never a region {id[:64]!r}")
    return api.answer({"versions": [_shown_version(*version) for version in versions], "next": None})


async def get_version(node: Node, grant: Grant, id: str, number: int) -> Response:
    asked = grant.sees_region(id) and number < 2**31 and number not in await hidden_versions(node, grant, id)
    saved = await node.store.region_version(id, number) if asked else None
    if saved is None:
        raise NotFound("unknown_version", f"region {id[:64]!r} has no version {number}")
    if saved.feature is None:
        raise NotFound("deleted_version", f"region {id!r} was deleted in version {number}")
    return api.answer(saved.feature, etag=f'"{number}"', content_type=GEOJSON)


async def hidden_versions(node: Node, grant: Grant, id: str) -> set[int]:
    """Those of a region that is seen, but was in another group then."""
    if grant.regions is None or not grant.sees_region(id):
        return set()
    hidden, seen = set[int](), True
    now = node.picture.regions[id]["properties"]["group"]
    for saved in await node.store.region_versions(id):
        if saved.feature is not None:  # else it was deleted, from whoever saw it
            group = saved.feature["properties"]["group"]
            seen = group == now or _sees_group(grant, group)
        if not seen:
            hidden.add(saved.version)
    return hidden


def _sees_group(grant: Grant, group: str | None) -> bool:
    return any(part.groups is None or group in part.groups for part in grant.parts)


async def _check_unused(node: Node, grant: Grant, ids: list[str]) -> None:
    """That none of them was a region that was hidden: the version of the next would tell of it. Raises NotFound."""
    if grant.regions is None:
        return
    for id in await node.store.newest_versions(ids):
        were = [saved.feature for saved in await node.store.region_versions(id) if saved.feature is not None]
        if not (were and _sees_group(grant, were[-1]["properties"]["group"])):
            raise _unknown(id)


async def preview(rehearsing: asyncio.Lock, node: Node, grant: Grant) -> Response:
    from tracker.history.preview import preview as run

    drawn = await read_one(node.settings.max_region, _without_preview)
    feature = feature_of(drawn, drawn.get("id") or PREVIEW)
    while True:
        if not grant.everything:
            await node.hear_of(needs_of(grant))  # by where they are shown it is said who is in it
        async with node.heavy.turn(rehearsing):
            shown_to = _shown_to(node, grant)
            told = await run(await _fleet(node), node.store, feature, node.clock(), shown_to)
        before, grant = grant, node.access.again(grant)
        if grant.key() == before.key() and not (shown_to and shown_to.is_over):
            return api.answer(told)
        grant.check(WATCH)  # it may see something else by now


async def _fleet(node: Node) -> Fleet:
    """All of it. A node of several decides about a part, and what it and the others decided is stored."""
    if not node.is_shared:
        return node.fleet
    return await asyncio.to_thread(stored_fleet, await node.store.load(), node.fleet.settings, node.clock())


def _shown_to(node: Node, grant: Grant) -> Shown | None:
    return None if grant.everything else Shown(node.store, node.fleet.regions, node.picture, grant)


async def _save(node: Node, grant: Grant, feature: dict[str, Any]) -> Response:
    id = feature["id"]
    before = _before(node.picture, grant, id)
    group_drawn(grant, feature["properties"], before)
    if api.flag("repair"):
        return await _repaired(feature)
    guarded = _check_match(before, id) or not grant.everything
    if before is None and id in node.picture.regions:  # it is there, and hidden
        raise _unknown(id)
    if before is None:
        await _check_unused(node, grant, [id])
    expect: dict[str, int | None] = {id: _version(before)} if guarded and before else {}
    only_create = _create_only() or (before is None and not grant.everything)
    with _unseen(node, grant, [id]):
        [(saved, created)] = await node.pipeline.save_regions(
            [feature], expect=expect, create_only=only_create, by=api.actor(node, grant)
        )
    return _answer(node, grant, saved, 201 if created else 200)


async def _save_all(node: Node, grant: Grant, given: Drawings, turn: Turn) -> Response:
    in_part = api.flag("partial")
    await turn.take_turn()
    picture = node.picture
    found: Imported = await node.heavy.run(
        read_all, _checked(given, picture), node.clock(), lambda _index: _new_id(picture)
    )
    refusal = found.refusal()
    if refusal is not None and not (in_part and found.regions):
        raise refusal
    if not found.regions:
        raise Invalid("no_features", "there is no Feature in it: nothing was stored")
    expect = {} if grant.everything and not grant.parts else _check_all(picture, grant, found)
    await _check_unused(node, grant, [id for id, version in expect.items() if version is None])
    with _unseen(node, grant, [region.id for region in found.regions]):
        saved = await node.pipeline.put_regions(
            found.regions, expect=expect, create_only=_create_only(), by=api.actor(node, grant)
        )
    found.regions = []
    created = sum(new for _, new in saved)
    listed = [{"id": region.id, "name": region.name, "version": region.version} for region, _ in saved]
    answer = {"created": created, "replaced": len(saved) - created, "regions": listed, "next": None}
    if refusal is None:
        return api.answer(answer, 201 if created else 200)
    errors = found.errors[:MAX_ERRORS]
    answer |= {"rejected": found.refused, "errors": errors}
    if len(found.errors) > len(errors):
        answer["more"] = len(found.errors) - len(errors)
    return api.answer(answer, 207)


def _checked(given: Drawings, picture: Picture) -> Iterator[Drawn]:
    """With what the API asks of a Feature besides."""
    for one in given:
        try:
            if isinstance(one.feature, dict):
                one = one._replace(feature=feature_of(one.feature, one.feature.get("id") or _new_id(picture)))
        except Invalid as fault:
            one = one._replace(feature=fault)
        yield one


def _before(picture: Picture, grant: Grant, id: str) -> dict[str, Any] | None:
    """The region that is to be replaced, where it may be; None: there is none, or it is hidden. Raises NotFound."""
    before = picture.regions.get(id) if grant.sees_region(id) else None
    if before is not None:
        check_edit(grant, before)
    return before


def _check_all(picture: Picture, grant: Grant, found: Imported) -> dict[str, int | None]:
    """The groups of many regions, as those of one. Answers which versions may be replaced. Raises NotFound, Invalid."""
    expect: dict[str, int | None] = {}
    for at, region in enumerate(found.regions):
        before = _before(picture, grant, region.id)
        properties = {"group": region.group}
        group_drawn(grant, properties, before)
        if before is None and region.id in picture.regions:
            raise _unknown(region.id)
        found.regions[at] = msgspec.structs.replace(region, group=properties["group"])
        expect[region.id] = _version(before) if before else None
    return expect


@contextmanager
def _unseen(node: Node, grant: Grant, ids: list[str]) -> Iterator[None]:
    """Somebody else was quicker: of a region that was hidden meanwhile nothing is told, not even that."""
    try:
        yield
    except Conflict:
        now = node.access.again(grant)
        for id in ids:
            if not now.sees_region(id):
                raise _unknown(id) from None
        raise


def _new_id(picture: Picture) -> str:
    while (id := secrets.token_hex(5)) in picture.regions:
        pass
    return id


def _known(picture: Picture, grant: Grant, id: str) -> dict[str, Any]:
    """The region of this id, where it may be seen. Raises NotFound."""
    feature = picture.regions.get(id) if grant.sees_region(id) else None
    if feature is None:
        raise _unknown(id)
    return feature


def _unknown(id: str) -> NotFound:
    return NotFound("unknown_region", f"there is no region {id[:64]!r}")


def _answer(node: Node, grant: Grant, feature: dict[str, Any], status: int = 200) -> Response:
    headers = {"etag": _etag(feature), "content-type": GEOJSON}
    if status == 201:
        headers["location"] = f"/api/v1/regions/{feature['id']}"
    sight = Sight(node.picture, node.access.again(grant))  # it follows what was drawn
    return api.answer(shown.region(feature, sight.inside(feature["id"])), status, **headers)


def _version(feature: dict[str, Any]) -> int:
    return int(feature["properties"]["version"])


def _etag(feature: dict[str, Any]) -> str:
    return f'"{_version(feature)}"'


def _shown_version(version: int, updated_at: int, deleted: bool) -> dict[str, Any]:
    return {"version": version, "updated_at": rfc3339(updated_at), "deleted": deleted}


def _bare(feature: dict[str, Any]) -> dict[str, Any]:
    properties = {name: value for name, value in feature["properties"].items() if name not in COMPUTED}
    return feature | {"properties": properties}


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
    if before is None:
        raise Conflict("gone", f"there is no region {id!r} to match")
    api.check_version(given, f"region {id!r}", _version(before), lambda: before)
    return True


def _without_preview(body: bytes | bytearray) -> Any:
    """The answer of a preview may be sent again."""
    document = api.read(body)
    if isinstance(document, dict) and document.get("id") == PREVIEW:
        del document["id"]
    return document


async def _repaired(feature: dict[str, Any]) -> Response:
    """The same feature with a valid geometry, to be looked at and sent again; nothing is stored."""
    from tracker.geometry.geojson import parameter_names, repair

    parameters = {name: feature["properties"].get(name) for name in parameter_names()}
    geometry = await asyncio.to_thread(repair, feature["geometry"], **parameters)
    return api.answer(
        feature | {"geometry": geometry, "repaired": geometry != feature["geometry"]}, content_type=GEOJSON
    )
