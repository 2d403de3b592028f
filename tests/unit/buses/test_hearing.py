from __future__ import annotations

import pytest

from tracker.buses import Gap, frames
from tracker.buses.frames import BEAT, BYE, CHANGE, pack
from tracker.buses.hearing import EVERY_MS, SILENT_MS, Hearing
from tracker.model.change import Change

ME, EVE, BOB = b"me______", b"eve_____", b"bob_____"


def change(name: str) -> bytes:
    return frames.encode(Change(removed=[name]))


class Ear:
    """A Hearing and what came of it."""

    def __init__(self, now: int = 0) -> None:
        self.hearing = Hearing(ME, now)
        self.now = now

    def take(self, *messages: bytes) -> list[str | Gap]:
        took = [what for one in messages for what, _ in self.hearing.take_frame(one, self.now)]
        return [what if isinstance(what, Gap) else what.removed[0] for what in took]

    def say(self, *seqs: int, node: bytes = EVE) -> list[str | Gap]:
        return self.take(*(pack(CHANGE, node, seq, body=change(str(seq))) for seq in seqs))


def test_what_others_say_is_heard_in_order() -> None:
    ear = Ear()
    assert ear.say(1, 2, 3) == ["1", "2", "3"]
    assert ear.say(1, node=BOB) == ["1"]
    assert (ear.hearing.heard, ear.hearing.gaps, ear.hearing.nodes) == (4, 0, 2)


def test_this_nodes_own_is_not_heard_again() -> None:
    ear = Ear()
    assert ear.say(1, 2, node=ME) == []
    assert ear.hearing.nodes == 0


def test_a_repeat_is_not_heard_again() -> None:
    assert Ear().say(1, 2, 2, 1) == ["1", "2"]


def test_what_is_missing_is_told_before_what_follows() -> None:
    ear = Ear()
    ear.say(1)
    ear.now = 300
    assert ear.say(3, 4) == [Gap(300), "3", "4"]
    assert ear.hearing.gaps == 1


def test_a_node_that_said_something_before_it_was_heard_was_missed_since_this_one_began() -> None:
    ear = Ear(now=500)
    ear.now = 900
    assert ear.say(7) == [Gap(400), "7"]


def test_a_beat_tells_that_nothing_is_missing_or_that_the_last_is() -> None:
    ear = Ear()
    assert ear.take(pack(BEAT, EVE, 0)) == []
    ear.say(1, 2)
    ear.now = 700
    assert ear.take(pack(BEAT, EVE, 2), pack(BEAT, EVE, 1)) == []
    ear.now = 2000
    assert ear.take(pack(BEAT, EVE, 3)) == [Gap(1300)]
    assert ear.say(4) == ["4"]


def test_gaps_are_told_once_a_second_and_then_for_all_of_it() -> None:
    ear = Ear()
    ear.say(1)
    ear.say(1, node=BOB)
    ear.now = 5000
    assert ear.say(3) == [Gap(5000), "3"]
    ear.now = 5100
    assert ear.say(5) == ["5"]
    assert ear.say(3, node=BOB) == ["3"]
    assert list(ear.hearing.tick(ear.now)) == []
    ear.now = 5000 + EVERY_MS
    assert list(ear.hearing.tick(ear.now)) == [Gap(ear.now)]
    assert list(ear.hearing.tick(ear.now + EVERY_MS)) == []


def test_a_change_in_parts_is_heard_when_the_last_is_there() -> None:
    ear = Ear()
    body = change("x" * 100)
    parts = list(frames.split(body, frames.HEAD + 40, EVE, 0))
    assert len(parts) == 3
    assert ear.take(*parts[:2]) == []
    assert ear.take(*parts[2:]) == ["x" * 100]
    assert ear.say(4) == ["4"]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_change_of_which_a_part_is_lost_is_missing_whole(lost: int) -> None:
    ear = Ear()
    ear.say(1)
    parts = list(frames.split(change("x" * 100), frames.HEAD + 40, EVE, 1))
    assert ear.take(*parts[:lost], *parts[lost + 1 :], pack(BEAT, EVE, 4)) == [Gap(0)]
    assert ear.say(5) == ["5"]


def test_a_node_that_falls_silent_may_have_said_something_with_its_last_breath() -> None:
    ear = Ear()
    ear.say(1)
    assert list(ear.hearing.tick(SILENT_MS)) == []
    assert list(ear.hearing.tick(SILENT_MS + 1)) == [Gap(SILENT_MS + 1)]
    assert ear.hearing.nodes == 0


def test_a_node_that_took_its_leave_is_not_missed() -> None:
    ear = Ear()
    ear.say(1)
    assert ear.take(pack(BYE, EVE, 1)) == []
    assert list(ear.hearing.tick(10 * SILENT_MS)) == []
    assert ear.hearing.nodes == 0


def test_a_leave_tells_what_is_missing_before_it() -> None:
    ear = Ear()
    ear.say(1)
    assert ear.take(pack(BYE, EVE, 2)) == [Gap(0)]


def test_a_new_line_is_a_gap_since_the_old_one_was_good() -> None:
    ear = Ear()
    ear.say(1)
    assert list(ear.hearing.begin_line(now=60_000, since=50_000)) == [Gap(10_000)]
    assert list(ear.hearing.tick(60_000 + SILENT_MS)) == []  # nobody was silent while we did not listen
    assert list(ear.hearing.tick(60_001 + SILENT_MS)) == [Gap(60_001 + SILENT_MS)]


def test_a_newer_version_is_read_from_the_store_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    newer = bytearray(pack(CHANGE, EVE, 1, body=change("1")))
    newer[2] = frames.VERSION + 1
    assert ear.take(bytes(newer)) == [Gap(0)]
    newer[19] += 1  # seq 2
    ear.now = EVERY_MS
    assert ear.take(bytes(newer)) == [Gap(EVERY_MS)]
    assert ear.say(3) == ["3"]
    assert [record.getMessage() for record in caplog.records] == [
        "another node speaks version 2 of the bus and this one 1: what it says is read from the store, which is slower; "
        "bring all nodes to one version"
    ]


def test_what_cannot_be_read_is_a_gap_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    assert ear.take(pack(CHANGE, EVE, 1, body=b"\xc1"), pack(CHANGE, EVE, 2, body=b"\x01")) == [Gap(0)]
    assert len(caplog.records) == 1
    assert ear.say(3) == ["3"]


def test_what_is_none_of_ours_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    assert Ear().take(b"hello", b"hello") == []
    assert "none of ours" in caplog.text
    assert len(caplog.records) == 1
