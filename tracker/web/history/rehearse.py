"""Rehearse: a region while it is dragged, tried on the last 24 h again and again. For those who may see everything; who
may not has the preview."""

from __future__ import annotations

from functools import partial

from quart import Blueprint, Response

from tracker.access.grants import Grant
from tracker.errors import Invalid, NotFound, Overloaded, TrackerError
from tracker.node import Node
from tracker.replay.rehearsing.kept import Rehearsals
from tracker.replay.rehearsing.worker import Move, Said
from tracker.turns.jobs import Job
from tracker.web.api import parameters as api
from tracker.web.api.imports import feature_of, read_one
from tracker.web.api.regions import PREVIEW
from tracker.web.api.routes import Routes
from tracker.web.server.answers import JSON

PATH = "/api/v1/history/rehearse"
LOOK_S = 15.0
MOST = 10_000  #: differences of each kind that are named
FEW, MANY = 200, 1000  #: if nothing is said, while it is dragged and at rest


def blueprint(node: Node) -> Blueprint:
    rehearsals = Rehearsals(node.settings.store_url, node.clock, node.steady)
    node.jobs.add_job(Job("end rehearsals", LOOK_S, rehearsals.end_idle))
    node.closing.append(rehearsals.close)
    routes = Routes("rehearse", node)
    routes.add(PATH, POST=partial(rehearse, rehearsals))
    return routes.blueprint


async def rehearse(rehearsals: Rehearsals, node: Node, grant: Grant) -> Response:
    if not grant.everything:
        raise NotFound(
            "may_not", "a region is dragged over the whole past by who may see everything; there is the preview"
        )
    api.only("going", "limit")
    going = api.flag("going")
    most = api.whole("limit", 0, MOST)
    if most is None:
        most = FEW if going else MANY
    drawn = await read_one(node.settings.max_region)
    if drawn.get("id") == PREVIEW:
        del drawn["id"]
    feature = feature_of(drawn, drawn.get("id") or PREVIEW)
    known = node.picture.regions.get(feature["id"])
    said = await rehearsals.move(
        (grant.who, feature["id"]),
        0 if known is None else known["properties"]["version"],
        Move(feature, not going, most),
    )
    api.lasts(node.access)()
    if said.code:
        raise _fault(said)
    return Response(bytes(said.answer), 200, {"content-type": JSON, "cache-control": "no-store"})


def _fault(said: Said) -> TrackerError:
    if said.retry_after_s is not None:
        return Overloaded(said.detail, said.retry_after_s)
    return Invalid(said.code, said.detail, said.errors) if said.errors else TrackerError(said.code, said.detail)
