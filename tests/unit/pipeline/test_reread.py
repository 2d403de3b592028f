"""Reread: regions that an older program took for other shapes, at several nodes that start at once."""

from __future__ import annotations

import msgspec

from tests.support.servers import circle
from tracker.fleet.fleet import Fleet
from tracker.pipeline.deeds import Reread
from tracker.pipeline.entries.journal import RegionsSaved
from tracker.regions.region import Region


async def test_what_another_node_has_put_in_force_by_then_is_not_put_so_again() -> None:
    fleet = Fleet()
    depot, yard = (Region.read_feature(circle(60.0, 25.0, 300), id=id, version=1, now=0) for id in ("depot", "yard"))
    fleet.save_regions([depot, yard], 0)
    newer = [msgspec.structs.replace(one, version=2) for one in (depot, yard)]
    deed = Reread(1, fleet, newer)
    assert deed.means() == RegionsSaved(1, newer)
    fleet.save_regions(newer[:1], 1)
    assert deed.means() == RegionsSaved(1, newer[1:])
    fleet.delete_regions(["yard"], 2)
    assert deed.means() is None
    deed.resolve()
    assert deed.done.result() is None
