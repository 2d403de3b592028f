"""Activity: how many vehicles told something, and how many moved, in each step of a range: what a timeline draws."""

from __future__ import annotations

from contextlib import aclosing

from quart import Blueprint, Response

from tracker.access.grants import Grant
from tracker.history.film.activity import Counts, activity, activity_about
from tracker.history.film.frames import Grid, Told
from tracker.history.film.reel import Names, Reel, Wrong
from tracker.history.visits import Shown
from tracker.model.columns import Tracks
from tracker.model.outline import Spells
from tracker.node import Node
from tracker.times import rfc3339
from tracker.turns.slices import batched
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import wrong_of
from tracker.web.history.frames import DAY_MS, LONGEST_STEP_S, as_shown, chosen, span
from tracker.web.server.answers import JSON, encode

PATH = "/api/v1/history/activity"
STEP_S = 3600
MOST_STEPS = 4000
#: of longer ranges, in steps that are not shorter, a vehicle's outlines are asked and not its fixes
EXACT_MS, COARSE_STEP_MS = 3 * 86_400_000, 1_800_000
TOGETHER_DAYS = 4096  #: of vehicles, whose outlines are read at once


def blueprint(node: Node) -> Blueprint:
    routes = Routes("activity", node)
    routes.add(PATH, GET=get_activity)
    return routes.blueprint


async def get_activity(node: Node, grant: Grant) -> Response:
    api.only("from", "until", "step_s", "vehicle", "group", "as")
    since, until = span()
    grid = Grid.over(since, until, (api.whole("step_s", 1, LONGEST_STEP_S) or STEP_S) * 1000)
    if grid.instants > MOST_STEPS:
        raise api.bad("step_s", f"more: from `from` to `until` there are at most {MOST_STEPS:,} steps")
    async with node.heavy.turn():
        exact = not grant.everything or until - since <= EXACT_MS or grid.step < COARSE_STEP_MS
        asks, wrong = chosen(node, grant), wrong_of(node)
        if exact:
            counts = await as_shown(node, grant, lambda shown: _counted(node, shown, grid, asks, wrong))
        else:  # outlines know of no correction
            ends = grid.needs[1] + grid.step
            fixes = {id for id in node.corrections.wrong_within(grid.needs[0], ends) if asks(id) and wrong(id)}
            counts = await _outlined(node, grid, lambda id: id not in fixes and asks(id))
            if fixes:
                counts = counts.plus(await _counted(node, None, grid, fixes.__contains__, wrong))
    told = {"from": rfc3339(since), "until": rfc3339(until), "step_s": grid.step // 1000, "exact": exact}
    return api.tagged(encode(told | {"known": counts.known.tolist(), "moving": counts.moving.tolist()}), JSON)


async def _counted(node: Node, shown: Shown | None, grid: Grid, asks: Names, wrong: Wrong) -> Counts:
    def look(_ids: list[str], tracks: Tracks, told: Told | None) -> Counts:
        return activity(tracks, grid, told)

    total = Counts.none(grid)
    reel = Reel(node.store, (grid.since, grid.needs[1] + grid.step), grid.instants, shown, wrong)
    async with aclosing(reel.looked_at(asks, None, look)) as found:
        async for counts in found:
            total = total.plus(counts)
    return total


async def _outlined(node: Node, grid: Grid, asks: Names) -> Counts:
    numbers = await node.store.numbers()
    wanted = [numbers[id] for id in numbers if asks(id)]
    days = grid.step * grid.instants // DAY_MS + 2
    shares = [list(some) for some in batched(wanted, max(1, TOGETHER_DAYS // days))]

    def look(at: int, spells: Spells) -> Counts:
        return activity_about(spells, len(shares[at]), grid)

    total, until = Counts.none(grid), grid.since + grid.step * grid.instants
    async with aclosing(node.store.spells(shares, grid.since, until, grid.step, look)) as found:
        async for counts in found:
            total = total.plus(counts)
    return total
