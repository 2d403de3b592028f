"""The committed figures, by Python minor version, and what is said when a count is no longer what it was."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).parent / "counts.toml"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SHARE = 0.1  #: of a figure by which a count may grow …
FEW = {"blocks kept": 2.0}  #: … or by so much, where what ran before in the same process makes that difference
WRITE = "make counts"

Figures = dict[str, dict[str, float]]  # work → what → count


def read_figures(python: str = HERE, file: Path = FILE) -> Figures | None:
    """None: nobody has counted with this Python yet."""
    figures: Figures | None = tomllib.loads(file.read_text()).get(python)
    return figures


def write_figures(figures: Figures, python: str = HERE, file: Path = FILE) -> None:
    """Those of other versions stay."""
    known: dict[str, Figures] = tomllib.loads(file.read_text()) if file.exists() else {}
    lines = [f"# What each unit of work costs: written by `{WRITE}`, held to by tests/guard."]
    for version, works in sorted({**known, python: figures}.items()):
        for work, counts in works.items():
            lines += ["", f'["{version}"."{work}"]', *(f'"{what}" = {count}' for what, count in counts.items())]
    file.write_text("\n".join(lines) + "\n")


def grown(counts: Mapping[str, float], figures: Mapping[str, float]) -> list[str]:
    """A sentence of each count that is more than a tenth over its figure, or has none."""
    said = [f"{what}: {counts[what]:,.2f}, of which there is no figure" for what in counts.keys() - figures.keys()]
    for what, figure in figures.items():
        if what not in counts:
            said.append(f"{what}: not counted any more")
        elif counts[what] > figure + _slack(what, figure):
            said.append(f"{what}: {counts[what]:,.2f}, and {figure:,.2f} is committed{_change(counts[what], figure)}")
    return said


def fallen(counts: Mapping[str, float], figures: Mapping[str, float]) -> list[str]:
    """A sentence of each count that is more than a tenth under its figure: it should be held to what it is now."""
    return [
        f"{what}: {counts[what]:,.2f}, and {figure:,.2f} is committed{_change(counts[what], figure)}"
        for what, figure in figures.items()
        if what in counts and counts[what] < figure - _slack(what, figure)
    ]


def _slack(what: str, figure: float) -> float:
    return max(SHARE * abs(figure), *(few for name, few in FEW.items() if what.startswith(name)), 1e-9)


def _change(count: float, figure: float) -> str:
    return f" ({count / figure - 1:+.0%})" if figure > 0 else ""
