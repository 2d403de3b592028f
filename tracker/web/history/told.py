"""Told: events another system decided, kept as its history: nothing here is decided by them, and nothing raised."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import ADMINISTER, Grant
from tracker.errors import Invalid
from tracker.model.events import TOLD, Event, event_id
from tracker.model.ping import NOWHERE, OLDEST, RANGES
from tracker.node import Node
from tracker.times import BadTime, parse_time
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes

PATH = "/api/v1/history/told"
MOST = 1000  #: in one request
MOST_TEXT = 100  #: characters of what, by, number


def blueprint(node: Node) -> Blueprint:
    routes = Routes("told", node)
    routes.add(PATH, POST=tell_events)
    return routes.blueprint


async def tell_events(node: Node, grant: Grant) -> Response:
    """All or none: one that cannot be kept is told by its place in the list. Told again, their ids tell."""
    grant.check(ADMINISTER)
    document = await api.json_body(node.settings.max_body)
    given = document.get("events") if isinstance(document, dict) else None
    if not isinstance(given, list) or not 0 < len(given) <= MOST:
        raise Invalid("invalid", f'`events` is a list of at most {MOST}: {{"events": [{{"vehicle": …, "time": …}}]}}')
    now, events, errors = node.clock(), list[Event](), list[dict[str, Any]]()
    for index, item in enumerate(given):
        try:
            events.append(_read(node, item, now))
        except _Wrong as fault:
            errors.append({"index": index, "field": fault.field, "code": "invalid", "message": str(fault)})
    if errors:
        raise Invalid("invalid", f"event {errors[0]['index']}: {errors[0]['message']}", errors[: api.MOST_ROWS])
    known = {one.id for one in events if await node.store.event(one.id) is not None}
    fresh = list({one.id: one for one in events if one.id not in known}.values())
    if fresh:
        await node.pipeline.tell_events(fresh, api.actor(node, grant))
    return api.answer({"accepted": len(fresh), "duplicates": len(events) - len(fresh)})


class _Wrong(ValueError):
    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field


def _read(node: Node, item: Any, now: int) -> Event:
    """Raises _Wrong."""
    if not isinstance(item, dict):
        raise _Wrong(None, "an event is an object")
    what, by = _text(item, "what"), _text(item, "by")
    number = _text(item, "number") if item.get("number") is not None else ""
    vehicle, region = item.get("vehicle"), item.get("region")
    picture = node.picture
    if not isinstance(vehicle, str) or (vehicle not in picture.register and vehicle not in picture.vehicles):
        raise _Wrong("vehicle", "`vehicle` is the id of one there is")
    if region is not None and (not isinstance(region, str) or region not in picture.regions):
        raise _Wrong("region", "`region` is the id of one there is")
    try:
        time = parse_time(item.get("time", ""))
    except (BadTime, TypeError, ValueError) as fault:
        raise _Wrong("time", str(fault) or "`time` is an RFC 3339 text") from None
    if not OLDEST <= time <= now:
        raise _Wrong("time", "`time` is between 2000 and now")
    lat, lon = (_degrees(item, name) for name in ("lat", "lon"))
    placed = lat is not None and lon is not None
    detail: dict[str, Any] = {"what": what, "told_by": by} | ({} if placed else {"placed": False})
    said = item.get("attributes") or {}
    if (wrong := api.bad_attributes(said)) is not None:
        raise _Wrong("attributes", wrong)
    if said:
        detail["attributes"] = said
    return Event(
        id=event_id(TOLD, vehicle, region, "\0".join((by, number, what, str(time)))),
        kind=TOLD,
        vehicle=vehicle,
        time=time,
        received_at=now,
        reason=TOLD,
        lat=lat if placed and lat is not None else NOWHERE[0],
        lon=lon if placed and lon is not None else NOWHERE[1],
        region=region,
        delayed=True,
        detail=detail,
    )


def _text(item: dict[str, Any], name: str) -> str:
    text = item.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_TEXT or not api.is_text(text):
        raise _Wrong(name, f"`{name}` is a text of at most {MOST_TEXT} characters")
    return text.strip()


def _degrees(item: dict[str, Any], name: str) -> float | None:
    value = item.get(name)
    if value is None:
        return None
    low, high, _ = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _Wrong(name, f"`{name}` is in degrees, {low:g} to {high:g}")
    return float(value)
