"""What a ping, a frame and a viewer cost in calls, blocks, statements, syncs and bytes: no more than is committed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.guard.committed import HERE, WRITE, fallen, grown, read_figures, write_figures
from tests.guard.works import WORKS

FIGURES = {"Python calls a ping": 20.0, "blocks kept a ping": 0.5, "syncs a body": 1.0}


def compiled() -> list[str]:
    """Modules of ours that are not Python any more, whose calls nobody hears."""
    ours = (module for name, module in sys.modules.items() if name.startswith("tracker."))
    return [str(module.__file__) for module in ours if not (module.__file__ or ".py").endswith(".py")]


@pytest.mark.parametrize("work", WORKS)
async def test_nothing_costs_a_tenth_more_than_what_is_committed(
    work: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = read_figures()
    if figures is None:
        pytest.skip(f"no counts of Python {HERE} are committed: {WRITE} writes them")
    if compiled():
        pytest.skip(f"compiled, so that calls cannot be counted: {compiled()[0]}")
    counts = await WORKS[work](tmp_path)
    committed = figures.get(work, {})
    for said in fallen(counts, committed):
        with capsys.disabled():
            print(f"\n{work} has become cheaper. {said}. Hold it there: {WRITE}, and commit the file.")
    more = grown(counts, committed)
    assert not more, f"{work} costs more than it did:\n  " + "\n  ".join(more) + f"\nWhere that is worth it: {WRITE}."


def test_a_tenth_more_has_grown_and_a_tenth_less_has_fallen() -> None:
    assert not grown({**FIGURES, "Python calls a ping": 22.0}, FIGURES)
    assert grown({**FIGURES, "Python calls a ping": 22.4}, FIGURES) == [
        "Python calls a ping: 22.40, and 20.00 is committed (+12%)"
    ]
    assert grown({**FIGURES, "syncs a body": 2.0}, FIGURES) == ["syncs a body: 2.00, and 1.00 is committed (+100%)"]
    assert not fallen({**FIGURES, "Python calls a ping": 18.0}, FIGURES)
    assert len(fallen({**FIGURES, "Python calls a ping": 17.9}, FIGURES)) == 1


def test_two_blocks_more_or_less_are_none() -> None:
    assert not grown({**FIGURES, "blocks kept a ping": 2.5}, FIGURES)
    assert grown({**FIGURES, "blocks kept a ping": 2.6}, FIGURES)


def test_what_is_counted_has_a_figure_and_what_has_one_is_counted() -> None:
    assert grown({"frames": 1.0}, {}) == ["frames: 1.00, of which there is no figure"]
    assert grown({}, {"frames": 1.0}) == ["frames: not counted any more"]


def test_figures_of_other_versions_stay(tmp_path: Path) -> None:
    file = tmp_path / "counts.toml"
    write_figures({"one ping": {"C calls": 2.5}}, "3.11", file)
    write_figures({"one ping": {"C calls": 3.0}}, "3.13", file)
    assert read_figures("3.11", file) == {"one ping": {"C calls": 2.5}}
    assert read_figures("3.13", file) == {"one ping": {"C calls": 3.0}}
    assert read_figures("3.14", file) is None
