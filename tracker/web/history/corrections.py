"""Corrections: what people say was otherwise, made, listed and taken back. Nothing that was told is lost by one."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.access.grants import EDIT_VEHICLES, Grant, may_not
from tracker.access.tokens import new_id
from tracker.errors import InTheWay, Invalid, NotFound
from tracker.history.story.corrected import Piece, corrected, in_order, meant
from tracker.history.story.corrections import JOIN_TRIPS, MOVE_STOP, WHAT, WRONG_FIXES, Correction, TakenBack, without
from tracker.history.story.stops import Stop
from tracker.history.story.trips import Trip, story_of
from tracker.model.ping import OLDEST
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import LAST, sees_whole, told_of

PATH = "/api/v1/history/corrections"
FIELDS = ("vehicle", "what", "from", "until", "new_from", "new_until", "why", "by")
DAY_MS = 86_400_000
LONGEST_MS = 31 * DAY_MS
AROUND_MS = DAY_MS  #: before and after: what lies beside a stop begins there
MOST_WHY = 500  #: characters
MOST_BY = 100
MOST = 1000  #: of a vehicle, those that were taken back too


def blueprint(node: Node) -> Blueprint:
    routes = Routes("corrections", node)
    routes.add(PATH, GET=list_corrections, POST=correct)
    routes.add(f"{PATH}/<id>", GET=get_correction, DELETE=take_back)
    return routes.blueprint


async def list_corrections(node: Node, grant: Grant) -> Response:
    """The newest first, those that were taken back too."""
    api.only("vehicle", "from", "until", "limit", "cursor")
    since, until = api.instant("from"), api.instant("until")
    before, limit, chosen = api.place(_is_place), api.limit(), api.words("vehicle")
    span = (0 if since is None else since, LAST if until is None else until)
    told = [
        one
        for vehicle in node.corrections.vehicles()
        if (chosen is None or vehicle in chosen) and sees_whole(node, grant, vehicle)
        for one in node.corrections.said_of(vehicle)
        if one.touches(*span) and (before is None or (one.at, one.id) < tuple(before))
    ]
    told.sort(key=lambda one: (one.at, one.id), reverse=True)
    page = told[:limit]
    following = api.cursor([page[-1].at, page[-1].id]) if len(told) > limit else None
    return api.answer({"corrections": [one.as_json() for one in page], "next": following})


def _is_place(place: Any) -> bool:
    return isinstance(place, list) and [type(part) for part in place] == [int, str]


async def get_correction(node: Node, grant: Grant, id: str) -> Response:
    return api.answer(_known(node, grant, id).as_json())


async def correct(node: Node, grant: Grant) -> Response:
    """Said once more by the same person it is the same, not another."""
    grant.check(EDIT_VEHICLES)
    given = await api.json_body(node.settings.max_entry)
    vehicle, asked = _read(given, node.clock())
    _, told = await told_of(node, grant, vehicle)
    _check(node, grant, vehicle)
    if told.n is None:
        raise _wrong("vehicle", f"{vehicle!r} never had a position: there is nothing to correct")
    asked = msgspec.structs.replace(asked, by=_by(grant, given))
    if (same := _same(node, asked)) is not None:
        return _made(same, 200)
    asked = await _found(node, asked, told.n)
    by = api.actor(node, grant)
    made = msgspec.structs.replace(asked, id=new_id(), at=node.clock())

    def plan() -> tuple[list[Record], list[Audit]]:
        nonlocal made
        entry = by.did(node.clock(), "correction.add", vehicle, None, made.as_json())
        _check(node, grant, vehicle)
        if (same := _same(node, made)) is not None:
            made = same
            return [], []
        if len(node.corrections.said_of(vehicle)) >= MOST:
            raise InTheWay("too_many_corrections", f"there are {MOST} corrections of {vehicle!r} already")
        return [node.corrections.saved(made)], [entry]

    before = made.id
    await node.pipeline.keep_records(plan)
    return _made(made, 201 if made.id == before else 200)


def _made(one: Correction, status: int) -> Response:
    return api.answer(one.as_json(), status, location=f"{PATH}/{one.id}")


def _same(node: Node, asked: Correction) -> Correction | None:
    said = (one for one in node.corrections.said_of(asked.vehicle) if one.taken_back is None and one.says_as(asked))
    return next(said, None)


async def take_back(node: Node, grant: Grant, id: str) -> Response:
    """It stays, with who took it back. What was taken back already stays as it is."""
    known = _known(node, grant, id)
    _check(node, grant, known.vehicle)
    given = await api.optional_body(node.settings.max_entry)
    if given is not None and (not isinstance(given, dict) or not set(given) <= {"why", "by"}):
        raise Invalid("not_an_object", 'take it back with no body, or with {"why": …}')
    why = _why(given) if given and given.get("why") is not None else None
    by, who, one = api.actor(node, grant), _by(grant, given or {}), known

    def plan() -> tuple[list[Record], list[Audit]]:
        nonlocal one
        one = _known(node, grant, id)
        now = node.clock()
        taken = msgspec.structs.replace(one, taken_back=TakenBack(who, now, why))
        entry = by.did(now, "correction.take_back", one.vehicle, one.as_json(), taken.as_json())
        if one.taken_back is not None:
            return [], []
        one = taken
        return [node.corrections.saved(taken)], [entry]

    await node.pipeline.keep_records(plan)
    return api.answer(one.as_json())


# ------------------------------------------------------------------------------------------------------ who may


def _known(node: Node, grant: Grant, id: str) -> Correction:
    one = node.corrections.by_id.get(id)
    if one is None or not sees_whole(node, grant, one.vehicle):
        raise NotFound("unknown_correction", f"there is no correction {id[:64]!r}")
    return one


def _check(node: Node, grant: Grant, vehicle: str) -> None:
    """Whoever may change it where it is, but does not see where else it was, may not."""
    if not grant.edits_everywhere(node.picture.group_of(vehicle)):
        raise may_not(EDIT_VEHICLES)


# ------------------------------------------------------------------------------------------------------ what is said


def _wrong(field: str, message: str, code: str = "invalid") -> Invalid:
    return Invalid.of_field(field, message, code)


def _read(document: Any, now: int) -> tuple[str, Correction]:
    """Raises Invalid."""
    api.check_fields(document, FIELDS, 'correct with a JSON object: {"vehicle", "what", "from", "until", "why"}')
    vehicle, what = document.get("vehicle"), document.get("what")
    if not isinstance(vehicle, str):
        raise _wrong("vehicle", "`vehicle` is the id of one there is", "missing" if vehicle is None else "wrong_type")
    vehicle = api.vehicle(vehicle)
    if what not in WHAT:
        raise _wrong("what", f"`what` is one of {', '.join(WHAT)}", "missing" if what is None else "invalid")
    since, until = _time(document, "from", now), _time(document, "until", now)
    if since is None or until is None:
        name = "from" if since is None else "until"
        raise _wrong(name, f"`{name}` is missing: from when until when is what you correct", "missing")
    if until <= since:
        one = " (one fix: from its time until a millisecond later)" if what == WRONG_FIXES else ""
        raise _wrong("until", f"`until` is later than `from`{one}")
    if until - since > LONGEST_MS:
        raise _wrong("until", f"from `from` to `until` are at most {LONGEST_MS // DAY_MS} days")
    begins, ends = _time(document, "new_from", now), _time(document, "new_until", now)
    if what != MOVE_STOP and (begins is not None or ends is not None):
        name = "new_from" if begins is not None else "new_until"
        raise _wrong(name, f"`{name}` is said of a stop that is moved only")
    if what == MOVE_STOP and begins is None and ends is None:
        raise _wrong("new_from", "`new_from`, `new_until` or both say when the stop was", "missing")
    asked = Correction("", vehicle, what, since, until, _why(document), "", now, begins, ends)
    first, end = asked.target
    moved = "new_until" if ends is not None else "new_from"
    if end <= first:
        raise _wrong(moved, "a stop ends after it begins")
    if end - first > LONGEST_MS:
        raise _wrong(moved, f"a stop that is moved lasts at most {LONGEST_MS // DAY_MS} days")
    return vehicle, asked


def _time(document: dict[str, Any], name: str, now: int) -> int | None:
    time = api.read_time(document, name, code="invalid")
    if time is not None and (time < OLDEST or time > now + 1):  # half-open: the last fix is a millisecond before
        raise _wrong(name, f"`{name}` is between 2000 and now: only what has been can be corrected")
    return time


def _by(grant: Grant, document: dict[str, Any]) -> str:
    """Whoever has signed in cannot be somebody else; where nobody does, they may say who they are."""
    by = document.get("by")
    if by is not None and not (isinstance(by, str) and 0 < len(by.strip()) <= MOST_BY and api.is_text(by)):
        raise _wrong("by", f"`by` is a name of at most {MOST_BY} characters")
    return grant.who or (by.strip() if by else api.ANYBODY)


def _why(document: dict[str, Any]) -> str:
    why = document.get("why")
    if why is None or (isinstance(why, str) and not why.strip()):
        raise _wrong("why", "`why` is missing: say in a few words why, for whoever looks at it later", "missing")
    if not isinstance(why, str) or len(why.strip()) > MOST_WHY or not api.is_text(why.replace("\n", " ")):
        raise _wrong("why", f"`why` is a text of at most {MOST_WHY} characters")
    return why.strip()


# ------------------------------------------------------------------------------------------------------ what it means


async def _found(node: Node, asked: Correction, n: int) -> Correction:
    """Of the past as it is known now. Raises Invalid where there is nothing to correct."""
    if asked.what == WRONG_FIXES:
        if not await node.store.track(n, asked.since, asked.until, None, 1):
            raise _wrong("from", "there is no fix from `from` until `until`: look for their times in the track")
        return asked
    first, end = asked.reach
    since, until = first - AROUND_MS, end + AROUND_MS
    said = node.corrections.standing(asked.vehicle, since, until)
    async with node.heavy.turn():
        columns = await node.store.columns(n, since, until)
        kept = without(columns, node.corrections.wrong(asked.vehicle))
        story = await asyncio.to_thread(lambda: corrected(story_of(kept), said, since, until))
    pieces = in_order(story) if story else []
    return _joins(asked, pieces) if asked.what == JOIN_TRIPS else _moves(asked, pieces)


def _moves(asked: Correction, pieces: list[Piece]) -> Correction:
    stop = meant(pieces, asked.since, asked.until)
    if stop is None or 2 * (min(stop.until, asked.until) - max(stop.since, asked.since)) < asked.until - asked.since:
        raise _wrong("from", "there is no such stop: take `from` and `until` of one in the vehicle's stops")
    begins, ends = asked.target
    if asked.new_since is not None and asked.new_until is None:
        ends = max(stop.until, asked.until)
    at = pieces.index(stop)
    before, after = (pieces[at - 1] if at else None), (pieces[at + 1] if at + 1 < len(pieces) else None)
    if before is not None and begins <= (least := before.until if isinstance(before, Stop) else before.since):
        raise _wrong("new_from", f"what came before it began at {rfc3339(least)}: the stop begins later than that")
    if after is not None and ends >= (most := after.since if isinstance(after, Stop) else after.until):
        raise _wrong("new_until", f"what came after it lasted until {rfc3339(most)}: the stop ends sooner than that")
    return msgspec.structs.replace(asked, place=(stop.lat, stop.lon))


def _joins(asked: Correction, pieces: list[Piece]) -> Correction:
    trips = [one for one in pieces if isinstance(one, Trip) and one.since <= asked.until and one.until >= asked.since]
    if len(trips) < 2:
        message = "there are no two trips to join: say from when the first began until when the last ended"
        raise _wrong("from", message)
    since, until = trips[0].since, trips[-1].until
    if until - since > LONGEST_MS:
        raise _wrong("until", f"such a trip would last over {LONGEST_MS // DAY_MS} days")
    return msgspec.structs.replace(asked, since=since, until=until)
