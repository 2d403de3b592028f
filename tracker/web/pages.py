"""Pages: everything that Quart answers: the page, the API, the reports. The largest part of what a server imports, so
site.py has it made when it already takes positions."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from quart import Quart, Response, request
from quart.routing import QuartRule
from werkzeug.exceptions import HTTPException

from tracker.errors import TrackerError
from tracker.node import Node
from tracker.web.api import events, feeds, health, openapi, page, regions, vehicles
from tracker.web.api import parameters as api
from tracker.web.delivery.couriers import Couriers
from tracker.web.devices import echo, payloads
from tracker.web.history import (
    activity,
    arrivals,
    bundles,
    corrections,
    days,
    frames,
    inside,
    rehearse,
    then,
    told,
    trips,
    upkeep,
)
from tracker.web.ingest.bodies import Gone
from tracker.web.live import stream
from tracker.web.live.channel import Live
from tracker.web.people import audit, connect, described, groups, quarantine, session, targets, tokens, users
from tracker.web.reports import routes as reports
from tracker.web.reports import schedule
from tracker.web.reports.desk import Desk
from tracker.web.server.answers import plain_problem, problem

log = logging.getLogger("tracker.web")


class _Rule(QuartRule):
    """Nobody builds an address from its name here; to be able to is half of what 100 routes cost a start."""

    def _compile_builder(self, *_: Any) -> Any:
        return _unbuilt


def _unbuilt(_rule: _Rule, **_: Any) -> None:
    raise NotImplementedError


class _Quart(Quart):
    url_rule_class = _Rule


def make(node: Node, couriers: Couriers, live: Live) -> Quart:
    """On the loop: what the routes need besides is begun here, too."""
    app = _Quart("tracker", static_folder=None)
    app.logger.addFilter(_is_unexpected)
    app.config["MAX_CONTENT_LENGTH"] = None  # Quart sees no body: routes read them within their own limits
    app.config["BODY_TIMEOUT"] = node.settings.body_timeout_s
    app.config["RESPONSE_TIMEOUT"] = None  # a track or a file may take a slow client long
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # it would send elsewhere: an address that is wrong below a proxy's path
    app.register_blueprint(targets.blueprint(node, couriers))
    app.register_blueprint(stream.blueprint(live))
    for routes in (
        vehicles, feeds, trips, regions, events, inside, frames, then, activity, arrivals, bundles, corrections, days,
        rehearse, told, upkeep, health, page,
        session, users, groups, tokens, quarantine, connect, audit, echo, payloads,
    ):  # fmt: skip
        app.register_blueprint(routes.blueprint(node))
    desk = Desk(node)
    node.statistics["reports"] = desk.statistics
    node.closing.append(desk.close)
    node.jobs.add_job(desk.job())
    app.register_blueprint(reports.blueprint(node, desk))
    if node.settings.report_folder:
        node.jobs.add_job(schedule.job(node, desk))
    app.register_blueprint(openapi.blueprint(node, *described.ROUTES, *upkeep.ROUTES, *reports.ROUTES))
    app.register_error_handler(TrackerError, partial(_tracker_error, node))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Gone, _gone)
    app.register_error_handler(Exception, _unexpected)
    return app


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Quart logs whatever a start-up raises; ours are one line on stderr, told by the command."""
    return not (record.exc_info and isinstance(record.exc_info[1], TrackerError))


async def _tracker_error(node: Node, fault: TrackerError) -> Response:
    if fault.code == "may_not":
        scope: Any = request.scope
        node.doorman.overstepped(scope["tracker.grant"], scope)
    return api.respond(problem(fault))


async def _gone(_: Gone) -> Response:
    return Response(b"", 400)  # to nobody


async def _http_error(fault: HTTPException) -> Response:
    status = fault.code or 500
    detail = fault.description or "no more is known"
    if status == 404:
        detail = "there is nothing at this address; /openapi.json lists what there is"
    answer = api.respond(plain_problem(status, detail))
    for name, value in fault.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


async def _unexpected(fault: Exception) -> Response:
    log.error("a request failed", exc_info=fault)
    return api.respond(plain_problem(500, "the server made a mistake; its log says more"))
