"""Reports: asked for, watched, fetched, given up."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import Grant
from tracker.errors import Invalid
from tracker.model.ping import MAX_ID
from tracker.node import Node
from tracker.reports.asked import DAY_MS, LONGEST_MS, UNITS, Asked
from tracker.times import DATED, BadTime, BadZone, NaiveTime, named_zone, parse_local, parse_time
from tracker.web.api import parameters as api
from tracker.web.api.openapi import JSON, Route
from tracker.web.api.routes import Routes
from tracker.web.api.schemas import COUNT, TEXT, TIME, array, or_null, thing
from tracker.web.reports.desk import Desk
from tracker.web.reports.desks import Desks
from tracker.web.reports.gathering import Choice

PATH = "/api/v1/reports"
FIELDS = ("from", "until", "vehicles", "groups", "zone", "units")
MOST_PATTERNS = 100
MOST_WAIT_S = 20

_NUMBER = {"type": "number"}
_REPORT = thing(
    "id state progress from until",
    id=TEXT,
    state={"enum": ["waiting", "working", "done", "failed"]},
    progress=_NUMBER,
    vehicles=array(TEXT),
    groups=array(TEXT),
    zone=or_null(TEXT),
    bytes=or_null(COUNT),
    error=or_null(thing("code detail", code=TEXT, detail=TEXT)),
    **{"from": TIME, "until": TIME},
)
_ASKED = thing(
    "from",
    vehicles=array(TEXT),
    groups=array(TEXT),
    zone=TEXT,
    units={"enum": list(UNITS)},
    **{"from": TIME, "until": TIME},
)
ROUTES = (
    Route(
        "POST",
        PATH,
        "Have a report made of a range and some vehicles",
        (202, JSON, _REPORT),
        body={JSON: _ASKED},
        errors=(400, 404, 413, 415, 422, 503),
    ),
    Route(
        "GET",
        f"{PATH}/{{report}}",
        "How far a report is; `wait_s`: answered when it has come further",
        (200, JSON, _REPORT),
        query={"wait_s": COUNT},
        errors=(404, 422),
    ),
    Route("GET", f"{PATH}/{{report}}/file", "The report itself, one file", (200, "text/html", TEXT), errors=(404, 409)),
    Route("DELETE", f"{PATH}/{{report}}", "Give a report up, or away with it", (204, None, None), errors=(404,)),
)


def blueprint(node: Node, desk: Desk) -> Blueprint:
    routes = Routes("reports", node)
    desks = Desks(desk, node.calling)
    routes.add(PATH, POST=partial(ask, desk))
    routes.add(f"{PATH}/<id>", GET=partial(watch, desks), DELETE=partial(give_up, desks))
    routes.add(f"{PATH}/<id>/file", GET=partial(fetch, desks))
    return routes.blueprint


async def ask(desk: Desk, node: Node, grant: Grant) -> Response:
    api.only()
    asked, choice = read(await api.json_body(node.settings.max_entry), node.clock())
    report = desk.begin(asked, choice, grant, api.lasts(node.access))
    return _answer(report.document(), 202)


async def watch(desks: Desks, _node: Node, grant: Grant, id: str) -> Response:
    api.only("wait_s")
    return _answer(await desks.watch(id, grant, api.whole("wait_s", 0, MOST_WAIT_S) or 0))


async def fetch(desks: Desks, _node: Node, grant: Grant, id: str) -> Response:
    title, body = await desks.read(id, grant)
    name = title.removeprefix("Fleet report ").replace(" to ", "--")
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    headers["content-disposition"] = f'attachment; filename="report-{name}.html"'
    return Response(body, 200, headers)


async def give_up(desks: Desks, _node: Node, grant: Grant, id: str) -> Response:
    await desks.give_up(id, grant)
    return Response(b"", 204)


def _answer(report: dict[str, Any], status: int = 200) -> Response:
    return api.answer(report, status, location=f"{PATH}/{report['id']}", cache_control="no-store")


# --------------------------------------------------------------------------------------------- what is asked


def read(document: Any, now: int) -> tuple[Asked, Choice]:
    """Raises Invalid."""
    api.check_fields(document, FIELDS, 'ask with a JSON object: {"from", "until", "vehicles", "groups"}')
    zone, units = document.get("zone"), document.get("units", UNITS[0])
    if zone is not None:
        check_zone(zone)
    parse = partial(_parse, zone=zone)
    since, until = api.read_time(document, "from", parse), api.read_time(document, "until", parse)
    if since is None:
        raise Invalid.of_field("from", "`from` is missing: since when is asked", "missing")
    until = now if until is None else until
    if until <= since:
        raise Invalid.of_field("until", "`until` is later than `from`")
    for name, time in ("from", since), ("until", until):
        if not DATED[0] <= time <= DATED[1]:
            raise Invalid.of_field(name, f"`{name}` is at the end of the calendar: no report tells of these days")
    if until - since > LONGEST_MS:
        raise Invalid.of_field("until", f"a report is of {LONGEST_MS // DAY_MS} days at most; ask for several")
    if units not in UNITS:
        raise Invalid.of_field("units", f"`units` is one of {', '.join(UNITS)}")
    choice = Choice(_names(document, "vehicles"), _names(document, "groups"))
    return Asked(since, until, now, zone, units, choice.about()), choice


def check_zone(zone: Any) -> None:
    """Raises Invalid."""
    try:
        named_zone(zone)
    except BadZone as fault:
        raise Invalid.of_field("zone", f"`zone`: {fault}") from None


def _parse(value: str | int | float, zone: str | None) -> int:
    """A time without a zone of its own is meant in the report's. Raises BadTime."""
    try:
        return parse_time(value)
    except NaiveTime as fault:
        if zone is None:
            raise BadTime(f"{fault}, or say a `zone`") from None
        return parse_local(str(value), named_zone(zone))


def _names(document: dict[str, Any], field: str) -> tuple[str, ...]:
    value = document.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) and api.is_text(one) for one in value):
        raise Invalid.of_field(field, f"`{field}` is a list of texts", "wrong_type")
    if len(value) > MOST_PATTERNS or any(len(one) > 4 * MAX_ID for one in value):
        raise Invalid.of_field(field, f"`{field}` has at most {MOST_PATTERNS} of them, of {4 * MAX_ID} characters each")
    return tuple(value)
