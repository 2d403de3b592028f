"""Vehicles: where they are, what people say of them, where they were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from heapq import nsmallest
from typing import Any

from quart import Blueprint, Response, request

from tracker.access.grants import EDIT_VEHICLES, Grant, may_not
from tracker.errors import Invalid, NotFound
from tracker.model import outside as shown
from tracker.model.change import SECRET, Registered
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.model.states import STATES
from tracker.node import Node
from tracker.nodes.interest import NOTHING
from tracker.nodes.reading import needs_of, needs_of_vehicle
from tracker.outputs.sight import Places, Sight
from tracker.turns.slices import in_slices
from tracker.web.api import parameters as api
from tracker.web.api import tracks
from tracker.web.api.routes import Routes
from tracker.web.server.answers import encoded

FEW = 1000  #: vehicles that are looked through without waiting for a turn
RUN = 500  #: vehicles looked at in one go
FILTERS = ("region", "group", "bbox", "state", "since", "q")
MOST_FOUND = 2 * api.MOST  #: kept before the first of them are picked

#: the register: longest text of each field
FIELDS = {"name": 200, "plate": 40, "group": 100, "kind": 40}
#: what an answer has besides; a document that was read may be written back with them
READ_ONLY = frozenset({"vehicle", "position", "state", "state_since", "regions", "held"})


def blueprint(node: Node) -> Blueprint:
    routes = Routes("vehicles", node)
    patching = asyncio.Lock()  # two patches at once must not undo each other
    routes.add(
        "/api/v1/vehicles/<id>",
        GET=get_vehicle,
        PUT=put_vehicle,
        PATCH=partial(patch_vehicle, patching),
        DELETE=delete_vehicle,
    )
    routes.add("/api/v1/vehicles/<id>/track", GET=get_track)
    return routes.blueprint


async def list_vehicles(node: Node, grant: Grant) -> Response:
    api.only(*FILTERS, "format", "limit", "cursor")
    after = api.place(lambda place: isinstance(place, str))
    limit = api.limit()
    places, passes = await chosen(node, grant)
    ids = places.candidates()
    if len(ids) <= FEW:
        return await _page(node.picture, places, ids, after, passes, limit)
    async with node.heavy.turn():
        return await _page(node.picture, places, ids, after, passes, limit)


async def _page(
    picture: Picture, places: Places, ids: list[str], after: str | None, passes: Passes, limit: int
) -> Response:
    """The first of those that pass, in order; looked at some at a time."""
    found: list[str] = []
    async for id in in_slices(ids, RUN):
        if (after is None or id > after) and passes(id):
            found.append(id)
            if len(found) > MOST_FOUND:
                found = nsmallest(limit + 1, found)
    found = nsmallest(limit + 1, found)
    texts = await encoded(found[:limit], lambda id: shown.vehicle(id, picture, places.vehicle(id)))
    return api.listing("vehicles", texts, next=api.cursor(found[limit - 1]) if len(found) > limit else None)


async def get_vehicle(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, known_vehicle(node.picture, grant, id))


async def put_vehicle(node: Node, grant: Grant, id: str) -> Response:
    # first, since the vehicle may go where it is hidden while it comes
    document = await api.json_body(node.settings.max_entry)
    vehicle = api.vehicle(id) if grant.everything else known_vehicle(node.picture, grant, id)
    _check(node.picture, grant, vehicle)
    created = vehicle not in node.picture.register and vehicle not in node.picture.vehicles
    if isinstance(document, dict) and grant.parts and not created:  # its group stays unless another is given
        document = {"group": node.picture.group_of(vehicle), **document}
    await _register(node, grant, read_entry(vehicle, document, _entry(node, vehicle)))
    return await _answer(node, grant, vehicle, 201 if created else 200)


async def patch_vehicle(patching: asyncio.Lock, node: Node, grant: Grant, id: str) -> Response:
    patch = await api.json_body(node.settings.max_entry)
    if not isinstance(patch, dict):
        raise Invalid("not_an_object", "a merge patch (RFC 7396) of a vehicle is a JSON object")
    async with patching:
        vehicle = known_vehicle(node.picture, grant, id)
        _check(node.picture, grant, vehicle)
        entry = _entry(node, vehicle)
        before = {name: getattr(entry, name) for name in (*FIELDS, "attributes")}
        await _register(node, grant, read_entry(vehicle, api.merged(before, patch), entry))
    return await _answer(node, grant, vehicle)


async def _register(node: Node, grant: Grant, entry: Registered) -> None:
    """Its group decides who sees a vehicle: whoever sees some of them only moves it among those. Raises Invalid."""
    state = node.picture.vehicles.get(entry.vehicle)
    inside, before = state.regions if state else (), node.picture.group_of(entry.vehicle)
    if entry.group != before and not grant.may_regroup(inside, before, entry.group):
        message = "`group` decides who sees a vehicle: this is none you may move it to"
        raise Invalid.of_field("group", message, "not_your_group")
    await node.pipeline.register(entry, api.actor(node, grant))


async def delete_vehicle(node: Node, grant: Grant, id: str) -> Response:
    api.only("history")
    history = _history()  # of a vehicle that was removed too
    vehicle = api.vehicle(id) if history and grant.everything else known_vehicle(node.picture, grant, id)
    _check(node.picture, grant, vehicle)
    if history and not grant.edits_everywhere(node.picture.group_of(vehicle)):
        raise may_not(EDIT_VEHICLES)  # where it was is not theirs to erase where they do not see it
    also = partial(node.corrections.gone, vehicle)
    await node.pipeline.remove_vehicle(vehicle, history=history, also=also, by=api.actor(node, grant))
    return Response(b"", 204)


async def get_track(node: Node, grant: Grant, id: str) -> Response:
    vehicle, told = await tracks.told_of(node, grant, id)
    return await tracks.answer(node, vehicle, told)


async def _answer(node: Node, grant: Grant, vehicle: str, status: int = 200) -> Response:
    """As it is by now, if it may still be seen. Raises NotFound."""
    is_placed = vehicle in node.picture.vehicles  # of the others nothing moves
    places = await node.places_of(grant, needs_of_vehicle(vehicle) if is_placed else NOTHING)
    known_vehicle(node.picture, node.access.again(grant), vehicle)  # it may have gone where it is hidden
    return api.answer(shown.vehicle(vehicle, node.picture, places.vehicle(vehicle)), status)


def _entry(node: Node, vehicle: str) -> Registered:
    return node.picture.register.get(vehicle) or Registered(vehicle)


def known_vehicle(picture: Picture, grant: Grant, text: str) -> str:
    """The id of a vehicle of which something may be seen. Raises NotFound."""
    vehicle = api.vehicle(text)
    if not Sight(picture, grant).knows_vehicle(vehicle):
        raise tracks.unknown(vehicle)
    return vehicle


def _check(picture: Picture, grant: Grant, vehicle: str) -> None:
    """May it be changed? Raises NotFound."""
    state = picture.vehicles.get(vehicle)
    grant.check_vehicle(EDIT_VEHICLES, state.regions if state else (), picture.group_of(vehicle))


def _history() -> bool:
    """Whether a removal erases the history as well: only when it says so without a doubt."""
    text = request.args.get("history", "false").lower()
    if text not in ("true", "1", "false", "0"):
        raise api.bad("history", "true or false")
    return text in ("true", "1")


Passes = Callable[[str], bool]


async def chosen(node: Node, grant: Grant) -> tuple[Places, Passes]:
    """Where those are by now that the filters ask for, and who is one of them. Raises Invalid, NotFound."""
    asked = grant.within(api.words("region"), api.words("group"))
    places = await node.places_of(grant, needs_of(asked))
    return places, _chooses(node.picture, places)


def _chooses(picture: Picture, places: Places) -> Passes:
    """Whether a vehicle may be seen, and gets through every filter that is given."""
    tests: list[Passes] = [] if places.grant.everything else [places.knows_vehicle]
    if (regions := api.words("region")) is not None:
        for region in regions:
            if region not in picture.regions or not places.grant.sees_region(region):
                raise NotFound("unknown_region", f"there is no region {region[:64]!r}")
        tests.append(lambda id: (state := places.vehicle(id)) is not None and not regions.isdisjoint(state.regions))
    if (groups := api.words("group")) is not None:
        tests.append(lambda id: picture.group_of(id) in groups)
    if (box := api.bbox()) is not None:
        tests.append(lambda id: (state := places.vehicle(id)) is not None and _is_in(box, state.ping))
    if (states := api.words("state")) is not None:
        if states - set(STATES):
            raise api.bad("state", f"one of {', '.join(STATES)}")
        tests.append(lambda id: STATES[picture.vehicles[id].state if id in picture.vehicles else 0] in states)
    if (since := api.instant("since")) is not None:
        tests.append(lambda id: (state := picture.vehicles.get(id)) is not None and state.received_at >= since)
    if text := request.args.get("q", "").strip().casefold():
        tests.append(lambda id: _mentions(id, picture.register.get(id), text))
    return lambda id: all(test(id) for test in tests)


def _is_in(box: tuple[float, float, float, float], ping: Ping) -> bool:
    west, south, east, north = box
    in_width = west <= ping.lon <= east if west <= east else ping.lon >= west or ping.lon <= east
    return in_width and south <= ping.lat <= north


def _mentions(id: str, entry: Registered | None, text: str) -> bool:
    said = (id, entry.name, entry.plate, entry.group) if entry else (id,)
    return any(text in word.casefold() for word in said if word)


def read_entry(vehicle: str, document: Any, known: Registered) -> Registered:
    """What people say of a vehicle, checked, where this is known. Raises Invalid with every fault."""
    if not isinstance(document, dict):
        raise Invalid("not_an_object", "a vehicle is a JSON object")
    errors: list[dict[str, Any]] = []

    def refuse(field: str, code: str, message: str) -> None:
        errors.append({"field": field, "code": code, "message": message})

    values: dict[str, Any] = {}
    for name, most in FIELDS.items():
        value = document.get(name)
        if value is not None and not isinstance(value, str):
            refuse(name, "wrong_type", f"`{name}` is a text or null")
        elif value is not None and len(value) > most:
            refuse(name, "text_too_long", f"`{name}` has at most {most} characters")
        elif value is not None and not api.is_text(value):
            refuse(name, "invalid", f"`{name}` has a character no text may have")
        elif value is not None and value.strip():
            values[name] = value.strip()
    attributes = document.get("attributes")
    if attributes is None:
        attributes = {}
    if fault := api.bad_attributes(attributes):
        refuse("attributes", "invalid", fault)
    else:
        attributes, secrets = dict(attributes), [name for name in attributes if name.endswith(SECRET)]
        for name in secrets:
            value = attributes.pop(name)
            if value is True:  # as it was told: it stays what it is
                value = known.attributes.get(name)
            if value and not isinstance(value, str):
                refuse("attributes", "invalid", f"`{name[:64]}` is a text; true stands for the one there is")
            elif value:
                attributes[name] = value
    said = document.get("vehicle", vehicle)
    if said != vehicle:
        refuse("vehicle", "other_id", f"the address says {vehicle!r}, the body another vehicle")
    for name in document:
        if name not in FIELDS and name not in READ_ONLY and name != "attributes":
            refuse(name[:64], "unknown_field", f"a vehicle has no field {name[:64]!r}; put it into `attributes`")
    if errors:
        raise Invalid("invalid_vehicle", errors[0]["message"], errors)
    return Registered(vehicle, attributes=attributes, **values)
