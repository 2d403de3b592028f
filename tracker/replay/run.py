"""`tracker replay`: read the sources, play them, say what became of every point."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from tracker.config import Settings
from tracker.errors import Invalid
from tracker.formats import Unreadable
from tracker.replay.connection import Connection, Failed
from tracker.replay.player import Player, Taker
from tracker.replay.progress import Progress, duration
from tracker.replay.recording import EVERYTHING, GAP_MS, Choice, Played, Recording
from tracker.replay.sender import Sender
from tracker.replay.tally import Tally
from tracker.times import rfc3339

DONE, FAILED = 0, 1


class Line(Protocol):
    """To a server."""

    told: Callable[[str], None]

    def close(self) -> None: ...


LATEST = (1 << 42) - 60_001  #: clock of a dry run; a fleet keeps times in 42 bits


def run(
    sources: Sequence[str],
    *,
    to: str,
    token: str | None = None,
    ca: str | None = None,
    speed: float | None = 1.0,
    since: int | None = None,
    until: int | None = None,
    vehicle: Sequence[str] = (),
    format: str | None = None,
    zone: str | None = None,
    speed_unit: str = "mps",
    split: bool = False,
    dates: str | None = None,
    letter_o: str | None = None,
    now: bool = False,
    loop: bool = False,
    dry_run: bool = False,
    regions: str | None = None,
    events: str | None = None,
    as_of: int | None = None,
    settings: Settings | None = None,
) -> int:
    """Returns the exit code. Raises Unreadable for sources and options that cannot be played.

    `settings` are those a server would have, for a dry run; `as_of` is its clock.
    """
    _check(since, until, as_of, loop, dry_run, {"--regions": regions, "--events": events, "--as-of": as_of})
    recording = Recording()
    line = None if dry_run else line_to(to, token, ca, where=recording.where)
    try:
        with told_to_stop():
            choice = Choice(since, until, tuple(vehicle)) if since or until or vehicle else EVERYTHING
            how: dict[str, Any] = {"format": format, "zone": zone, "speed_unit": speed_unit}
            how |= {"split": split, "dates": dates, "letter_o": letter_o}
            for source in sources:
                recording.add_source(source, choice, told=_reading, **how)
            if line is None:
                return _offline(recording, regions, events, now, as_of, settings)
            return online(recording, *line, speed=speed, now=now, loop=loop)
    except KeyboardInterrupt:
        _err("stopped while reading")
        return FAILED
    finally:
        recording.close()


def _check(
    since: int | None, until: int | None, as_of: int | None, loop: bool, dry_run: bool, of_dry_run: dict[str, object]
) -> None:
    if since is not None and until is not None and since >= until:
        raise Unreadable("--from is not before --until: nothing is left to play", usage=True)
    if dry_run and loop:
        raise Unreadable("--dry-run plays once: it goes without --loop", usage=True)
    if as_of is not None and as_of > LATEST:
        raise Unreadable(f"--as-of goes up to {rfc3339(LATEST)}", usage=True)
    for option, value in of_dry_run.items():
        if value is not None and not dry_run:
            raise Unreadable(f"{option} belongs to --dry-run; a server has its own", usage=True)


def line_to(to: str, token: str | None, ca: str | None, **how: Any) -> tuple[Line, Taker]:
    """How a server is spoken to, by its address; and what takes points. Raises Unreadable."""
    if to.startswith(("ws://", "wss://")):
        from tracker.replay.stream import Stream

        stream = Stream(to, token, ca, **how)
        return stream, stream
    connection = Connection(to, token, ca)
    return connection, Sender(connection, **how)


def online(
    recording: Played, line: Line, taker: Taker, *, speed: float | None, now: bool = False, loop: bool = False
) -> int:
    """Play it into a server, and sum up; the exit code."""
    progress = Progress(sys.stderr, recording.count)
    line.told = progress.say
    player = Player(recording, taker, progress, speed=speed, now=now, loop=loop)
    code = DONE
    try:
        for text in announced(recording, speed):
            progress.say(text)
        if recording.count:
            player.play()
        code = _code(player.tally)
    except Failed as fault:
        progress.say(f"tracker: {fault.detail}")
        code = FAILED
    except KeyboardInterrupt:
        progress.say("stopped")
        code = DONE if loop else FAILED
    finally:
        line.close()
    _summary(player.tally, recording, sys.stdout)
    return code


def _code(tally: Tally) -> int:
    """A replay from which nothing came is a failed one."""
    return DONE if tally.accepted + tally.duplicates else FAILED


def announced(recording: Played, speed: float | None) -> Iterator[str]:
    """What is about to be played, before a long run begins."""
    for source in recording.sources:
        yield f"{source.name}: {source.format}, {_number(source.items, source.item)}"
        yield from (f"  {note}" for note in source.notes)
    if recording.first is None or recording.last is None:
        return
    span_s = (recording.last - recording.first) / 1000
    what = f"{_number(recording.count, 'point')} of {_number(len(recording.vehicles), 'vehicle')}"
    text = f"{what}, {rfc3339(recording.first)} … {rfc3339(recording.last)}"
    text += f" ({duration(span_s)})"
    if recording.gaps:
        text += f", {_number(recording.gaps, 'gap')} over {duration(GAP_MS / 1000)}"
    yield text
    if speed is not None and span_s / speed >= 120:
        yield f"{duration(span_s / speed)} at --speed {speed:g}; --speed max does not wait"


def _number(count: int, of: str) -> str:
    plural = f"{of}s" if not of.endswith("y") else f"{of[:-1]}ies"
    return f"{count:,} {of if count == 1 else plural}"


def _offline(
    recording: Recording,
    regions: str | None,
    events: str | None,
    now: bool,
    as_of: int | None,
    settings: Settings | None,
) -> int:
    """Events go to the file, and the summary to stdout; without a file the events are the result."""
    from tracker.fleet.fleet import FleetSettings
    from tracker.replay.offline import Offline, explain, load_regions  # shapely takes a while, and a server has it

    features = load_regions(regions) if regions else []
    with events_file(events) as out:
        try:
            offline = Offline(
                out,
                features,
                recording.first or 0,
                settings=FleetSettings.of(settings) if settings else None,
                as_of=time.time_ns() // 1_000_000 if as_of is None else as_of,
            )
        except Invalid as fault:
            raise Unreadable(explain(fault, regions or ""), usage=True) from None
        progress = Progress(sys.stderr, recording.count)
        if settings and settings.unknown_vehicles in ("quarantine", "refuse"):
            progress.say(
                f"no register here to know vehicles by: all are taken (unknown_vehicles = {settings.unknown_vehicles})"
            )
        for line in announced(recording, None):
            progress.say(line)
        player = Player(recording, offline, progress, speed=None, now=now)
        try:
            if recording.count:
                player.play()
            code = _code(player.tally)
        except KeyboardInterrupt:
            code = FAILED
        out.flush()
    _summary(player.tally, recording, sys.stdout if events else sys.stderr, offline.written)
    _err(f"hash: {offline.digest.hexdigest()}")
    return code


@contextlib.contextmanager
def events_file(path: str | None) -> Iterator[TextIO]:
    if path is None or path == "-":
        yield sys.stdout
        return
    try:
        file = Path(path).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed below
    except OSError as fault:
        raise Unreadable(f"cannot write {path}: {fault.strerror or fault}", usage=True) from None
    with file:
        yield file


@contextlib.contextmanager
def told_to_stop() -> Iterator[None]:
    """SIGTERM ends a replay as Ctrl-C does: with its summary."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever runs us there has its own way
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _reading(name: str, count: int) -> None:
    if sys.stderr.isatty():
        print(f"\rreading {name}: {count:,} points ", end="", file=sys.stderr, flush=True)
    elif count % 250_000 == 0:
        _err(f"reading {name}: {count:,} points")


def _summary(tally: Tally, recording: Played, stream: TextIO, events: int | None = None) -> None:
    for reason, examples in sorted([*tally.examples.items(), *recording.examples.items()]):
        for example in examples:
            _err(f"{reason}: {example}")
    if not recording.count:
        _err("nothing to play: no point of the sources was chosen")
    lines = [f"vehicles: {len(recording.vehicles)}", *tally.lines(recording.items, recording.skipped)]
    if recording.out_of_order:
        lines.append(f"out of order: {recording.out_of_order} (rows of the sources; they were put in time order)")
    for line in lines:
        print(line, file=stream)
    if events is not None:
        print(f"events: {events}", file=stream)
    stream.flush()


def _err(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
