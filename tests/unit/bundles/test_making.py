"""A bundle of what is stored decides the same again: who was inside when it begins is, and nobody enters twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.kept import DAY, DRIVE, HOUR, Kept, fix, yard
from tests.support.scenario import START
from tracker.bundles import making
from tracker.bundles.again import compare
from tracker.bundles.archive import MEMBERS, pack, unpack
from tracker.bundles.making import Asked, around, make
from tracker.bundles.members import Contents, read
from tracker.bundles.verifying import Verified, verify
from tracker.errors import TrackerError
from tracker.fleet.fleet import FleetSettings
from tracker.formats import Unreadable
from tracker.model.commit import APART, HELD, LATE, SavedRegion, StoredPing
from tracker.model.events import Event
from tracker.model.records import Audit
from tracker.replay.past.stored import Settings
from tracker.replay.past.window import Choice, Rules, Window, play


def lived(arrivals: list[StoredPing], regions: list[SavedRegion], settings: Settings, **more: Any) -> Kept:
    """A store of what came, and what was told of it."""
    source = Kept(arrivals, regions, settings)
    for name, value in more.items():
        setattr(source, name, value)
    everything = Window.around(None, None, None)
    play(source, everything, Choice(source.known, [], []), Rules(None, None, None), source.told.append, lambda _: None)
    return source


def bundled(source: Kept, since: int, until: int, *vehicles: str) -> Contents:
    return make(source, Asked(START + since, START + until, vehicles)).contents


def again(source: Kept, tmp_path: Path, asked: Asked) -> Verified:
    """Somewhere else."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(make(source, asked).file)
    return verify(file)


def kinds(contents: Contents) -> list[str]:
    return [f"{one.vehicle} {one.kind}" for one in contents.events if one.kind not in ("silent", "heard")]


PARKED = [fix(at, 5) for at in range(60_000, 20 * DAY, HOUR)]
#: stands in the yard for weeks, says so each hour, and leaves
STAY = [fix(0, -900), *PARKED, fix(20 * DAY + 60_000, 900)]
EDITED = [yard(1, -HOUR), yard(2, 2 * HOUR, west=5_000), yard(3, 3 * HOUR), yard(4, 30 * HOUR)]
BUSY = [
    *DRIVE[:2],
    fix(60_500, 9_000, taken=HELD),
    fix(30_000, -450, late=70_000, taken=LATE),
    fix(120_000, 10),
    fix(120_000, 10, late=9_000, taken=APART, alarm="sos"),
    fix(0, -900, n=2),
    fix(200_000, 0, n=2),
    *DRIVE[2:],
    fix(10 * HOUR + 70_000, 5, n=2),
]
NO_SILENCE = [(START - DAY, FleetSettings(silence_s=1e9))]
SETTINGS = [(START - DAY, FleetSettings(silence_s=60)), (START + 5 * HOUR, FleetSettings(silence_s=600))]


@pytest.mark.parametrize("asked", [(0, 11 * HOUR), (50_000, 70_000), (HOUR, 9 * HOUR), (9 * HOUR, 11 * HOUR)])
@pytest.mark.parametrize("vehicles", [(), ("van-1",), ("*-2",)])
def test_every_event_follows_from_what_is_in_the_bundle(
    asked: tuple[int, int], vehicles: tuple[str, ...], tmp_path: Path
) -> None:
    """Late, held, an alarm, edits of the region and other settings among it."""
    source = lived(sorted(BUSY, key=lambda one: one.received_at), EDITED, SETTINGS)
    since, until = START + asked[0], START + asked[1]
    choice = Choice(source.known, vehicles, ())
    told = [one for one in source.told if since <= one.time < until and choice.has_vehicle(one.vehicle)]
    found = again(source, tmp_path, Asked(since, until, vehicles))
    assert (found.differences, found.same, found.manifest.events) == ([], len(told), len(told))
    assert found.manifest.events_hash == found.events_hash


def test_a_stay_of_weeks_is_as_long_in_the_bundle_as_it_was() -> None:
    source = lived(STAY, [yard(1, -HOUR)], [])
    contents = bundled(source, 20 * DAY, 21 * DAY)
    assert kinds(contents) == ["van-1 exit"]
    assert len(contents.pings) == len(STAY)
    assert compare(contents).differences == []


