"""The tile a vehicle is found in is that of its newest place."""

from __future__ import annotations

import math
import random

from tests.unit.live.test_hub import moved
from tracker.geometry.earth import tile, tile_box
from tracker.live.hub import Hub
from tracker.live.tiles import BASE, WORLD, Tiles
from tracker.model.change import Change
from tracker.model.picture import Picture


def test_a_vehicle_is_in_the_tile_of_its_newest_place_however_near_the_side_it_is() -> None:
    chance = random.Random(3)
    x, y = tile(60.17, 24.94, BASE)
    west, south, east, north = tile_box(x, y, BASE)
    places = [(lat, lon) for lat in (south, north) for lon in (west, east, (west + east) / 2)]
    places += [(math.nextafter(lat, to), math.nextafter(lon, to)) for lat, lon in places for to in (-180.0, 180.0)]
    places += [(chance.uniform(south - 0.1, north + 0.1), chance.uniform(west - 0.1, east + 0.1)) for _ in range(300)]
    places += [(90.0, 180.0), (-90.0, -180.0), (0.0, 0.0)]
    tiles = Tiles()
    for lat, lon in chance.sample(places, len(places)):
        tiles.put(7, lat, lon)
        tiles.put(7, lat + 1e-7, lon) if lat < 89 else None
        tiles.put(7, lat, lon)
        assert [(place, found) for _, place, found in tiles.within([WORLD])] == [(tile(lat, lon, BASE), {7})]
    tiles.discard(7)
    assert list(tiles.within([WORLD])) == []


def test_a_box_of_a_tile_is_where_its_places_lie() -> None:
    for lat, lon in ((60.17, 24.94), (-33.9, 151.2), (0.001, -0.001), (84.9, -179.9)):
        x, y = tile(lat, lon, BASE)
        west, south, east, north = tile_box(x, y, BASE)
        assert west <= lon < east
        assert south <= lat <= north
        assert east - west == 360 / (1 << BASE)


def test_the_vehicles_of_cells_are_named_by_where_they_are_by_now() -> None:
    hub = Hub(Picture())
    hub.begin(epoch=b"abcd", t0=0)
    here, there = (8, *tile(60.0, 24.0, 8)), (8, *tile(10.0, 24.0, 8))
    hub.route(Change(moved=[moved("v1", 1), moved("v2", 1), moved("v3", 1, lat=10.0)]))
    hub.route(Change(moved=[moved("v2", 2, lat=10.0)]))
    assert sorted(hub.routing.within([here])) == ["v1"]
    assert sorted(hub.routing.within([there])) == ["v2", "v3"]
    hub.route(Change(removed=["v3"]))
    assert sorted(hub.routing.within([here, there])) == ["v1", "v2"]
