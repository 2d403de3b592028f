"""Feeds: all vehicles that are chosen, in one answer, for programs that ask again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.model.change import Registered, VehicleState
from tracker.model.picture import Picture
from tracker.model.ping import has_place
from tracker.node import Node
from tracker.outputs import features, gtfs_realtime, protobuf
from tracker.outputs.sight import Places
from tracker.turns.slices import in_slices
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.vehicles import FEW, FILTERS, RUN, Passes, chosen, list_vehicles
from tracker.web.server.answers import JSON, encode

Seen = tuple[VehicleState, Registered | None]


def blueprint(node: Node) -> Blueprint:
    routes = Routes("feeds", node)
    routes.add("/api/v1/vehicles", GET=all_vehicles)
    routes.add("/api/v1/gtfs-realtime/vehicle-positions", GET=vehicle_positions)
    return routes.blueprint


async def all_vehicles(node: Node, grant: Grant) -> Response:
    """A page of them, or GeoJSON of all that have a place."""
    form = request.args.get("format", "json")
    if form not in ("json", "geojson"):
        raise api.bad("format", "one of json, geojson")
    if form == "json":
        return await list_vehicles(node, grant)
    api.only(*FILTERS, "format")
    pieces: list[bytes] = []
    places, passes = await chosen(node, grant)
    async with _turn(node, places):
        async for state, entry in _seen(node.picture, places, passes):
            pieces.append(encode(features.feature(state, entry)))
    body = b'{"type":"FeatureCollection","features":[%b],"next":null}' % b",".join(pieces)
    return api.tagged(body, features.TYPE)


async def vehicle_positions(node: Node, grant: Grant) -> Response:
    """GTFS-realtime. Positions that are no longer of the present are left out."""
    api.only(*FILTERS, "format", "max_age_s")
    form = request.args.get("format", "protobuf")
    if form not in ("protobuf", "json", "text"):
        raise api.bad("format", "one of protobuf, json, text")
    most = api.whole("max_age_s", 0, 10**9)
    most = gtfs_realtime.FRESH_S if most is None else most
    places, passes = await chosen(node, grant)
    now = node.clock() // 1000 * 1000
    entities: list[dict[str, Any]] = []
    async with _turn(node, places):
        async for state, entry in _seen(node.picture, places, passes):
            if gtfs_realtime.is_fresh(state.ping, now, most):
                entities.append(gtfs_realtime.entity(state.ping, entry, now))
        feed = gtfs_realtime.feed(entities, now)
        if form == "json":
            return api.tagged(encode(feed), JSON)
        if form == "text":
            return api.tagged(protobuf.text(gtfs_realtime.FEED, feed).encode(), "text/plain; charset=utf-8")
        header = protobuf.encode(gtfs_realtime.FEED, {"header": feed["header"]})
        pieces = [protobuf.encode(gtfs_realtime.FEED, {"entity": one}) async for one in in_slices(entities)]
    return api.tagged(header + b"".join(pieces), gtfs_realtime.TYPE)


def _turn(node: Node, places: Places) -> AbstractAsyncContextManager[None]:
    """To be waited for where there is much to look through."""
    return node.heavy.turn() if len(places.candidates()) > FEW else nullcontext()


async def _seen(picture: Picture, places: Places, passes: Passes) -> AsyncIterator[Seen]:
    """What may be seen of those that are chosen and have a place, by id."""
    found = sorted([id async for id in in_slices(places.candidates(), RUN) if passes(id)])
    async for id in in_slices(found):
        state = places.vehicle(id)
        if state is not None and has_place(state.ping):
            yield state, picture.register.get(id)
