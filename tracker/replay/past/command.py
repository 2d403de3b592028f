"""`tracker replay --store` and `--from-server`: what is asked, read from where, played into what."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from tracker.config import Settings
from tracker.fleet.fleet import FleetSettings
from tracker.formats import Unreadable
from tracker.replay.past.dry import dry_run, read_regions_file
from tracker.replay.past.report import FORMATS
from tracker.replay.past.stored import Source
from tracker.replay.past.window import DAY_MS, Choice, Rules, Window, missing, points, shifted
from tracker.replay.recording import Points
from tracker.replay.run import FAILED, events_file, line_to, online, told_to_stop

#: options that say how a file is read
OF_FILES = ("zone", "split", "dates", "letter_o", "loop")


def run(
    opened: Callable[[], Source],
    *,
    to: str,
    to_token: str | None,
    ca: str | None,
    speed: float | None,
    since: int | None,
    until: int | None,
    vehicle: Sequence[str],
    group: Sequence[str],
    warm_up: float | None,
    format: str | None,
    now: bool,
    dry_run: bool,
    diff: bool,
    regions: str | None,
    events: str | None,
    as_of: int | None,
    settings: Settings | None,
    **of_files: Any,
) -> int:
    """Returns the exit code. `warm_up`: days, None for all there are. Raises TrackerError."""
    _check(since, until, diff, dry_run, format, {"--regions": regions, "--events": events, "--as-of": as_of}, of_files)
    source = opened()
    try:
        with told_to_stop():
            choice = Choice(source.known, vehicle, group)
            window = Window.around(since, until, None if warm_up is None else round(warm_up * DAY_MS))
            if not (dry_run or diff):
                return _into_server(source, window, choice, to, to_token, ca, speed, now)
            drawn = None if regions is None else read_regions_file(regions, source)
            rules = Rules(drawn, as_of, FleetSettings.of(settings) if settings else None)
            with _written(events, diff) as out:
                summary = sys.stdout if events and not diff else sys.stderr
                return _dry(source, window, choice, rules, out, summary, (format or "text") if diff else None)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return FAILED
    finally:
        source.close()


_dry = dry_run


def _check(
    since: int | None,
    until: int | None,
    diff: bool,
    dry_run: bool,
    format: str | None,
    of_dry_run: dict[str, object],
    of_files: dict[str, object],
) -> None:
    if since is not None and until is not None and since >= until:
        raise Unreadable("--from is not before --until: nothing is left to play", usage=True)
    for name in OF_FILES:
        if of_files.get(name):
            raise Unreadable(f"--{name.replace('_', '-')} is for files; what is stored needs none of it", usage=True)
    for option, value in of_dry_run.items():
        if value is not None and not (dry_run or diff):
            raise Unreadable(f"{option} belongs to --dry-run and --diff; a server has its own", usage=True)
    if format is not None and (not diff or format not in FORMATS):
        raise Unreadable(f"--format is that of --diff here: {', '.join(FORMATS)}", usage=True)


def _written(path: str | None, diff: bool) -> contextlib.AbstractContextManager[TextIO | None]:
    """Where events go; nowhere when they are only compared."""
    return contextlib.nullcontext() if diff and path is None else events_file(path)


def _into_server(
    source: Source,
    window: Window,
    choice: Choice,
    to: str,
    token: str | None,
    ca: str | None,
    speed: float | None,
    now: bool,
) -> int:
    recording = Points(source.name, lambda: points(source, window, choice))
    if gone := missing(source, window.since, window.until):
        print(f"partial: {gone}", file=sys.stderr)
    line = line_to(to, token, ca, where=recording.where, item=shifted)
    return online(recording, *line, speed=speed, now=now)
