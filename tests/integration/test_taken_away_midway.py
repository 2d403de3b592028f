"""What lasts looks again: a grant that changes while an answer is made is obeyed by what is still to be told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.leaks.asking import ask
from tests.support.granted import FAR_LAT, FAR_LON, HERE, THERE, Town, bearer, feature, town
from tests.support.grants import limited
from tracker.access.grants import Grant
from tracker.web.api import regions, tracks

V1 = "/api/v1"
VANS = frozenset({"vans"})


def reader(grant: Grant) -> Grant:
    return msgspec.structs.replace(grant, bearer="reader")


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr(tracks, "FEW", 2)
    monkeypatch.setattr(tracks, "MANY", 2)
    monkeypatch.setattr(regions, "MOST_BYTES", 100)
    async with town(tmp_path / "data", reader=reader(limited(HERE, THERE))) as made:
        monkeypatch.setattr(made.access, "again", lambda grant: made.access.grants["reader"] if grant.bearer else grant)
        yield made


def at_read(place: Town, monkeypatch: pytest.MonkeyPatch, name: str, number: int, deed: Callable[[], Any]) -> None:
    """Something happens while the store is read for this time."""
    read, reads = getattr(place.node.store, name), 0

    async def reading(*args: Any, **more: Any) -> Any:
        nonlocal reads
        reads += 1
        found = await read(*args, **more)
        if reads == number and isinstance(done := deed(), Awaitable):
            await done
        return found

    monkeypatch.setattr(place.node.store, name, reading)


def regrant(place: Town, grant: Grant) -> Callable[[], None]:
    return lambda: place.access.grants.update(reader=reader(grant))


async def test_what_was_read_under_another_grant_is_read_once_more(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_read(place, monkeypatch, "events", 1, regrant(place, limited(HERE)))
    said = await ask(place.client.app, "GET", f"{V1}/events?limit=1000", bearer("reader"))
    assert said.status == 200
    assert b"resident" in said.body
    await place.search(said.body)


async def test_a_track_breaks_off_where_the_grant_ends(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at_read(place, monkeypatch, "track", 2, regrant(place, limited(HERE)))
    told: list[bytes] = []
    with pytest.raises(Exception, match="what you may see has changed"):
        await ask(place.client.app, "GET", f"{V1}/vehicles/stranger/track?format=csv", bearer("reader"), told=told)
    assert 2 <= b"".join(told).count(b"stranger") < 4, "what was told before, and no more"


async def test_a_track_breaks_off_where_its_vehicle_is_moved_to_a_group_that_is_hidden(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.do("PATCH", f"{V1}/vehicles/resident", json={"group": "vans"})
    place.access.grants["reader"] = reader(limited(HERE, vehicles=VANS))

    async def move() -> None:
        await place.do("PATCH", f"{V1}/vehicles/resident", json={"group": "secret"})

    at_read(place, monkeypatch, "track", 2, move)
    told: list[bytes] = []
    with pytest.raises(Exception, match="what you may see has changed"):
        await ask(place.client.app, "GET", f"{V1}/vehicles/resident/track?format=gpx", bearer("reader"), told=told)
    assert b"".join(told).count(b"<trkpt") == 2


async def test_a_list_of_regions_breaks_off_where_the_grant_ends(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    began = place.node.heavy.piece
    pieces = 0

    def piece() -> Any:
        nonlocal pieces
        if (pieces := pieces + 1) == 2:
            regrant(place, limited(HERE))()
        return began()

    monkeypatch.setattr(place.node.heavy, "piece", piece)
    told: list[bytes] = []
    with pytest.raises(Exception, match="what you may see has changed"):
        await ask(place.client.app, "GET", f"{V1}/regions", bearer("reader"), told=told)
    assert b"Home yard" in b"".join(told)
    await place.search(b"".join(told))


@pytest.mark.parametrize("how", ["regranted", "regrouped"])
async def test_a_preview_is_made_anew_for_what_may_be_seen_by_now(
    place: Town, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    deed: Callable[[], Any] = regrant(place, limited(HERE))
    if how == "regrouped":
        await place.do("PATCH", f"{V1}/vehicles/stranger", json={"group": "vans"})
        place.access.grants["reader"] = reader(limited(HERE, THERE, vehicles=VANS))

        async def move() -> None:
            await place.do("PATCH", f"{V1}/vehicles/stranger", json={"group": "secret"})

        deed = move
    at_read(place, monkeypatch, "pings_since", 2, deed)
    drawn = feature("drawn", FAR_LAT, FAR_LON, "drawn")
    said = await ask(place.client.app, "POST", f"{V1}/regions/preview", bearer("reader"), drawn)
    assert said.status == 200
    assert (said.json()["inside"], said.json()["inside_count"]) == ([], 0)
    assert b"stranger" not in said.body


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_who_was_here_is_looked_for_anew_for_what_may_be_seen_by_now(
    place: Town, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A file that has begun is broken off."""
    at_read(place, monkeypatch, "numbers", 1, regrant(place, limited(HERE)))
    shape = {"geometry": {"type": "Point", "coordinates": [FAR_LON, FAR_LAT]}, "radius_m": 1000}
    asked = shape | {"from": int(time.time()) - 86_400}
    path, told = f"{V1}/history/inside?format={form}", list[bytes]()
    asking = ask(place.client.app, "POST", path, bearer("reader"), asked, told=told)
    if form == "json":
        assert (await asking).json()["visits"] == []
    else:
        with pytest.raises(Exception, match="what you may see has changed"):
            await asking
    await place.search(b"".join(told))
