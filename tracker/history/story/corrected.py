"""Corrected: a story as it is known now: what people say about its stops and trips, on top of what its fixes tell.

Where its pieces were told without a hole or an overlap, they are so after it: what one gets another gives up. To move
a time changes no distance: a trip that has less time for its way was faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tracker.geometry.earth import distance_m
from tracker.history.story.corrections import JOIN_TRIPS, MOVE_STOP, WRONG_FIXES, Correction
from tracker.history.story.stops import Stop
from tracker.history.story.trips import Quiet, Story, Trip
from tracker.history.story.way import Place, Way

Piece = Trip | Stop | Quiet
Span = tuple[int, int]
UNSEEN = -1  #: the fix of a stop of which only a person says that it was there


def corrected(story: Story | None, corrections: Sequence[Correction], since: int, until: int) -> Story | None:
    """The story of fixes of since <= time < until, none of which is wrong any more. A stop that was moved may begin
    before the first of them or last longer than the last."""
    touching = [one for one in corrections if one.touches(since, until)]
    if story is None or not touching:
        return story
    pieces: list[Piece] = in_order(story)
    for one in touching:
        if one.what == MOVE_STOP:
            pieces = _moved(pieces, one, (story.since, story.until), (since, until))
        elif one.what == JOIN_TRIPS:
            pieces = _joined(pieces, one)
        elif one.what == WRONG_FIXES:
            pieces = [_marked(piece, one.id) if _shared(piece, one.since, one.until) else piece for piece in pieces]
    return story._replace(
        since=min(story.since, *(piece.since for piece in pieces)) if pieces else story.since,
        until=max(story.until, *(piece.until for piece in pieces)) if pieces else story.until,
        trips=[piece for piece in pieces if isinstance(piece, Trip)],
        stops=[piece for piece in pieces if isinstance(piece, Stop)],
        silences=[piece for piece in pieces if isinstance(piece, Quiet)],
    )


def in_order(story: Story) -> list[Piece]:
    return sorted([*story.trips, *story.stops, *story.silences], key=lambda piece: piece.since)


def meant(pieces: Iterable[Piece], since: int, until: int) -> Stop | None:
    """The stop that shares most with a span."""
    stops = [piece for piece in pieces if isinstance(piece, Stop) and _shared(piece, since, until)]
    return max(stops, key=lambda stop: _shared(stop, since, until), default=None)


def _moved(pieces: list[Piece], one: Correction, known: Span, asked: Span) -> list[Piece]:
    stop = meant(pieces, one.since, one.until)
    if stop is None:
        if one.place is None or _overlap((one.since, one.until), known):
            return pieces  # other corrections, or other fixes, left nothing of it
        begins, ends = _clipped(one.target, known, asked)
        moved = Stop(UNSEEN, UNSEEN, UNSEEN, begins, ends, *one.place)
    else:
        target = (
            stop.since if one.new_since is None else one.new_since,
            stop.until if one.new_until is None else one.new_until,
        )
        begins, ends = _clipped(target, known, asked)
        moved = stop._replace(since=begins, until=ends)
    if begins >= ends:
        return pieces
    left = [piece for piece in pieces if piece is not stop]
    if stop is not None:
        left += [_marked(part, one.id) for part in _left_of(stop, begins, ends, left)]
    there = (moved.lat, moved.lon)
    others = [part for piece in _merged(left) for part in _cut(piece, begins, ends, there, one.id)]
    return sorted([*others, _marked(moved, one.id)], key=lambda piece: piece.since)


def _left_of(stop: Stop, begins: int, ends: int, others: Sequence[Piece]) -> list[Piece]:
    """When it did not stand any more it drove; of what no trip goes on from, nothing is known."""
    edges = {edge for piece in others if isinstance(piece, Trip) for edge in (piece.since, piece.until)}
    spans = ((stop.since, min(begins, stop.until)), (max(ends, stop.since), stop.until))
    here = (stop.lat, stop.lon)
    return [
        _driven(stop._replace(since=since, until=until), idle=False)
        if {since, until} & edges
        else Quiet(since, until, here, here, 0.0, stop.corrected)
        for since, until in spans
        if since < until
    ]


def _clipped(target: Span, known: Span, asked: Span) -> Span:
    """To what is asked for; not into what nothing is known of, unless it goes on from what is."""
    if not _overlap(target, (known[0] - 1, known[1] + 1)):
        return target[0], target[0]
    return max(target[0], min(asked[0], known[0])), min(target[1], max(asked[1], known[1]))


def _joined(pieces: list[Piece], one: Correction) -> list[Piece]:
    """What lies between the trips is part of the way: a stop as time that it waited, a silence as driven."""
    inner = [piece for piece in pieces if _belongs(piece, one)]
    if not inner or (len(inner) == 1 and isinstance(inner[0], Trip)):
        return pieces
    whole: Trip | None = None
    for piece in inner:
        trip = _driven(piece, idle=True)
        if whole is None:
            whole = trip
            continue
        if whole.until < trip.since:  # a moment that was told as neither
            rest = Stop(UNSEEN, UNSEEN, UNSEEN, whole.until, trip.since, *whole.end)
            whole = _one(whole, _driven(rest, idle=True))
        whole = _one(whole, trip)
    assert whole is not None
    rest_of = [piece for piece in pieces if not _belongs(piece, one)]
    return sorted([*rest_of, _marked(whole, one.id)], key=lambda piece: piece.since)


def _belongs(piece: Piece, one: Correction) -> bool:
    if isinstance(piece, Trip):
        return _shared(piece, one.since, one.until) > 0
    return one.since <= piece.since and piece.until <= one.until


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Trips that touch are one: only a correction makes such."""
    whole: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.since):
        before = whole[-1] if whole else None
        if (
            isinstance(piece, Trip)
            and isinstance(before, Trip)
            and before.until == piece.since
            and (before.corrected or piece.corrected)
        ):
            whole[-1] = _one(before, piece)
        else:
            whole.append(piece)
    return whole


