"""Quarantine: vehicles nobody knows, for who may register vehicles and sees all of them."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from quart import Blueprint, Response, request

from tracker.access.grants import EDIT_VEHICLES, Grant
from tracker.errors import NotFound
from tracker.model import outside as shown
from tracker.model.change import Registered
from tracker.model.strangers import Stranger
from tracker.node import Node
from tracker.nodes.reading import needs_of_vehicle
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.vehicles import read_entry
from tracker.web.people.names import by_name


def blueprint(node: Node) -> Blueprint:
    routes = Routes("quarantine", node)
    routes.add("/api/v1/quarantine", None, GET=list_strangers)
    routes.add("/api/v1/quarantine/<vehicle>", None, GET=get_stranger, DELETE=turn_away)
    routes.add("/api/v1/quarantine/<vehicle>/admit", None, POST=admit)
    return routes.blueprint


async def list_strangers(node: Node, grant: Grant) -> Response:
    _check(grant)
    return by_name("quarantine", node.directory.strangers.all(), partial(_told, node))


async def get_stranger(node: Node, grant: Grant, vehicle: str) -> Response:
    _check(grant)
    api.only()
    return api.answer(_told(node, node.quarantine.stranger(api.vehicle(vehicle))))


async def admit(node: Node, grant: Grant, vehicle: str) -> Response:
    """Into the register, with what the body says of it, and its fixes onto the map."""
    _check(grant)
    api.only()
    stranger = node.quarantine.stranger(api.vehicle(vehicle))
    entry = node.picture.register.get(stranger.vehicle) or Registered(stranger.vehicle)
    if said := await api.optional_body(node.settings.max_entry):
        entry = read_entry(stranger.vehicle, said, entry)
    await node.quarantine.admit_vehicle(entry, api.actor(node, grant))
    places = await node.places_of(grant, needs_of_vehicle(entry.vehicle))
    told = shown.vehicle(entry.vehicle, node.picture, places.vehicle(entry.vehicle))
    return api.answer(told, 201, location=f"/api/v1/vehicles/{quote(entry.vehicle, safe='')}")


async def turn_away(node: Node, grant: Grant, vehicle: str) -> Response:
    """Refused from now on; with `forget` as if it had never come."""
    _check(grant)
    api.only("forget")
    forget = request.args.get("forget", "false").lower()
    if forget not in ("true", "1", "false", "0"):
        raise api.bad("forget", "true or false")
    does = node.quarantine.forget if forget in ("true", "1") else node.quarantine.refuse
    await does(node.quarantine.stranger(api.vehicle(vehicle)).vehicle, api.actor(node, grant))
    return Response(b"", 204)


def may_let_in(grant: Grant) -> bool:
    """What somebody sees of the fleet says nothing of vehicles that are nowhere yet: so it takes everything."""
    return grant.everything and EDIT_VEHICLES in grant.may


def _check(grant: Grant) -> None:
    if not may_let_in(grant):
        raise NotFound("may_not", "you may not let vehicles in; whoever runs this server can allow it")


def _told(node: Node, stranger: Stranger) -> dict[str, Any]:
    token = node.directory.tokens.by_id.get(stranger.token or "")
    return {
        "vehicle": stranger.vehicle,
        "refused": stranger.refused,
        "first_at": rfc3339(stranger.first_at),
        "last_at": rfc3339(stranger.last_at),
        "fixes": stranger.count,
        "kept": len(stranger.fixes),
        "position": shown.position(stranger.fixes[-1]) if stranger.fixes else None,
        "address": stranger.address or None,
        "token": stranger.token,
        "token_name": token and token.name,
    }
