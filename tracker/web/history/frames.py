"""Frames: where all vehicles were at some instants, as JSON, or as a tape that the page scrubs through."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, NamedTuple, TypeVar

import numpy as np
from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.history.film import tape
from tracker.history.film.frames import GAP, Frames, Grid, Told, sample
from tracker.history.film.reel import Reel, Wrong
from tracker.history.film.tape import Strip
from tracker.history.visits import Shown
from tracker.model.columns import Tracks
from tracker.node import Node
from tracker.outputs.sight import Sight
from tracker.times import rfc3339
from tracker.turns.slices import in_slices
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import wrong_of
from tracker.web.server.answers import JSON, encode

PATH = "/api/v1/history/frames"
STEP_S, LONGEST_STEP_S = 60, 86_400
DAY_MS = 86_400_000
LONGEST_MS = 92 * DAY_MS
MOST_INSTANTS = 100_000  #: in one answer
#: positions in one answer: a place in JSON takes sixty bytes, in a tape five before it is packed
MOST_SAMPLES = {"json": 100_000, "tape": 2_500_000}
MOST_VEHICLES = 100_000
LEVEL = 5  #: of gzip
AT_ONCE = 500  #: vehicles that are looked up on the loop

T = TypeVar("T")


class Asked(NamedTuple):
    form: str
    until: int
    grid: Grid
    after: str | None
    most: int  # vehicles
    wrong: Wrong  # these are left out


class Page(NamedTuple):
    ids: list[str]
    parts: list[Any]  # frames, or strips of a tape
    next: str | None


def blueprint(node: Node) -> Blueprint:
    routes = Routes("frames", node)
    routes.add(PATH, GET=get_frames)
    return routes.blueprint


async def get_frames(node: Node, grant: Grant) -> Response:
    api.only("from", "until", "step_s", "vehicle", "group", "as", "format", "limit", "cursor")
    asked = _asked(node)
    async with node.heavy.turn():
        page = await as_shown(node, grant, lambda shown: _page(node, grant, shown, asked))
        return await _json(asked, page) if asked.form == "json" else await _tape(node, grant, asked, page)


def _asked(node: Node) -> Asked:
    form = request.args.get("format", "json")
    if form not in MOST_SAMPLES:
        raise api.bad("format", f"one of {', '.join(MOST_SAMPLES)}")
    since, until = span()
    grid = Grid.over(since, until, (api.whole("step_s", 1, LONGEST_STEP_S) or STEP_S) * 1000)
    if grid.instants > MOST_INSTANTS:
        raise api.bad("step_s", f"more: from `from` to `until` there are at most {MOST_INSTANTS:,} instants")
    after = api.place(lambda place: isinstance(place, str))
    most = max(1, MOST_SAMPLES[form] // grid.instants)
    return Asked(form, until, grid, after, min(most, api.limit(MOST_VEHICLES, MOST_VEHICLES)), wrong_of(node))


def span(longest_ms: int = LONGEST_MS) -> tuple[int, int]:
    since, until = api.instant("from"), api.instant("until")
    if since is None:
        raise api.bad("from", "a time: since when is asked")
    until = since if until is None else until
    if not 0 <= until - since <= longest_ms:
        raise api.bad("until", f"a time after `from`, at most {longest_ms // DAY_MS} days")
    return since, until


async def as_shown(node: Node, grant: Grant, make: Callable[[Shown | None], Awaitable[T]]) -> T:
    """What is made of what the grant shows, made again where that was another by the end. None: everything."""
    while True:
        shown = None if grant.everything else Shown(node.store, node.fleet.regions, node.picture, grant)
        made = await make(shown)
        if shown is None or not shown.is_over:
            return made


def chosen(node: Node, grant: Grant) -> Callable[[str], bool]:
    """Is this one among those that `vehicle` and `group` name?"""
    vehicles, groups, sight = api.words("vehicle"), api.words("group"), Sight(node.picture, grant)

    def asks(id: str) -> bool:
        return (vehicles is None or id in vehicles) and (groups is None or entry(node, sight, id)["group"] in groups)

    return asks


def entry(node: Node, sight: Sight, id: str) -> dict[str, Any]:
    """What a vehicle is called now; nothing of one that is not seen now."""
    known = node.picture.register.get(id) if sight.knows_vehicle(id) else None
    return {name: getattr(known, name, None) for name in ("name", "group", "kind")}


async def _page(node: Node, grant: Grant, shown: Shown | None, asked: Asked) -> Page:
    reel = Reel(node.store, asked.grid.needs, asked.grid.instants, shown, asked.wrong)
    digits, now = tape.digits_of(asked.grid), node.clock()

    def look(ids: list[str], tracks: Tracks, told: Told | None) -> tuple[list[str], Frames | Strip]:
        frames = sample(tracks, asked.grid, now, told)
        known = np.flatnonzero(np.any(frames.known, axis=1))
        frames = frames.rows(known)
        return [ids[at] for at in known.tolist()], frames if asked.form == "json" else tape.strip(frames, digits)

    ids: list[str] = []
    parts: list[Any] = []
    async with aclosing(reel.looked_at(chosen(node, grant), asked.after, look)) as found:
        async for some, part in found:
            room = asked.most - len(ids)
            ids += some[:room]
            if some:
                parts.append(part.rows(slice(room)))
            if len(some) > room:
                return Page(ids, parts, api.cursor(ids[-1]))
    return Page(ids, parts, None)


async def _json(asked: Asked, page: Page) -> Response:
    def body() -> bytes:
        frames = Frames(*map(np.concatenate, zip(*page.parts, strict=True))) if page.parts else None
        told = [
            {"time": rfc3339(time), "positions": _positions(page.ids, frames, at) if frames else []}
            for at, time in enumerate(asked.grid.times.tolist())
        ]
        return encode(
            {
                "from": rfc3339(asked.grid.since),
                "until": rfc3339(asked.until),
                "step_s": asked.grid.step // 1000,
                "frames": told,
                "next": page.next,
            }
        )

    return api.tagged(await asyncio.to_thread(body), JSON)


def _positions(ids: list[str], frames: Frames, at: int) -> list[dict[str, Any]]:
    rows = np.flatnonzero(frames.known[:, at]).tolist()
    columns = (one[rows, at].tolist() for one in (frames.known, frames.lat, frames.lon, frames.age))
    return [
        {"vehicle": ids[row], "lat": lat / 1e7, "lon": lon / 1e7, "age_s": age / 1e3}
        | ({"gap": True} if known == GAP else {})
        for row, known, lat, lon, age in zip(rows, *columns, strict=True)
    ]


async def _tape(node: Node, grant: Grant, asked: Asked, page: Page) -> Response:
    sight, grid = Sight(node.picture, grant), asked.grid
    head = {
        "from": grid.since,
        "step_ms": grid.step,
        "instants": grid.instants,
        "digits": tape.digits_of(grid),
        "vehicles": [{"vehicle": id} | entry(node, sight, id) async for id in in_slices(page.ids, AT_ONCE)],
        "next": page.next,
    }
    squeezed = "gzip" in request.headers.get("accept-encoding", "")

    def body() -> bytes:
        whole = tape.write(page.parts, head)
        return gzip.compress(whole, LEVEL, mtime=0) if squeezed else whole

    more = {"content_encoding": "gzip"} if squeezed else {}
    return api.tagged(await asyncio.to_thread(body), tape.TYPE, None, vary="accept-encoding", **more)
