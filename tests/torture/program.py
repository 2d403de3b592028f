"""A node under torture: with a clock that can be set, and what nobody looks at any more it needs no longer in no time."""

from __future__ import annotations

from tests.support import moved_clock


def main() -> None:
    from tracker.pipeline.shared import watching

    watching.KEEP_S, watching.READ_S = 0.5, 0.5
    moved_clock.main()


if __name__ == "__main__":
    main()
