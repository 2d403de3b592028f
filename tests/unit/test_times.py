from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.times import (
    LAST,
    BadTime,
    BadZone,
    NaiveTime,
    named_zone,
    parse_local,
    parse_parameter,
    parse_time,
    rfc3339,
)

NINE = 1_795_424_400_000  # 2026-11-23T09:00:00Z


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(NINE) == "2026-11-23T09:00:00.000Z"
    assert rfc3339(NINE + 7) == "2026-11-23T09:00:00.007Z"
    assert rfc3339(LAST) == "9999-12-31T23:59:59.999Z"


@given(st.integers(0, LAST))
def test_what_is_written_reads_back_the_same(ms: int) -> None:
    assert parse_time(rfc3339(ms)) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-23T09:00:00Z", NINE),
        ("2026-11-23T09:00:00.5Z", NINE + 500),
        ("2026-11-23T09:00:00.123456789Z", NINE + 123),
        ("2026-11-23T11:00:00+02:00", NINE),
        ("2026-11-23T03:30:00-05:30", NINE),
        ("2026-11-23 09:00:00Z", NINE),
        ("2026-11-23t09:00:00z", NINE),
        ("2026-11-23T09:00Z", NINE),  # of a person: no seconds
        ("2026-11-23 11:00+02:00", NINE),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        (1_795_424_400, NINE),
        (1_795_424_400.25, NINE + 250),
        (NINE, NINE),
        (0, 0),
    ],
)
def test_every_way_to_write_one_instant_means_the_same(text: str | int | float, ms: int) -> None:
    assert parse_time(text) == ms


@pytest.mark.parametrize("text", ["2026-11-23T09:00:00", "2026-11-23", "2026-11-23 09:00:00.5", "2026-11-23T09:00"])
def test_a_time_without_a_zone_is_refused_as_such(text: str) -> None:
    with pytest.raises(NaiveTime, match="zone"):
        parse_time(text)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "\ud800",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-11-23T25:00:00Z",
        "2026-11-23T25:00Z",
        "09:00",
        "x" * 10_000,
        1e14,
        10**30,
        -1e20,
        -62_135_596_800_001,  # before the year 1
    ],
)
def test_what_is_no_time_is_refused(value: str | int | float) -> None:
    with pytest.raises(BadTime):
        parse_time(value)


@pytest.mark.parametrize("text", ["1795424400", "1795424400000", "2026-11-23T09:00:00Z", " 2026-11-23T09:00:00Z "])
def test_a_parameter_may_be_a_number_or_a_text(text: str) -> None:
    assert parse_parameter(text) == NINE


def test_a_plus_that_became_a_space_on_its_way_is_still_an_offset() -> None:
    assert parse_parameter("2026-11-23T11:00:00 02:00") == NINE
    assert parse_parameter("2026-11-23T11:00 02:00") == NINE


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e15", "", "soon", "1_000", "٣"])
def test_a_parameter_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadTime):
        parse_parameter(text)


@pytest.mark.parametrize(
    "text, meant",
    [
        ("2026-11-23", "2026-11-22T22:00:00.000Z"),
        ("2026-07-01T09:30", "2026-07-01T06:30:00.000Z"),
        ("2026-03-29T03:30", "2026-03-29T01:30:00.000Z"),  # left out by the clock
    ],
)
def test_a_time_without_a_zone_is_meant_where_its_reader_lives(text: str, meant: str) -> None:
    assert rfc3339(parse_local(text, ZoneInfo("Europe/Helsinki"))) == meant


@pytest.mark.parametrize("text", ["2026-02-30", "noon", "2026-11-23T25:00", "0001-01-01"])
def test_what_is_no_time_of_any_zone_is_refused(text: str) -> None:
    with pytest.raises(BadTime):
        parse_local(text, ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Kathmandu", "UTC", "Etc/GMT+5", "America/Argentina/Ushuaia"])
def test_a_zone_is_what_it_is_called_everywhere(name: str) -> None:
    assert named_zone(name).key == name


@pytest.mark.parametrize(
    "name",
    ["Mars", "", "Europe", "../etc/passwd", "/etc/localtime", "Europe/../UTC", "x\0", "+02:00", "\ud800", 5, None],
)
def test_what_names_no_zone_is_refused(name: object) -> None:
    with pytest.raises(BadZone):
        named_zone(name)


@pytest.mark.parametrize(
    "name", ["localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/UTC", "zone.tab", "a" * 5000]
)
def test_no_file_of_one_system_is_a_zone(name: object) -> None:
    with pytest.raises(BadZone) as refused:
        named_zone(name)
    assert len(str(refused.value)) < 150