def _one(first: Trip, second: Trip) -> Trip:
    a, b = _timed(first.way, first.since, first.until), _timed(second.way, second.since, second.until)
    way = Way(
        np.concatenate([a.times, b.times[1:]]),
        [*a.places, *b.places[1:]],
        np.concatenate([a.metres, a.metres[-1] + b.metres[1:]]),
        [*a.waits, *b.waits],
        np.concatenate([a.speeds, b.speeds[1:]]),
    )
    corrected = tuple(dict.fromkeys((*first.corrected, *second.corrected)))
    return Trip(first.since, second.until, first.start, second.end, way, corrected)


def _driven(piece: Piece, *, idle: bool) -> Trip:
    if isinstance(piece, Trip):
        return piece
    span = (piece.since, piece.until)
    here = (piece.lat, piece.lon) if isinstance(piece, Stop) else piece.start
    there = here if isinstance(piece, Stop) else piece.end
    metres = 0.0 if isinstance(piece, Stop) else piece.metres
    waits = [span] if idle and isinstance(piece, Stop) else []
    way = Way(np.array(span, np.int64), [here, there], np.array([0.0, metres]), waits, np.full(2, -1.0))
    return Trip(*span, here, there, way, piece.corrected)


def _cut(piece: Piece, since: int, until: int, there: Place, id: str) -> list[Piece]:
    """What is left of a piece when it stood `there` from `since` to `until`."""
    if not _shared(piece, since, until):
        return [piece]
    before = (piece.since, since) if piece.since < since else None
    after = (until, piece.until) if until < piece.until else None
    parts: list[Piece] = []
    if isinstance(piece, Stop):
        parts = [piece._replace(since=span[0], until=span[1]) for span in (before, after) if span]
    elif isinstance(piece, Quiet):
        if before:
            metres = distance_m(*piece.start, *there)
            parts.append(piece._replace(until=since, end=there, metres=metres))
        if after:
            metres = distance_m(*there, *piece.end)
            parts.append(piece._replace(since=until, start=there, metres=metres))
    elif before and after:
        first, second = _halves(piece.way, (since + until) // 2, there)
        parts.append(piece._replace(until=since, end=there, way=_timed(first, *before)))
        parts.append(piece._replace(since=until, start=there, way=_timed(second, *after)))
    elif before:
        parts.append(piece._replace(until=since, end=there, way=_timed(piece.way, *before)))
    elif after:
        parts.append(piece._replace(since=until, start=there, way=_timed(piece.way, *after)))
    return [_marked(part, id) for part in parts]


def _halves(way: Way, at: int, there: Place) -> tuple[Way, Way]:
    """Until then, and from then on."""
    place = int(np.clip(np.searchsorted(way.times, at), 1, len(way.times) - 1))
    metres = float(np.interp(at, way.times, way.metres))
    first = Way(
        np.append(way.times[:place], at),
        [*way.places[:place], there],
        np.append(way.metres[:place], metres),
        [span for span in way.waits if span[0] < at],
        np.append(way.speeds[:place], -1.0),
    )
    second = Way(
        np.append(at, way.times[place:]),
        [there, *way.places[place:]],
        np.append(0.0, way.metres[place:] - metres),
        [span for span in way.waits if span[1] > at],
        np.append(-1.0, way.speeds[place:]),
    )
    return first, second


def _timed(way: Way, since: int, until: int) -> Way:
    """The same way, of since <= time <= until: what was before or after it is then."""
    times = np.clip(way.times, min(since + 1, until), until)
    times[0], times[-1] = since, until
    waits = [(max(begin, since), min(end, until)) for begin, end in way.waits if begin < until and end > since]
    return way._replace(times=times, waits=waits)


def _marked(piece: Piece, id: str) -> Piece:
    return piece if id in piece.corrected else piece._replace(corrected=(*piece.corrected, id))


def _shared(piece: Piece, since: int, until: int) -> int:
    return max(0, min(piece.until, until) - max(piece.since, since))


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and one[1] > other[0]
