from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracker.protocols.lines import MAX_LINES, Lines


def cut(pieces: list[bytes], max_line: int = 20) -> list[bytes | None]:
    """Every line that is not empty; None for one that is too long."""
    lines = Lines(max_line)
    runs = [run for piece in pieces for run in lines.feed(piece)] + list(lines.finish())
    found: list[bytes | None] = []
    for run in runs:
        found += [None] if run is None else [line for line in run.split(b"\n") if line]
    return found


@given(st.lists(st.sampled_from([b"a", b"bb", b"c" * 20, b"d" * 21, b"e" * 50, b""])), st.data())
def test_lines_are_the_same_however_they_arrive(texts: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(texts)
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    assert cut(pieces) == [None if len(text) > 20 else text for text in texts if text]


def test_a_run_has_at_most_a_thousand_lines() -> None:
    runs = list(Lines(1000).feed(b"x\n" * 2500))
    assert [run.count(b"x") for run in runs if run] == [MAX_LINES, MAX_LINES, 500]
