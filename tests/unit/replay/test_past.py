"""What is stored, lived through again: windows, other rules, and what differs from what was told then."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.support.kept import DAY, DRIVE, HOUR, Kept, fix, yard
from tests.support.scenario import START, box, feature, place
from tracker.commands.cli import cli
from tracker.fleet.fleet import FleetSettings
from tracker.model.commit import APART, StoredPing
from tracker.model.events import Ack, Event
from tracker.model.ping import Ping
from tracker.model.records import Audit
from tracker.replay.canonical import Digest, canonical, facts
from tracker.replay.past.differences import Differences
from tracker.replay.past.dry import dry_run, read_regions_file
from tracker.replay.past.report import FORMATS
from tracker.replay.past.window import Choice, Rules, Window, play, points, shifted

AT_THEIR_MOMENT = Rules(None, None, None)


def again(source: Kept, window: Window | None = None, rules: Rules = AT_THEIR_MOMENT, *patterns: str) -> list[Event]:
    """But for silences."""
    return [one for one in all_again(source, window, rules, *patterns) if one.kind not in ("silent", "heard")]


def all_again(
    source: Kept, window: Window | None = None, rules: Rules = AT_THEIR_MOMENT, *patterns: str
) -> list[Event]:
    told: list[Event] = []
    choice = Choice(source.known, patterns, [])
    play(source, window or Window.around(None, None, None), choice, rules, told.append, lambda _one: None)
    return told


def said(events: list[Event]) -> list[str]:
    return [f"{one.vehicle} {one.kind} {one.reason} {(one.time - START) // 1000}" for one in events]


def test_who_is_inside_when_a_window_begins_does_not_enter_in_it() -> None:
    source = Kept(DRIVE, [yard(1, -HOUR)], [])
    window = START + 9 * HOUR, START + 11 * HOUR
    assert said(again(source, Window.around(*window, DAY))) == ["van-1 exit moved 36060"]
    assert said(again(source, Window.around(*window, 0))) == ["van-1 exit moved 36060"]  # was quiet all the time


def test_a_visit_that_lasts_when_a_window_begins_began_when_it_did() -> None:
    source = Kept([*DRIVE[:2], fix(8 * HOUR, 20), *DRIVE[2:]], [yard(1, -HOUR)], [])
    [exit] = again(source, Window.around(START + 9 * HOUR, START + 11 * HOUR, DAY))
    assert exit.detail["duration_s"] == 10 * 3600


def test_who_was_quiet_is_where_it_was_unless_it_was_removed() -> None:
    source = Kept([*DRIVE[:2], fix(10 * HOUR, 0, n=2)], [yard(1, -HOUR), yard(2, 9 * HOUR, west=5_000)], [])
    window = Window.around(START + 9 * HOUR, None, 0)
    wanted = ["van-1 exit region_changed 32400"]
    assert said(again(source, window)) == wanted
    source.removed = [Audit(START + HOUR, "Ann", "", "vehicle.remove", "van-1")]
    assert said(again(source, window)) == []


def test_what_is_decided_after_a_window_is_told_with_it() -> None:
    """A jump is held until the next message agrees."""
    jump = [fix(0, -9000), fix(1_000, 0), fix(2_000, 1)]
    source = Kept(jump, [yard(1, -HOUR)], [])
    assert said(again(source, Window.around(START, START + 1_500, None))) == ["van-1 enter moved 1"]
    assert again(source, Window.around(START + 1_500, None, None)) == []


def test_regions_change_at_their_moments_or_are_those_of_one() -> None:
    source = Kept(DRIVE, [yard(1, 2 * HOUR), yard(2, 3 * HOUR, west=5_000), yard(3, 4 * HOUR)], [])
    moments = [
        "enter region_created 7200",
        "exit region_changed 10800",
        "enter region_changed 14400",
        "exit moved 36060",
    ]
    assert said(again(source)) == [f"van-1 {one}" for one in moments]
    as_of = [Rules(None, START + hours * HOUR, None) for hours in (1, 2, 3, 4)]
    ever = ["van-1 enter moved 60", "van-1 exit moved 36060"]
    assert [said(again(source, None, rules)) for rules in as_of] == [[], ever, [], ever]
    assert {one.version for one in again(source, None, as_of[1])} == {1}


def test_settings_change_when_the_server_was_started_with_others() -> None:
    slow = [fix(0, 0), fix(10_000, 100), fix(100_000, 200), fix(110_000, 300), fix(200_000, 400)]
    kept = [(START - DAY, FleetSettings(silence_s=60)), (START + 50_000, FleetSettings(silence_s=600))]
    silences = [(60, "silent"), (100, "heard")]

    def of_silence(*kept: tuple[int, FleetSettings], rules: Rules = AT_THEIR_MOMENT) -> list[str]:
        return [one.kind for one in all_again(Kept(slow, [], list(kept)), None, rules)]

    assert of_silence(kept[0]) == ["silent", "heard"] * 2
    assert of_silence(kept[1]) == []
    assert of_silence(kept[0], (START + 105_000, kept[1][1])) == [what for _, what in silences]
    assert of_silence(*kept, rules=Rules(None, START, None)) == ["silent", "heard"] * 2
    assert of_silence(kept[1], rules=Rules(None, None, FleetSettings(silence_s=61))) == ["silent", "heard"] * 2


def test_a_fix_that_was_there_already_counts_for_its_alarm_alone() -> None:
    pressed = [*DRIVE[:2], fix(60_000, 0, late=9_000, taken=APART, alarm="sos"), fix(120_000, 10)]
    assert said(again(Kept(pressed, [yard(1, -HOUR)], []))) == ["van-1 enter moved 60", "van-1 alarm reported 60"]


def test_a_fix_that_was_there_already_of_a_vehicle_that_was_removed_brings_nobody_back() -> None:
    pressed = [*DRIVE[:2], fix(60_000, 0, late=90_000, taken=APART, alarm="sos"), fix(200_000, -900, n=2)]
    source = Kept(pressed, [yard(1, -HOUR), yard(2, 180_000, west=5_000)], [])
    source.removed = [Audit(START + 70_000, "Ann", "", "vehicle.remove", "van-1")]
    wanted = ["van-1 enter moved 60", "van-1 exit vehicle_removed 70", "van-1 alarm reported 60"]
    assert said(again(source)) == wanted


def test_silence_goes_on_from_a_clock_that_was_set_back() -> None:
    back = [fix(0, 0), fix(5_000, 0, n=2), fix(10_000, 100)]
    back += [fix(at, at // 100, late=-HOUR) for at in range(20_000, 400_000, 10_000)]
    assert [(one.vehicle, one.kind) for one in all_again(Kept(back, [], []))] == [("van-2", "silent")]


def test_vehicles_are_chosen_by_name_and_by_group() -> None:
    source = Kept([*DRIVE[:2], fix(61_000, -900, n=2), fix(120_000, 0, n=2)], [yard(1, -HOUR)], [])
    assert said(again(source, None, AT_THEIR_MOMENT, "*-2")) == ["van-2 enter moved 120"]
    assert Choice(source.known, [], ["North"]).numbers == frozenset({2})


def test_into_a_server_messages_go_at_the_time_they_were_received_with_their_own_fix_times() -> None:
    beat = StoredPing(1, Ping("van-1", START + 5_000, 0.0, 0.0), START + 5_100, APART)
    source = Kept([fix(10_000, 5, driver="Ann"), beat, fix(0, -900, late=20_000)], [], [])
    sent = list(points(source, Window.around(None, None, None), Choice(source.known, [], [])))
    assert [one.time - START for one in sent] == [10_300, 20_000]
    lat, lon = place(5, 0)
    item = {"vehicle": "van-1", "time": START + 10_000, "lat": lat, "lon": lon, "speed_mps": 10.0, "driver": "Ann"}
    assert shifted(sent[0], 0) == item
    assert shifted(sent[1], 7)["time"] == START + 7


# -- one hash


def test_an_event_is_hashed_without_what_differs_by_itself() -> None:
    event = again(Kept(DRIVE, [yard(1, -HOUR)], []))[1]
    told = facts(event)
    assert {"seq", "received_at", "delayed", "ack"}.isdisjoint(told)
    assert set(told["why"]) == {"to", "from", "debounce"}
    assert set(told["why"]["to"]) == {"time", "lat", "lon"}
    other = msgspec.structs.replace(event, seq=9, received_at=1, delayed=True, ack=Ack("Ann", 2))
    assert canonical(facts(other)) == canonical(told)
    assert canonical({"b": "ü", "a": [1.5, None]}) == '{"a":[1.5,null],"b":"ü"}'.encode()


def test_the_hash_is_of_the_events_whatever_their_order_and_differs_with_any() -> None:
    events = again(Kept(DRIVE, [yard(1, -HOUR)], []))

    def hashed(told: list[Event]) -> str:
        digest = Digest()
        for one in told:
            digest.add_event(one)
        return digest.hexdigest()

    assert hashed(events) == hashed(events[::-1])
    assert hashed(events) == "f1739bcf56118e228ee72a9cc3efb93917d24e58d9a4f3139bc7e3e6f705ea50"
    assert hashed(events) != hashed(events[:1])


# -- what if


def compared(was: Rules, now: Rules) -> Differences:
    source = Kept(DRIVE, [yard(1, -HOUR), yard(2, DAY, west=-260, rules={"dwell_s": 60})], [])
    return Differences(again(source, None, was), again(source, None, now))


OLD, NEW = Rules(None, START, None), Rules(None, START + 2 * DAY, None)


def test_other_rules_make_events_vanish_appear_and_change() -> None:
    found = [(one.what, one.event.kind, sorted(one.fields)) for one in compared(OLD, NEW).found]
    assert found == [("appeared", "dwell", [])]
    assert [one.what for one in compared(NEW, OLD).found] == ["vanished"]
    assert compared(OLD, OLD).found == []
    assert compared(OLD, NEW).same == 2


def event(id: str, at: int, **more: Any) -> Event:
    return Event(id, more.pop("kind", "enter"), "van-1", START + at, START, "moved", 52.5, 13.4, region="yard", **more)


def test_what_is_left_is_paired_with_the_nearest_in_time() -> None:
    was = [event("a", 0), event("b", 60_000), event("c", 2 * HOUR), event("e", 0, kind="exit")]
    now = [event("x", 55_000), event("y", 70_000, version=7), event("z", 3 * HOUR)]
    found = Differences(was, now).found
    pairs = [(one.what, one.before and one.before.id, one.after and one.after.id) for one in found]
    assert pairs == [
        ("vanished", "e", None),
        ("changed", "b", "x"),
        ("changed", "a", "y"),
        ("vanished", "c", None),
        ("appeared", None, "z"),
    ]
    assert [sorted(one.fields) for one in found[1:3]] == [["time"], ["time"]]


def test_one_id_is_one_event_and_another_version_of_its_region_no_change() -> None:
    differences = Differences([event("a", 0, version=1)], [event("a", 0, version=2)])
    assert (differences.found, differences.same) == ([], 1)


def test_differences_are_told_as_text_ndjson_and_geojson() -> None:
    differences = Differences([event("a", 0), event("b", HOUR)], [event("a", 0, detail={"speed_mps": 4})])
    told: dict[str, str] = {}
    for name, write in FORMATS.items():
        write(differences, out := io.StringIO())
        told[name] = out.getvalue()
    assert told["text"].splitlines()[0] == "0 appeared, 1 vanished, 1 changed; 0 events are as they were"
    assert told["text"].splitlines()[-2:] == [
        "~ 2026-11-23T09:00:00.000Z van-1 enter yard (moved): speed_mps none → 4",
        "- 2026-11-23T10:00:00.000Z van-1 enter yard (moved)",
    ]
    lines = [json.loads(line) for line in told["ndjson"].splitlines()]
    assert [(one["what"], one["region"], one.get("fields")) for one in lines] == [
        ("changed", "yard", ["speed_mps"]),
        ("vanished", "yard", None),
    ]
    shown = json.loads(told["geojson"])["features"]
    assert [one["geometry"]["coordinates"] for one in shown] == [[13.4, 52.5]] * 2
    assert shown[0]["properties"]["before"] == {"speed_mps": None}
    FORMATS["text"](Differences([], []), out := io.StringIO())
    assert out.getvalue() == "no differences: 0 events are as they were\n"


def test_a_region_without_an_id_that_is_called_like_one_of_the_stores_is_that_one(tmp_path: Path) -> None:
    file = tmp_path / "other.geojson"
    drawn = [feature(box(-9, -9, 9, 9), name=name) for name in ("The yard", "Another")]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": drawn}))
    regions = read_regions_file(str(file), Kept(DRIVE, [yard(1, -HOUR)], []))
    assert [one.id for one in regions] == ["yard", "region-2"]


@pytest.mark.parametrize(
    ("tell", "code"),
    [(lambda told: told, 0), (lambda told: told[1:], 1), (lambda told: [*told, event("other", HOUR)], 1)],
)
def test_a_comparison_ends_as_diff_does(
    tell: Callable[[list[Event]], list[Event]], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Kept(DRIVE, [yard(1, -HOUR)], [])
    source.told = tell(all_again(source))
    window, choice = Window.around(None, None, None), Choice(source.known, [], [])
    assert dry_run(source, window, choice, AT_THEIR_MOMENT, None, io.StringIO(), "text") == code
    out, err = capsys.readouterr()
    assert out.startswith("no differences" if code == 0 else ("1 appeared", "0 appeared"))
    assert err.splitlines()[-1].startswith("hash: ")


@pytest.mark.parametrize(("day", "says"), [(-1, True), (-9, False), (1, True), (3, False)])
def test_a_window_of_which_something_is_not_kept_any_more_is_said_to_be_partial(
    day: int, says: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Kept(DRIVE, [yard(1, -HOUR)], [])
    source.gone = {START // DAY * DAY + day * DAY: 1190}
    window, choice = Window.around(START, START + DAY, 7 * DAY), Choice(source.known, [], [])
    dry_run(source, window, choice, AT_THEIR_MOMENT, io.StringIO(), io.StringIO(), None)
    assert ("partial: 1,190 positions from 2026-11-2" in capsys.readouterr().err) == says


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "there is nothing"),
        (["day.csv", "--store", "x"], "there is --store and files"),
        (["--store", "x", "--from-server", "y"], "--store and --from-server"),
        (["day.csv", "--diff"], "for what is stored"),
        (["--store", "x", "--diff", "--format", "csv"], "text, ndjson, geojson"),
        (["--store", "x", "--dry-run", "--zone", "UTC"], "--zone is for files"),
        (["--store", "x", "--regions", "pyproject.toml"], "--dry-run"),
        (["--store", "x", "--warm-up", "ages"], "days, such as 7"),
        (["--store", "nowhere-at-all", "--dry-run"], "no data"),
    ],
)
def test_what_cannot_be_meant_is_said(options: list[str], says: str) -> None:
    done = CliRunner().invoke(cli, ["replay", *options])
    assert done.exit_code != 0
    assert says in f"{done.output} {done.exception}"
