from __future__ import annotations

from pathlib import Path

from tests.support.scenario import START, Town, box
from tracker.live.messages import event as outside
from tracker.model.events import KINDS, event_id
from tracker.regions.region import NOTIFY

DOCS = Path(__file__).parents[3] / "docs"


def test_an_id_is_26_letters_of_base32() -> None:
    id = event_id("enter", "van-7", "depot", START)
    assert len(id) == 26
    assert set(id) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_an_id_is_the_same_on_every_machine() -> None:
    assert event_id("enter", "van-7", "depot", 1_795_424_410_000) == "23bnq64raybs44tb4ttir37nh4"


def test_every_part_of_the_cause_counts() -> None:
    ids = {
        event_id("enter", "van-7", "depot", 1),
        event_id("exit", "van-7", "depot", 1),
        event_id("enter", "van-8", "depot", 1),
        event_id("enter", "van-7", "depot2", 1),
        event_id("enter", "van-7", None, 1),
        event_id("enter", "van-7", "depot", 2),
    }
    assert len(ids) == 6


def test_every_kind_is_documented() -> None:
    text = (DOCS / "events.md").read_text()
    for kind, meaning in KINDS.items():
        assert f"`{kind}`" in text, f"docs/events.md does not tell of {kind}: {meaning}"


def test_what_is_raised_by_default_is_a_kind() -> None:
    assert set(NOTIFY) <= set(KINDS)


def test_an_event_explains_itself() -> None:
    town = Town().region("depot", box(0, 0, 400, 300))
    town.drive("van-7").at(-14, 100, accuracy_m=8).at(22, 100, accuracy_m=8)
    [event] = town.events
    assert event.version == 1
    why = event.detail["why"]
    assert (why["from"]["edge_m"], why["to"]["edge_m"]) == (14.0, -22.0)
    assert (why["from"]["time"], why["to"]["time"]) == (START + 10_000, START + 20_000)
    assert (why["to"]["accuracy_m"], why["enter_m"], why["exit_m"], why["debounce"]) == (8, -8.0, 20.0, "accuracy")


def test_an_event_is_told_outside_in_the_times_of_outside() -> None:
    town = Town().region("depot", box(0, 0, 400, 300))
    town.drive("van-7").at(200, 100).at(500, 100)
    told = outside(town.events[-1])
    assert told["kind"] == "exit"
    assert told["entered_at"] == "2026-11-23T09:00:10.000Z"
    assert told["why"]["to"]["time"] == "2026-11-23T09:00:20.000Z"
