"""What clients send stands in the log as what it is, and never as a line of its own."""

from __future__ import annotations

import logging
import sys

import pytest

from tracker.web.server.log_lines import Lines


def line(message: str, *args: object, fault: bool = False) -> str:
    record = logging.LogRecord("tracker", logging.WARNING, "x.py", 1, message, args, sys.exc_info() if fault else None)
    record.created = 1_790_000_000.007
    return Lines().format(record)


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "\x1b[2J", "a\x9b31m", "a\u2028b", "a\u202eb", "a\x00b", "a\x7f", "a\x08", "a\ud800"]
)
def test_nothing_that_a_client_sends_ends_a_line_or_moves_a_cursor(text: str) -> None:
    written = line("a wrong password for %s", text)
    assert written.isprintable()
    assert "\\" in written


def test_a_line_says_when_in_utc_how_bad_who_and_what() -> None:
    assert line("Überholspur: %s", "Zürich") == "2026-09-21T14:13:20.007Z WARNING tracker Überholspur: Zürich"


def test_the_lines_of_a_fault_are_set_in_so_that_none_looks_like_an_entry() -> None:
    try:
        raise ValueError("x\n2026-01-01T00:00:00.000Z INFO tracker all is well\x1b[2J")
    except ValueError:
        first, *more = line("a request failed", fault=True).split("\n")
    assert first.endswith("a request failed")
    assert len(more) > 2
    assert all(one.startswith("    ") and one.isprintable() for one in more)
