"""A track as a file: nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest

from tracker.formats.own import COLUMNS
from tracker.history.writers import FORMATS
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n@a"])
def test_no_text_of_a_csv_is_a_formula(text: str) -> None:
    writer = FORMATS["csv"][1]("x")
    written = writer.begin() + writer.write(StoredPing(1, Ping(text, 0, -33.5, -70.6, driver=text, alarm=text), 0))
    [row] = csv.DictReader(io.StringIO(written.decode(), newline=""))
    assert tuple(row) == COLUMNS
    assert [row[name] for name in ("vehicle", "driver", "alarm")] == ["'" + text] * 3
    assert (row["lat"], row["lon"]) == ("-33.5", "-70.6"), "numbers stay numbers"


def test_a_text_that_is_none_stays_as_it_is() -> None:
    writer = FORMATS["csv"][1]("x")
    written = writer.begin() + writer.write(StoredPing(1, Ping("van-7", 0, 1.0, 2.0, driver="Ada - 2"), 0))
    [row] = csv.DictReader(io.StringIO(written.decode()))
    assert (row["vehicle"], row["driver"], row["alarm"]) == ("van-7", "Ada - 2", "")
