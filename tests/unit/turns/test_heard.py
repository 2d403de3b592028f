from __future__ import annotations

import pytest

from tracker.model.ping import Ping
from tracker.turns import heard
from tracker.turns.heard import Heard, LastHeard


def said(at: int, ping: Ping | None = None) -> Heard:
    return Heard(at, "192.0.2.7", "https", "owntracks", ping=ping)


def test_what_was_said_last_and_the_last_position_are_kept_apart() -> None:
    last = LastHeard()
    assert last.last("t") is None
    there = said(1, Ping("van", 1, 60.0, 24.0))
    last.keep_heard("t", there)
    last.keep_heard("t", said(2))
    assert (last.last("t"), last.taken("t")) == (said(2), there)


def test_whoever_was_longest_quiet_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "MOST", 2)
    last = LastHeard()
    for token, at in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        last.keep_heard(token, said(at))
    assert [last.last(token) for token in "abc"] == [said(3), None, said(4)]
