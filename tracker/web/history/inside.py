"""Inside: who was in a shape, when, for how long; as pages of JSON, or all of it as CSV. It only reads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from fnmatch import translate
from typing import Any

from quart import Blueprint, Response, request

from tracker.access.grants import WATCH, Grant
from tracker.errors import Invalid, NotFound
from tracker.geometry.geojson import form_of, parameter_names, read_shape
from tracker.geometry.shape import Shape
from tracker.history import rows as rows_of
from tracker.history.film.reel import Wrong
from tracker.history.inside import Visit
from tracker.history.search import Question, Search
from tracker.history.visits import Shown
from tracker.model.ping import MAX_ID
from tracker.node import Node
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import wrong_of

PATH = "/api/v1/history/inside"
FIELDS = ("geometry", *parameter_names(), "region", "from", "until", "vehicles")
LONGEST_MS = 400 * 86_400_000
LARGEST_M2 = 1e13  #: a continent
MOST_NAMES, MOST_PATTERNS = 1000, 20  #: in one question
Row = tuple[str, Visit]


def blueprint(node: Node) -> Blueprint:
    routes = Routes("inside", node)
    routes.add(PATH, POST=who_was_inside)
    return routes.blueprint


async def who_was_inside(node: Node, grant: Grant) -> Response:
    api.only("as", "format", "limit", "cursor")
    form = request.args.get("format", "json")
    if form not in ("json", "csv"):
        raise api.bad("format", "json or csv")
    limit, after, wrong = api.limit(), api.place(_is_row), wrong_of(node)
    document = await api.json_body(node.settings.max_region)
    question = await asyncio.to_thread(_read, document, node, grant)
    if form == "csv" and "limit" not in request.args:
        watched: list[Shown] = []
        lasts = api.lasts(node.access, lambda: any(one.is_over for one in watched))
        response = Response(_streamed(node, grant, question, wrong, watched, lasts), 200, _headers(form))
        response.timeout = None
        return response
    while True:
        shown = _shown_to(node, grant)
        rows, next = await _page(node, question, wrong, shown, limit, after)
        before, grant = grant, node.access.again(grant)
        if grant.key() == before.key() and not (shown and shown.is_over):
            break
        grant.check(WATCH)  # it may see something else by now
        question = await asyncio.to_thread(_read, document, node, grant)
    if form == "csv":
        return Response(rows_of.header() + _csv(rows), 200, _headers(form) | ({"x-next": next} if next else {}))
    return api.answer({"visits": [rows_of.as_json(*row) for row in rows], "next": next})


def _headers(form: str) -> dict[str, str]:
    return {"content-type": "text/csv; charset=utf-8", "content-disposition": f"attachment; filename=inside.{form}"}


def _shown_to(node: Node, grant: Grant) -> Shown | None:
    return None if grant.everything else Shown(node.store, node.fleet.regions, node.picture, grant)


async def _page(
    node: Node, question: Question, wrong: Wrong, shown: Shown | None, limit: int, after: list[Any] | None
) -> tuple[list[Row], str | None]:
    """The rows after one, and what the next page is asked with."""
    rows: list[Row] = []
    async with node.heavy.turn():
        search = Search(node.store, question, node.fleet.settings, shown, wrong)
        async for vehicle, visits in search.found(after[0] if after else None):
            told = (visit for visit in visits if after is None or _place(vehicle, visit) > after)
            rows += [(vehicle, visit) for visit in told]
            if len(rows) > limit:
                return rows[:limit], api.cursor(_place(*rows[limit - 1]))
    return rows, None


async def _streamed(
    node: Node, grant: Grant, question: Question, wrong: Wrong, watched: list[Shown], lasts: api.Lasts
) -> AsyncIterator[bytes]:
    """All there is, a page at a time: who reads it may be slow."""
    yield rows_of.header()
    after: list[Any] | None = None
    while True:
        if (shown := _shown_to(node, grant)) is not None:
            watched[:] = [shown]
        rows, next = await _page(node, question, wrong, shown, api.MOST, after)
        lasts()
        yield _csv(rows)
        if next is None:
            return
        after = _place(*rows[-1])


def _csv(rows: list[Row]) -> bytes:
    return b"".join(rows_of.as_csv(rows_of.as_json(*row)) for row in rows)


def _place(vehicle: str, visit: Visit) -> list[Any]:
    """One that lasts has another end by the next page."""
    return [vehicle, visit.since, int(visit.passed_through)]


def _is_row(place: Any) -> bool:
    return isinstance(place, list) and [type(part) for part in place] == [str, int, int]


# --------------------------------------------------------------------------------------------- what is asked


def _read(document: Any, node: Node, grant: Grant) -> Question:
    """Raises Invalid, NotFound."""
    api.check_fields(document, FIELDS, 'ask with a JSON object: {"geometry", "from", "until"}')
    since, until, now = api.read_time(document, "from"), api.read_time(document, "until"), node.clock()
    if since is None:
        raise Invalid.of_field("from", "`from` is missing: since when is asked", "missing")
    until = now if until is None else until
    if until <= since:
        raise Invalid.of_field("until", "`until` is later than `from`, and not in the future alone")
    if until - since > LONGEST_MS:
        raise Invalid.of_field(
            "until", f"from `from` to `until` are at most {LONGEST_MS // 86_400_000} days; ask for less at once"
        )
    return Question(_shape(document, node, grant), since, max(since, min(until, now)), _names(document.get("vehicles")))


def _shape(document: dict[str, Any], node: Node, grant: Grant) -> Shape:
    id = document.get("region")
    parameters = {name: value for name in parameter_names() if (value := document.get(name)) is not None}
    if id is None:
        shape = _drawn(document.get("geometry"), parameters)
    elif document.get("geometry") is not None:
        raise Invalid.of_field("region", "a `region`, or a `geometry`: not both")
    elif parameters:
        raise Invalid.of_field(
            min(parameters), f"a `region` is asked about as it is drawn: leave out `{min(parameters)}`"
        )
    else:
        drawn = node.fleet.regions.regions.get(id) if isinstance(id, str) and grant.sees_region(id) else None
        if drawn is None:
            raise NotFound("unknown_region", f"there is no region {str(id)[:64]!r}")
        shape = drawn.shape
    if shape.area_m2 > LARGEST_M2:
        raise Invalid.of_field("geometry", f"it is larger than {LARGEST_M2 / 1e6:,.0f} km²; ask about less at once")
    return shape


def _drawn(geometry: Any, parameters: dict[str, Any]) -> Shape:
    """As that of a region, whose numbers are not among the properties of anything here."""
    try:
        shape = read_shape(geometry, **parameters)
    except Invalid as why:
        errors = [error | {"field": str(error["field"]).removeprefix("properties.")} for error in why.errors]
        raise Invalid(why.code, why.detail.removeprefix("properties."), errors) from None
    form = form_of(geometry["type"], parameters)
    for name in parameters.keys() - (form.parameters if form else ()):
        raise Invalid.of_field(name, f"a {geometry['type']} has no `{name}`: leave it out")
    return shape


def _names(value: Any) -> Callable[[str], bool]:
    if value is None:
        return lambda _: True
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid.of_field("vehicles", "`vehicles` is a list of ids, or patterns such as 'van-*'", "wrong_type")
    patterns = [one for one in value if any(char in one for char in "*?[")]
    if len(value) > MOST_NAMES or len(patterns) > MOST_PATTERNS or any(len(one) > 4 * MAX_ID for one in value):
        raise Invalid.of_field(
            "vehicles", f"`vehicles` has at most {MOST_NAMES} ids, and of these {MOST_PATTERNS} patterns"
        )
    ids, fits = frozenset(value), re.compile("|".join(map(translate, patterns)) or r"(?!)")
    return lambda vehicle: vehicle in ids or fits.match(vehicle) is not None
