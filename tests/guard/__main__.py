"""Count everything and write it down: `make counts`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.guard.committed import Figures, fallen, grown, read_figures, write_figures
from tests.guard.works import WORKS


def main() -> None:
    before = read_figures() or {}
    figures: Figures = {}
    for work, count in WORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            counts = asyncio.run(count(Path(folder)))
        figures[work] = {what: round(number, 3) for what, number in counts.items()}
        known = before.get(work, {})
        for said in (*grown(counts, known), *fallen(counts, known)):
            print(f"{work}: {said}")
    write_figures(figures)


if __name__ == "__main__":
    main()
