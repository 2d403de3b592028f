"""Whom a commit waits for: company that is about to come, and never for long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracker.pipeline.company import GATHER_S, Company


def test_who_comes_alone_never_waits() -> None:
    company = Company()
    assert company.wait_s(1, 0.0) == 0
    for now in (0.0, 0.001, 0.002, 60.0):  # each as soon as the last was answered
        assert company.wait_s(1, now) == 0
        company.begin(1, now)
        company.end(0)


def test_those_who_were_answered_are_expected_back_and_nobody_else() -> None:
    company = Company()
    company.begin(3, 0.0)
    company.end(0)
    assert company.wait_s(2, 0.001) == GATHER_S - 0.001
    assert company.wait_s(3, 0.001) == 0


def test_who_came_during_a_commit_is_expected_beside_those_it_answered() -> None:
    company = Company()
    company.begin(1, 0.0)
    company.end(1)
    assert company.wait_s(1, 0.001) == GATHER_S - 0.001
    assert company.wait_s(2, 0.001) == 0


def test_nobody_waits_where_the_last_commit_took_long_or_is_long_ago() -> None:
    company = Company()
    company.begin(9, 0.0)
    company.end(9)
    assert company.wait_s(1, GATHER_S) == 0
    assert company.wait_s(1, 3600.0) == 0


def test_who_stays_away_is_waited_for_once() -> None:
    company = Company()
    company.begin(2, 0.0)
    company.end(0)
    assert company.wait_s(1, 0.001) > 0
    company.begin(1, GATHER_S)
    company.end(0)
    assert company.wait_s(1, GATHER_S + 0.001) == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.integers(1, 50), st.floats(0, 0.02)), max_size=20))
def test_nobody_waits_longer_than_it_is_said(commits: list[tuple[int, int, int, float]]) -> None:
    company, now = Company(), 0.0
    for taken, waiting, here, took in commits:
        company.begin(taken, now)
        company.end(waiting)
        wait_s = company.wait_s(here, now + took)
        assert 0 <= wait_s <= max(0.0, GATHER_S - took) + 1e-9
        assert company.wait_s(here, now + took + wait_s + 1e-9) == 0
        assert company.wait_s(taken + waiting, now + took) == 0
        now += took + wait_s