def test_no_more_is_in_a_bundle_than_it_takes() -> None:
    settings = [*NO_SILENCE, (START + 5 * HOUR, FleetSettings(silence_s=1e8)), (START + 30 * DAY, FleetSettings())]
    source = lived(STAY, [yard(1, -HOUR), yard(2, 30 * DAY)], settings)
    contents = bundled(source, 10 * DAY, 10 * DAY + HOUR)
    assert len(contents.pings) == 4, "the last before it begins, and those about it"
    assert [one.version for one in contents.regions] == [1]
    assert [at - START for at, _ in contents.settings] == [5 * HOUR]


def test_a_region_that_was_gone_before_or_drawn_after_is_not_in_it_and_one_that_changed_is_as_it_was() -> None:
    gone = [msgspec.structs.replace(yard(1, -2 * HOUR), id="old"), SavedRegion("old", 2, START - HOUR, None)]
    source = lived(DRIVE, [*gone, *EDITED], NO_SILENCE)
    contents = bundled(source, 10 * HOUR, 10 * HOUR + 30_000)
    assert [(one.id, one.version) for one in contents.regions] == [("yard", 3)]
    assert [one.version for one in bundled(source, 0, 11 * HOUR).regions] == [1, 2, 3]


def test_the_register_and_the_record_are_of_its_vehicles_alone() -> None:
    removed = [Audit(START + at, "Ann", "", "vehicle.remove", name) for at, name in ((HOUR, "van-2"), (HOUR, "van-9"))]
    source = lived(sorted(BUSY, key=lambda one: one.received_at), [yard(1, -HOUR)], [], removed=removed)
    mine, all = bundled(source, 0, 11 * HOUR, "van-1"), bundled(source, 0, 11 * HOUR)
    assert ([one.vehicle for one in mine.register], [one.vehicle for one in all.register]) == ([], ["van-2"])
    assert ([one.target for one in mine.deeds], [one.target for one in all.deeds]) == ([], ["van-2"])
    assert {one.ping.vehicle for one in mine.pings} == {"van-1"}


def test_the_same_question_gives_the_same_bytes_whatever_came_later() -> None:
    before, after = lived(DRIVE, [yard(1, -HOUR)], []), lived(STAY, [yard(1, -HOUR), yard(2, 5 * DAY)], [])
    later = lived([*DRIVE, fix(9 * DAY, 0, n=2)], [yard(1, -HOUR), yard(2, 5 * DAY)], [])
    asked = Asked(START, START + HOUR, ("van-1",))
    assert make(before, asked).file == make(before, asked).file == make(later, asked).file
    assert make(after, asked).file != make(before, asked).file


def test_of_an_event_it_is_its_vehicle_a_quarter_of_an_hour_before_and_after() -> None:
    event = msgspec.structs.replace(lived(DRIVE, [yard(1, -HOUR)], []).told[0], vehicle="van [1]*")
    asked = around(event)
    assert (event.time - asked.since, asked.until - event.time) == (900_000, 900_000)
    assert Choice(Kept([], [], []).known, asked.vehicles, ()).has_vehicle("van [1]*")
    assert not Choice(Kept([], [], []).known, asked.vehicles, ()).has_vehicle("van 1")


# ------------------------------------------------------------------------------------------------- what cannot be


def code(source: Kept, asked: Asked) -> tuple[str, str]:
    with pytest.raises(TrackerError) as fault:
        make(source, asked)
    return fault.value.code, fault.value.detail


ALL = Asked(START - HOUR, START + DAY)


