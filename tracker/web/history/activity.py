"""Activity: how many vehicles told something, and how many moved, in each step of a range: what a timeline draws."""

from __future__ import annotations

from contextlib import aclosing

from quart import Blueprint, Response

from tracker.access.grants import Grant
from tracker.history.film.activity import Counts, activity
from tracker.history.film.frames import Grid, Told
from tracker.history.film.reel import Reel
from tracker.history.visits import Shown
from tracker.model.columns import Tracks
from tracker.node import Node
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.history.frames import LONGEST_STEP_S, as_shown, chosen, span
from tracker.web.server.answers import JSON, encode

PATH = "/api/v1/history/activity"
STEP_S = 3600
MOST_STEPS = 4000


def blueprint(node: Node) -> Blueprint:
    routes = Routes("activity", node)
    routes.add(PATH, GET=get_activity)
    return routes.blueprint


async def get_activity(node: Node, grant: Grant) -> Response:
    api.only("from", "until", "step_s", "vehicle", "group")
    since, until = span()
    grid = Grid.over(since, until, (api.whole("step_s", 1, LONGEST_STEP_S) or STEP_S) * 1000)
    if grid.instants > MOST_STEPS:
        raise api.bad("step_s", f"more: from `from` to `until` there are at most {MOST_STEPS:,} steps")
    async with node.heavy.turn():
        counts = await as_shown(node, grant, lambda shown: _counted(node, grant, shown, grid))
    told = {"from": rfc3339(since), "until": rfc3339(until), "step_s": grid.step // 1000}
    return api.tagged(encode(told | {"known": counts.known.tolist(), "moving": counts.moving.tolist()}), JSON)


async def _counted(node: Node, grant: Grant, shown: Shown | None, grid: Grid) -> Counts:
    def look(_ids: list[str], tracks: Tracks, told: Told | None) -> Counts:
        return activity(tracks, grid, told)

    total = Counts.none(grid)
    reel = Reel(node.store, (grid.since, grid.needs[1] + grid.step), grid.instants, shown)
    async with aclosing(reel.looked_at(chosen(node, grant), None, look)) as found:
        async for counts in found:
            total = total.plus(counts)
    return total
