"""Which reports are due, and which of them go."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tracker.reports.days import DAILY, WEEKLY, due, surplus

UTC_ZONE, HELSINKI = ZoneInfo("UTC"), ZoneInfo("Europe/Helsinki")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def names(*arguments: object) -> list[str]:
    return [one.file for one in due(*arguments)]  # type: ignore[arg-type]


def test_the_day_that_ended_is_due_some_minutes_after_midnight_of_the_zone() -> None:
    assert names([DAILY], [], at("2026-11-26T00:09:59+02:00"), HELSINKI, 9) == ["daily-2026-11-24.html"]
    [one] = due([DAILY], [], at("2026-11-26T00:10:00+02:00"), HELSINKI, 9)
    assert one.file == "daily-2026-11-25.html"
    assert (one.since, one.until) == (at("2026-11-25T00:00:00+02:00"), at("2026-11-26T00:00:00+02:00"))


def test_weeks_begin_on_monday() -> None:
    [one] = due([WEEKLY], [], at("2026-11-26T12:00:00+00:00"), UTC_ZONE, 9)
    assert (one.file, one.since) == ("weekly-2026-11-16.html", at("2026-11-16T00:00:00+00:00"))
    assert one.until == at("2026-11-23T00:00:00+00:00")
    assert names([WEEKLY], [one.file], at("2026-11-30T00:10:00+00:00"), UTC_ZONE, 9) == ["weekly-2026-11-23.html"]


def test_a_day_may_have_23_and_25_hours() -> None:
    hours = []
    for day in ("2026-03-30", "2026-10-26"):
        [one] = due([DAILY], [], at(f"{day}T12:00:00+00:00"), HELSINKI, 9)
        hours.append((one.until - one.since) / 3_600_000)
    assert hours == [23, 25]


def test_after_a_stop_the_days_that_were_missed_are_made_up_for_as_many_as_are_kept() -> None:
    there = ["daily-2026-11-20.html", "notes.txt", "daily-2026-99-99.html"]
    missed = [f"daily-2026-11-{day}.html" for day in (21, 22, 23, 24, 25)]
    assert names([DAILY], there, at("2026-11-26T12:00:00+00:00"), UTC_ZONE, 9) == missed
    assert names([DAILY], there, at("2026-11-26T12:00:00+00:00"), UTC_ZONE, 2) == missed[-2:]


def test_what_is_there_is_not_made_again_and_what_was_deleted_stays_deleted() -> None:
    there = ["daily-2026-11-25.html", "daily-2026-11-22.html"]
    assert (
        names([DAILY, WEEKLY], [*there, "weekly-2026-11-16.html"], at("2026-11-26T12:00:00+00:00"), UTC_ZONE, 9) == []
    )


def test_a_clock_that_was_set_back_makes_nothing_anew() -> None:
    assert names([DAILY], ["daily-2026-12-24.html"], at("2026-11-26T12:00:00+00:00"), UTC_ZONE, 9) == []


def test_the_oldest_of_each_kind_go_and_nothing_that_is_not_ours() -> None:
    files = [*(f"daily-2026-11-{day}.html" for day in (20, 21, 22)), "weekly-2026-11-02.html", "a.html"]
    files += ["daily-2026-11-19.html.bak", "weekly-2026-11-09.html"]
    assert sorted(surplus(files, 1)) == ["daily-2026-11-20.html", "daily-2026-11-21.html", "weekly-2026-11-02.html"]
