from __future__ import annotations

import pytest

from tracker.turns.turned_away import LATELY_MS, MOST_KEPT, MOST_TOLD, TOLD_MS, TurnedAway

POSITIONS = "/api/v1/positions"


def test_the_log_hears_of_an_address_at_once_and_then_once_a_minute_with_how_often() -> None:
    away = TurnedAway()
    first = away.count("10.0.0.5", "POST", POSITIONS, 1000)
    assert first and "10.0.0.5 asked once" in first and f"POST {POSITIONS}" in first
    assert [away.count("10.0.0.5", "POST", POSITIONS, 1000 + n) for n in range(1, 9)] == [None] * 8
    assert "asked once" in str(away.count("10.0.0.6", "GET", "/metrics", 1500)), "another address is another matter"
    assert "asked 9 times" in str(away.count("10.0.0.5", "POST", POSITIONS, 1000 + TOLD_MS))


def test_a_crowd_of_addresses_fills_neither_the_log_nor_the_memory() -> None:
    away = TurnedAway()
    told = [away.count(f"2001:db8::{n:x}", "GET", "/", 1000 + n) for n in range(MOST_KEPT + 100)]
    assert sum(map(bool, told)) == MOST_TOLD
    assert away.times == MOST_KEPT + 100
    assert len(away._kept) == MOST_KEPT
    assert away.count("10.0.0.5", "GET", "/", 2000 + TOLD_MS)


def test_those_of_the_last_hour_are_shown_the_last_first() -> None:
    away = TurnedAway()
    for at, address in enumerate(("early", "a", "b", "a")):
        away.count(address, "POST", POSITIONS, at + 1)
    shown = away.lately(LATELY_MS + 1)
    assert [(one.address, one.times, one.at) for one in shown] == [("a", 2, 4), ("b", 1, 3)]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1/vehicles/van-7/track", "/api/v1/vehicles"),
        ("/ingest/osmand/trk_secret", "/ingest/osmand"),
        ("/api/v1/a\nb", "/api/v1/…"),
        ("/" + "x" * 50, "/…"),
    ],
)
def test_of_a_path_nothing_is_kept_that_could_be_a_secret_or_a_line(path: str, shown: str) -> None:
    away = TurnedAway()
    assert str(away.count("10.0.0.5", "GET", path, 1000)).endswith(f"GET {shown}")
