from __future__ import annotations

import pytest

from tracker.access.guessing import ADDRESS, MOST_KEPT, USER, Guessing


def wrong(guessing: Guessing, times: int, user: str = "ana", address: str = "10.0.0.1", now: int = 0) -> None:
    for _ in range(times):
        guessing.count(user, address, now)


def test_two_wrong_passwords_cost_nothing() -> None:
    guessing = Guessing()
    wrong(guessing, 2)
    assert guessing.wait_ms("ana", "10.0.0.1", 0) == 0


@pytest.mark.parametrize("times", [5, 50, 5000])
def test_however_often_a_name_is_guessed_its_owner_waits_five_seconds_at_most(times: int) -> None:
    guessing = Guessing()
    for n in range(times):
        guessing.count("ana", f"10.{n // 256}.{n % 256}.1", 0)
    assert 0 < guessing.wait_ms("ana", "192.0.2.9", 0) <= 5000
    assert guessing.wait_ms("ana", "192.0.2.9", 5000) == 0


def test_a_crowd_that_guesses_without_end_keeps_nobody_out_where_they_have_signed_in_before() -> None:
    guessing = Guessing()
    for home in ("192.0.2.9", "2001:db8:1:2::9"):
        guessing.count("ana", home, 0)
        guessing.right("ana", home)
    for n in range(5000):
        guessing.count("Ana", f"10.{n // 256}.{n % 256}.1", n)
        assert guessing.wait_ms("ana", "192.0.2.9", n) == 0
    assert guessing.wait_ms("ana", "2001:db8:1:2:ff::1", 5000) == 0, "another address of the same house"
    assert guessing.wait_ms("ana", "198.51.100.1", 5000) > 0, "everywhere else she waits as everybody does"
    for _ in range(5):
        guessing.count("ana", "192.0.2.9", 5000)
    assert 0 < guessing.wait_ms("ana", "192.0.2.9", 5000) <= 5000, "who guesses from her own house waits too"


def test_the_addresses_of_one_house_are_one() -> None:
    guessing = Guessing()
    for n in range(20):
        guessing.count(f"user{n}", f"2001:db8:7:1::{n:x}", 0)
    assert guessing.wait_ms("somebody", "2001:db8:7:1:abcd::1", 0) > 5000
    assert guessing.wait_ms("somebody", "2001:db8:7:2::1", 0) == 0, "the neighbours do not wait yet"
    for n in range(20):
        guessing.count(f"user{n}", f"::ffff:10.9.0.{n % 2}", 0)
    assert guessing.wait_ms("somebody", "10.9.0.1", 0) == guessing.wait_ms("somebody", "::ffff:10.9.0.1", 0)


def test_a_try_that_was_not_heard_is_taken_back() -> None:
    guessing = Guessing()
    for n in range(1000):
        guessing.count("ana", "10.0.0.1", n)
        guessing.take_back("ana", "10.0.0.1")
    assert guessing.wait_ms("ana", "10.0.0.1", 1000) == 0


def test_a_name_is_the_same_in_capitals() -> None:
    guessing = Guessing()
    wrong(guessing, 5, "ANA")
    assert guessing.wait_ms("ana", "192.0.2.9", 0) > 0


def test_one_address_that_tries_many_names_waits() -> None:
    guessing = Guessing()
    for n in range(20):
        guessing.count(f"user{n}", "10.0.0.1", 0)
    assert guessing.wait_ms("somebody", "10.0.0.1", 0) > 5000
    assert guessing.wait_ms("somebody", "192.0.2.9", 0) == 0


@pytest.mark.parametrize(
    ("tried", "next_one", "stranger"),
    [
        ("10.0.0.{}", "10.0.0.250", "10.0.1.1"),
        ("2001:db8:7::{}", "2001:db8:7:ff::1", "2001:db8:8::1"),
        ("::ffff:10.0.0.{}", "10.0.0.250", "10.0.1.1"),
    ],
)
def test_the_neighbours_of_those_who_guess_wait_and_others_do_not(tried: str, next_one: str, stranger: str) -> None:
    guessing = Guessing()
    for n in range(100):
        guessing.count(f"user{n}", tried.format(n), 0)
    assert guessing.wait_ms("ana", next_one, 0) > 0
    assert guessing.wait_ms("ana", stranger, 0) == 0


def test_the_right_password_frees_the_name_and_not_the_address() -> None:
    guessing = Guessing()
    wrong(guessing, 15)
    guessing.right("ana", "10.0.0.1")
    assert guessing.wait_ms("ana", "192.0.2.9", 0) == 0
    assert guessing.wait_ms("ana", "10.0.0.1", 0) > 0
    guessing.right("nobody", "192.0.2.9")


def test_right_passwords_cost_nothing_however_many() -> None:
    guessing = Guessing()
    for n in range(200):
        guessing.count(f"user{n}", "10.0.0.1", 0)
        guessing.right(f"user{n}", "10.0.0.1")
    assert guessing.wait_ms("somebody", "10.0.0.1", 0) == 0


def test_what_was_wrong_is_forgotten_after_a_while() -> None:
    guessing = Guessing()
    wrong(guessing, 30)
    assert guessing.wait_ms("ana", "10.0.0.1", ADDRESS.forget_ms + 1) == 0
    wrong(guessing, 1, now=USER.forget_ms + 1)
    assert guessing.wait_ms("ana", "192.0.2.9", USER.forget_ms + 1) == 0, "it counts from the start again"


def test_invented_names_fill_no_memory() -> None:
    guessing = Guessing()
    for n in range(MOST_KEPT // 2 + 100):
        guessing.count(f"user{n}", f"address {n}", 0)
        guessing.know(f"user{n}", f"address {n}")
        guessing.know(f"user{n}", f"elsewhere {n}")
    assert len(guessing._counts) <= MOST_KEPT
    assert len(guessing._places) <= MOST_KEPT