def test_what_is_not_kept_any_more_or_was_decided_otherwise_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    source = lived(DRIVE, [yard(1, -HOUR)], NO_SILENCE)
    thinned = Kept([one for one in DRIVE if one is not DRIVE[1]], [yard(1, -HOUR)], NO_SILENCE)
    thinned.told = source.told
    said = code(thinned, ALL)
    assert said[0] == "bundle_differs" and "van-1 enter yard" in said[1]
    thinned.gone = {START // DAY * DAY: 1}
    said = code(thinned, ALL)
    assert said[0] == "bundle_partial" and said[1].startswith("partial: 1 positions from 2026-11-23")
    assert code(source, Asked(START + 5 * DAY, START + 6 * DAY))[0] == "nothing_to_bundle"
    monkeypatch.setattr(making, "MOST_PINGS", 3)
    assert code(source, ALL)[0] == "bundle_too_large"


def test_what_retention_took_without_any_difference_is_said_in_the_manifest() -> None:
    source = lived(DRIVE, [yard(1, -HOUR)], [])
    assert bundled(source, 0, HOUR).manifest.partial == ""
    source.gone = {START // DAY * DAY: 7}
    assert bundled(source, 0, HOUR).manifest.partial.startswith("7 positions")


Forge = Callable[[dict[str, bytes]], None]


def forged(change: Forge, tmp_path: Path) -> Path:
    """A bundle whose chain is right, of members that are not."""
    file = tmp_path / "forged.zip"
    members = unpack(make(lived(DRIVE, [yard(1, -HOUR)], NO_SILENCE), ALL).file).contents
    change(members)
    file.write_bytes(pack([members[name] for name in MEMBERS]))
    return file


def replaced(name: str, old: str, new: str) -> Forge:
    def change(members: dict[str, bytes]) -> None:
        assert old.encode() in members[name]
        members[name] = members[name].replace(old.encode(), new.encode(), 1)

    return change


def added(name: str, line: str) -> Forge:
    return lambda members: members.update({name: members[name] + line.encode() + b"\n"})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            replaced("manifest.json", '"version": 1', '"version": 2'),
            "reads bundles of version 1, and it is of version 2",
        ),
        (replaced("manifest.json", "tracker-bundle", "tracker-bungle"), "another kind of file"),
        (replaced("manifest.json", '"events": 2', '"events": 3'), "tells of other events"),
        (replaced("manifest.json", '"messages": 4', '"messages": 3'), "tells of other messages"),
        (replaced("manifest.json", '"event": null', '"event": "nobody"'), "an event that is not there"),
        (replaced("manifest.json", '"ends": "2026', '"ends": "1926'), "not in order"),
        (replaced("manifest.json", '"from": "2026', '"from": "9999'), "manifest.json is not"),
        (added("manifest.json", "{"), "manifest.json is not"),
        (replaced("pings.ndjson", '"lat":', '"lat":9'), "pings.ndjson, line 1, is not"),
        (replaced("pings.ndjson", '"taken":"live"', '"taken":"away"'), "pings.ndjson, line 1, is not"),
        (replaced("pings.ndjson", '"vehicle":"van-1"', '"vehicle":1'), "pings.ndjson, line 1, is not"),
        (replaced("pings.ndjson", '"time":"2026', '"time":"0001'), "pings.ndjson, line 1, is not"),
        (added("pings.ndjson", "[" * 50_000), "pings.ndjson, line 5, is not"),
        (
            added("regions.ndjson", '{"id":"x","version":1,"updated_at":"2026-11-23T09:00:00Z","feature":{"type":1}}'),
            "line 2, is not",
        ),
        (added("deeds.ndjson", "null"), "deeds.ndjson, line 1, is not"),
        (
            replaced("settings.ndjson", '"silence_s":1000000000.0', '"silence_s":"60"'),
            "settings.ndjson, line 1, is not",
        ),
        (added("register.json", "{}"), "register.json is not"),
        (replaced("events.ndjson", '"kind":"enter"', '"kind":7'), "events.ndjson, line 1, is not"),
    ],
)
def test_a_bundle_of_a_stranger_that_no_tracker_wrote_is_refused_with_what_is_wrong(
    change: Forge, says: str, tmp_path: Path
) -> None:
    with pytest.raises(Unreadable, match=r"^forged\.zip: ") as fault:
        verify(forged(change, tmp_path))
    assert says in str(fault.value)
    assert "\n" not in str(fault.value) and not fault.value.usage


def test_an_event_that_does_not_follow_is_named_though_every_byte_is_accounted_for() -> None:
    contents = read(unpack(make(lived(DRIVE, [yard(1, -HOUR)], NO_SILENCE), ALL).file).contents)
    enter, exit = contents.events
    assert (enter.kind, exit.kind) == ("enter", "exit")

    def differs(events: list[Event]) -> str:
        return "\n".join(compare(contents._replace(events=events)).differences)

    assert differs([enter, exit]) == ""
    line = differs([enter])
    assert line.startswith("decided, and not told then: ") and exit.id in line
    line = differs([enter, exit, msgspec.structs.replace(exit, id="made-up")])
    assert line.startswith("not decided again: ") and "made-up" in line
    line = differs([enter, msgspec.structs.replace(exit, lat=1.0)])
    assert line.startswith("decided otherwise (lat): ") and "van-1 exit yard" in line
    moved = [msgspec.structs.replace(one, ping=msgspec.structs.replace(one.ping, lat=3.0)) for one in contents.pings]
    assert len(compare(contents._replace(pings=moved)).differences) == 2
