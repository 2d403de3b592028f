"""Degrees and minutes in one number, as receivers write them: read where a side or a title says so, refused otherwise."""

from __future__ import annotations

import io

import pytest

from tracker.formats import Point, Reading, Skip, Unreadable, csv

HELSINKI = (60.16872333, 24.94648333)


def places(header: str, *rows: str) -> tuple[list[tuple[object, object]], list[str]]:
    reading = Reading("day.csv", "day")
    content = f"time;{header}\n" + "".join(f"{1795424400 + i};{row}\n" for i, row in enumerate(rows))
    outcomes = list(csv.read(io.BytesIO(content.encode()), reading))
    assert not any(isinstance(one, Skip) for one in outcomes)
    positions = [one.position for one in outcomes if isinstance(one, Point) and isinstance(one.position, dict)]
    return [(one.get("lat"), one.get("lon")) for one in positions], reading.notes


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("lat;ns;lon;ew", "6010.1234;N;02456.789;E"),
        ("lat;N/S;lon;E/W", "6010,1234;N;2456,789;E"),
        ("Latitude;;Longitude;", "6010.1234;N;02456.789;E"),
        ("lat;lon", "6010.1234N;02456.789E"),
        ("lat;lon", "N 6010.1234;E 02456.789"),
        ("lat_ddmm;lon_dddmm", "6010.1234;2456.789"),
        ("Latitude (ddmm.mmmm);Longitude (dddmm.mmmm)", "6010.1234;02456.789"),
        ("lat_nmea;lon_nmea", "6010.1234;2456.789"),
    ],
)
def test_degrees_and_minutes_in_one_are_read_where_the_file_says_so(header: str, row: str) -> None:
    [(lat, lon)], notes = places(header, row)
    assert (lat, lon) == pytest.approx(HELSINKI)
    assert any("degrees and minutes in one" in note for note in notes)


def test_south_and_west_and_the_equator_keep_their_sides() -> None:
    rows = ("0033.5;S;07036.0;W", "0000.5;N;00001.5;E", ";;;", "0133.5;S;00036.0;W")
    assert places("lat;ns;lon;ew", *rows)[0] == [
        (pytest.approx(-(33.5 / 60)), -70.6), (pytest.approx(0.5 / 60), 0.025), (None, None), (pytest.approx(-1.558333333), -0.6),
    ]  # fmt: skip
    assert places("lat_ddmm;lon_ddmm", "-3330.0;-7036.0", "-30.0;-36.0")[0] == [(-33.5, -70.6), (-0.5, -0.6)]


@pytest.mark.parametrize("row", ["6010.1234;02456.789", "6010.1234;2456.789", "-3330.1;-07036.2"])
def test_without_a_side_they_are_refused_in_words(row: str) -> None:
    with pytest.raises(Unreadable, match=r"is no latitude in degrees\. If its columns hold degrees and minutes"):
        places("lat;lon", row, row)


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("lat;lon", ["45.2;235.5", "45.3;236.5"], [(45.2, 235.5), (45.3, 236.5)]),  # 0 … 360, for others to judge
        ("lat;ns;lon;ew", ["24.9;N;46.7;E", "2454.1;N;46.7;E"], [(24.9, 46.7), (2454.1, 46.7)]),
        ("lat;ns;lon;ew", ["103.8;N;1.3;E", "103.9;N;1.3;E"], [(103.8, 1.3), (103.9, 1.3)]),
        ("lat;lon", ["6010.1234;24.9"], [(6010.1234, 24.9)]),
        ("lat;ns;lon;ew", ["6075.1234;N;02456.789;E"], [(6075.1234, 2456.789)]),
    ],
)
def test_what_is_no_such_number_is_left_as_it_is(
    header: str, rows: list[str], expected: list[tuple[float, float]]
) -> None:
    assert places(header, *rows)[0] == expected
