"""Runs `tracker` with a wall clock that a test can set: `python tests/support/moved_clock.py FILE serve …`.

The first eight bytes of FILE say by how many nanoseconds; the steady clock goes on as it does when somebody sets the
real one.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

SIZE = 8


def set_by(file: Path, seconds: float) -> None:
    """In place: whoever runs on it sees it at once."""
    if not file.exists():
        file.write_bytes(bytes(SIZE))
    with file.open("r+b") as opened:
        opened.write(struct.pack("<q", round(seconds * 1e9)))


def main() -> None:
    with Path(sys.argv.pop(1)).open("rb") as file:
        shared = mmap.mmap(file.fileno(), SIZE, access=mmap.ACCESS_READ)
    real_ns = time.time_ns

    def moved_ns() -> int:
        by: int = struct.unpack("<q", shared[:SIZE])[0]
        return real_ns() + by

    time.time_ns = moved_ns
    time.time = lambda: moved_ns() / 1e9

    from tracker.commands.cli import main as run

    run()


if __name__ == "__main__":
    main()
