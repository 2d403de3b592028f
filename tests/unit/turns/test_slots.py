"""Slots: who gets a connection, and who gives one up for it."""

from __future__ import annotations

import pytest

from tracker.turns.slots import Slots, peer_of


def full_of(peer: str, most: int = 50) -> Slots[str]:
    """One peer has opened as many as it can, a minute ago; none was answered yet."""
    slots: Slots[str] = Slots(most)
    for number in range(slots.share):
        assert slots.enter(f"{peer}-{number}", peer, 0) is None
        slots.busy(f"{peer}-{number}")
    return slots


def test_one_peer_cannot_hold_every_slot() -> None:
    slots = full_of("a")
    assert slots.share == 45
    assert slots.enter("one more", "a", 60) == "one more"
    for number in range(5):
        assert slots.enter(f"b-{number}", "b", 60) is None
    assert slots.enter("b-5", "b", 60) == "b-5", "all slots are used by requests under way"
    assert slots.statistics() == (50, 5, 50, 2, 0)


def test_the_connection_of_the_peer_that_idled_longest_gives_way() -> None:
    slots = full_of("a")
    slots.idle("a-7", 10)
    slots.idle("a-3", 11)
    assert slots.enter("more", "a", 60) == "a-7"
    assert slots.enter("and more", "a", 60) == "a-3"
    assert slots.statistics() == (45, 2, 47, 0, 2)


def test_when_all_slots_are_used_an_idle_one_of_anybody_gives_way() -> None:
    slots = full_of("a")
    for number in range(5):
        slots.enter(f"b-{number}", "b", 0)
        slots.busy(f"b-{number}")
    slots.idle("a-1", 5)
    assert slots.enter("c", "c", 60) == "a-1"
    assert slots.enter("d", "d", 62) == "c", "which had asked nothing"


def test_one_that_has_asked_nothing_yet_is_given_a_second() -> None:
    slots: Slots[str] = Slots(10)
    for number in range(9):
        slots.enter(str(number), "a", 100)
    assert slots.enter("new", "a", 100.5) == "new"
    assert slots.enter("new", "a", 101.5) == "0"


def test_one_that_was_answered_gives_way_before_one_that_has_asked_nothing() -> None:
    slots: Slots[str] = Slots(10)
    for number in range(9):
        slots.enter(str(number), "a", 0)
    slots.busy("8")
    slots.idle("8", 50)
    assert slots.enter("new", "a", 60) == "8"


def test_a_request_under_way_never_gives_way() -> None:
    slots = full_of("a")
    slots.idle("a-1", 10)
    slots.busy("a-1")
    assert slots.enter("more", "a", 60) == "more"


def test_a_slot_is_free_once_left_and_only_once() -> None:
    slots = full_of("a")
    slots.leave_slot("a-1")
    slots.leave_slot("a-1")
    assert slots.enter("a-1", "a", 60) is None
    assert slots.enter("more", "a", 60) == "more"
    for number in range(45):
        slots.leave_slot(f"a-{number}")
    assert slots.statistics()[:2] == (0, 0)
    slots.idle("a-1", 60)  # one that gave way while its answer was written
    assert slots.statistics()[:2] == (0, 0)


def test_the_log_hears_once_a_minute_whom_it_is_about() -> None:
    slots = full_of("a")
    assert slots.complaint(0) is None
    slots.idle("a-1", 0)
    for number in range(3):
        slots.enter(f"more-{number}", "a", 1.0)
    told = slots.complaint(1.0)
    assert told is not None
    assert "2 refused, 1 idle ones closed" in told
    assert "45 of 50" in told
    assert "45 of them from a" in told
    slots.enter("again", "a", 1.5)
    assert slots.complaint(60) is None
    told = slots.complaint(61)
    assert told is not None
    assert "1 refused" in told or "1 idle" in told
    assert slots.complaint(200) is None, "nothing happened since"


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("127.0.0.2", "127.0.0.2"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_peer_is_an_address_or_a_network_that_one_machine_owns(address: str, peer: str) -> None:
    assert peer_of(address) == peer


def test_a_proxy_s_connection_counts_for_whoever_it_asks_for_until_it_idles() -> None:
    slots: Slots[str] = Slots(20)
    for number in range(18):
        assert slots.enter(f"p-{number}", "proxy", 0) is None
        slots.busy(f"p-{number}")
        assert slots.ask_for(f"p-{number}", "203.0.113.7")
    assert slots.enter("p-18", "proxy", 0) is None, "the proxy itself holds none of them"
    slots.busy("p-18")
    assert not slots.ask_for("p-18", "203.0.113.7"), "who has a share already"
    assert slots.ask_for("p-18", "203.0.113.8")
    slots.idle("p-0", 1)
    slots.idle("p-18", 1)
    assert slots.enter("p-19", "proxy", 2) is None
    slots.busy("p-19")
    assert slots.ask_for("p-19", "203.0.113.7"), "a slot is free that idles"
    for number in range(20):
        slots.leave_slot(f"p-{number}")
    assert slots.statistics()[:2] == (0, 0)
    assert (slots._held, slots._idle_of, slots._lent) == ({}, {}, {}), "nothing is kept of who left"


def test_a_connection_that_has_gone_asks_for_nobody() -> None:
    slots: Slots[str] = Slots(20)
    assert slots.ask_for("gone", "203.0.113.7")
    slots.enter("p", "proxy", 0)
    slots.busy("p")
    slots.ask_for("p", "203.0.113.7")
    slots.leave_slot("p")
    slots.idle("p", 1)
    assert slots.statistics()[:2] == (0, 0)
