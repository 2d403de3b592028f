"""Who was here, asked of all vehicles: which days are read, and what of a silence is looked for beyond them."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from tests.support.scenario import box, feature, place
from tracker.access.grants import Part
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.history.search import DAY_MS, Question, Search
from tracker.history.visits import Visits
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.outline import Excerpt
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region
from tracker.stores import Box

YARD = read_shape(box(0, 0, 400, 300))
DAY = 20_780 * DAY_MS
HOUR = 3_600_000
INSIDE, OUTSIDE = place(200, 100), place(900, 100)

Fix = tuple[int, tuple[float, float]]  # hours since DAY


class Kept:
    """What a store answers of these; the index names the days with a fix inside."""

    def __init__(self, **vehicles: list[Fix]) -> None:
        self.drives = dict(enumerate(vehicles.values(), 1))
        self.names = dict(zip(vehicles, self.drives, strict=True))
        self.read: list[tuple[int, int, int]] = []

    async def numbers(self) -> dict[str, int]:
        return self.names

    async def near(self, _boxes: list[Box], since: int, until: int) -> dict[int, list[tuple[int, int]]]:
        times = {n: [DAY + at * HOUR for at, spot in fixes if spot == INSIDE] for n, fixes in self.drives.items()}
        found = {n: [(at, at) for at in sorted(some) if since <= at < until] for n, some in times.items()}
        return {n: spans for n, spans in found.items() if spans}

    async def excerpts(self, wanted: list[tuple[int, int, int]], _look: Any) -> list[Excerpt]:
        return [Excerpt.whole(one) for one in await self.fixes(wanted)]

    async def fixes(self, wanted: list[tuple[int, int, int]]) -> list[Columns]:
        self.read += wanted
        return [
            Columns.from_pings(
                StoredPing(n, Ping("", DAY + at * HOUR, *spot), DAY)
                for at, spot in self.drives[n]
                if since <= DAY + at * HOUR < until
            )
            for n, since, until in wanted
        ]


async def here(
    kept: Any, since: int, until: int, after: str | None = None, shown: Any = None, name: str = ""
) -> list[tuple[str, str, int]]:
    """(vehicle, how it left, fixes) between these hours."""
    question = Question(YARD, DAY + since * HOUR, DAY + until * HOUR, lambda id: id.startswith(name))
    search = Search(kept, question, FleetSettings(), shown)
    return [(id, one.exit.how, one.fixes) async for id, visits in search.found(after) for one in visits]


async def test_who_stands_without_a_word_is_here_unless_it_is_somewhere_else_next() -> None:
    kept = Kept(gone=[(20, INSIDE), (32, OUTSIDE)], stays=[(20, INSIDE), (32, INSIDE)], mute=[(20, INSIDE)])
    assert await here(kept, 22, 23) == [("mute", "beyond", 0), ("stays", "beyond", 0)]
    assert await here(kept, 19, 23) == [("gone", "fix", 1), ("mute", "beyond", 1), ("stays", "beyond", 1)]
    assert await here(kept, 60, 61) == []


async def test_only_the_days_are_read_on_which_it_may_have_been_near() -> None:
    kept = Kept(van=[(5, INSIDE), (6, OUTSIDE), (30, OUTSIDE), (80, INSIDE), (81, OUTSIDE)])
    assert await here(kept, 0, 96) == [("van", "fix", 1), ("van", "fix", 1)]
    assert [(since // DAY_MS * DAY_MS - DAY, until - since) for _, since, until in kept.read] == [
        (0, DAY_MS), (3 * DAY_MS, DAY_MS)
    ]  # fmt: skip


async def test_a_page_goes_on_from_a_vehicle() -> None:
    kept = Kept(**{f"van-{n}": [(5, INSIDE), (6, OUTSIDE)] for n in range(70)})
    everybody = [id for id, *_ in await here(kept, 0, 24)]
    assert everybody == sorted(kept.names)
    assert [id for id, *_ in await here(kept, 0, 24, after="van-42")] == [id for id in everybody if id >= "van-42"]


class Told:
    """What a grant shows of the past: the depot, which is the yard, in these visits (hours)."""

    def __init__(self, **spans: list[tuple[int, int]]) -> None:
        region = Region.read_feature(feature(box(0, 0, 400, 300)), id="depot", version=1, now=0)
        self.book, self.part = RegionBook(), Part(frozenset({"depot"}), None)
        self.book.put(region)
        self.spans = spans
        self.asked: list[str] = []

    async def visits(self, vehicle: str) -> Visits:
        self.asked.append(vehicle)
        spans = [(DAY + since * HOUR, DAY + until * HOUR) for since, until in self.spans.get(vehicle, [])]
        return Visits({"depot": spans} if spans else {}, [self.part], self.book)


async def test_who_may_not_see_everything_is_answered_from_the_visits_that_are_shown() -> None:
    kept = Kept(
        seen=[(5, INSIDE), (6, INSIDE), (7, OUTSIDE)], hidden=[(5, INSIDE), (6, OUTSIDE)], away=[(5, OUTSIDE)],
        stays=[(20, INSIDE)],
    )  # fmt: skip
    told = Told(seen=[(5, 6)], stays=[(20, 999)])
    assert await here(kept, 0, 24, shown=told) == [("seen", "fix", 2), ("stays", "beyond", 1)]
    assert sorted({n for n, *_ in kept.read}) == [1, 4], "nothing is read of whom it may not see"


async def test_whom_one_asks_for_changes_not_whom_is_looked_for() -> None:
    kept = Kept(**{f"{kind}-{n}": [(5, INSIDE), (6, OUTSIDE)] for n in range(30) for kind in ("car", "van")})
    told = Told(**{id: [(5, 5)] for id in kept.names})
    assert [id for id, *_ in await here(kept, 0, 24, "van-2", told, "van")] == [
        id for id in sorted(kept.names) if id >= "van-2"
    ]
    assert told.asked == sorted(kept.names)


async def test_a_silence_that_goes_on_over_midnight_and_ends_inside_is_one_visit() -> None:
    kept = Kept(van=[(47, INSIDE), (70, INSIDE), (71, OUTSIDE)], gone=[(47, INSIDE), (70, OUTSIDE)])
    assert await here(kept, 30, 48) == [("gone", "fix", 1), ("van", "beyond", 1)]


async def test_days_that_follow_each_other_are_read_as_one() -> None:
    kept = Kept(van=[(23, INSIDE), (25, INSIDE), (26, OUTSIDE)])
    assert await here(kept, 0, 72) == [("van", "fix", 2)]
    assert [(since - DAY, until - DAY) for _, since, until in kept.read] == [(0, 2 * DAY_MS)]


async def test_reading_ahead_ends_with_who_looks() -> None:
    kept = Kept(**{f"van-{n:03}": [(5, INSIDE), (6, OUTSIDE)] for n in range(200)})
    question = Question(YARD, DAY, DAY + 24 * HOUR, lambda _: True)
    found: Any = Search(kept, question, FleetSettings(), None).found()  # type: ignore[arg-type]
    async with aclosing(found):
        assert (await anext(found))[0] == "van-000"
    assert 0 < len(kept.read) < 200
