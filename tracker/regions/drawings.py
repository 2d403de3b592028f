"""What comes in as regions: GeoJSON of any form, one Feature a line, KML or KMZ; each Feature decoded in its turn.

What each is meant as is said in `foreign`. What cannot be used is told with its name and line, and costs nothing else.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tracker.errors import BadRequest, Invalid, TooLarge
from tracker.protocols.native import read_document
from tracker.protocols.pieces import cut
from tracker.regions.foreign import Drawn, check_degrees, fault, tidied
from tracker.regions.ids import Ids
from tracker.regions.kml import KmlFile
from tracker.regions.placemarks import pieces
from tracker.regions.strays import check_document, check_text

MOST_FEATURES = 10_000  #: of one request

Body = bytes | bytearray
Read = Callable[[bytes], Any]


class Drawings:
    """The regions of a file, to be read once. `alone`: it is one Feature or geometry rather than a list."""

    def __init__(self, drawn: Iterable[Drawn], alone: bool = False) -> None:
        self.alone = alone
        self._drawn = drawn

    def __iter__(self) -> Iterator[Drawn]:
        for count, one in enumerate(self._drawn):
            check_count(count + 1)
            yield one

    def only(self) -> dict[str, Any]:
        """The one region of a file that has no other. Raises Invalid."""
        found = list(zip(range(2), self, strict=False))
        if len(found) != 1:
            count = "several" if found else "none"
            raise fault("one_region", "type", f"this takes one region, a GeoJSON Feature, and here are {count}")
        feature = found[0][1].feature
        if isinstance(feature, Invalid):
            raise feature
        return feature


def read_drawings(body: Body, most_each: int, read: Read = read_document, xml: bool = False) -> Drawings:
    """Slow for large ones. `xml`: it is said to be. Raises BadRequest, TooLarge, Invalid."""
    head = bytes(body[:4096]).lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    wide = body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in body[:4]
    if head[:1] == b"<" or (xml and head[:1] not in (b"{", b"[")) or (wide and b"<" in body[:6]):
        check_text(body)
        return read_kml_pieces(pieces(body))
    if wide or body.startswith(codecs.BOM_UTF8):
        body = _utf8(body)
    try:
        return _json(body, most_each, read)
    except TooLarge as fault:
        if fault.code == "too_many_items":
            check_count(MOST_FEATURES + 1)
        raise
    except BadRequest as fault:
        if fault.code in ("not_json", "not_utf8"):
            check_text(body)
        raise


def read_kml_pieces(data: Iterable[Body]) -> Drawings:
    file = KmlFile(data)
    check_count(len(file))
    return Drawings(_kml(file))


def _kml(file: KmlFile) -> Iterator[Drawn]:
    ids = Ids()
    for at, mark in enumerate(file.placemarks):
        feature = file.feature(at)
        yield from tidied(feature, mark.line, mark.name, ids)


def _json(body: Body, most_each: int, read: Read) -> Drawings:
    if lines := _lines(body, most_each):
        return Drawings(_each(body, lines, read))
    frame, spans = cut(body, "features", MOST_FEATURES, most_each)
    if spans is None and re.match(rb'\s*\{\s*"regions"', body[:100]):  # as GET answers them
        frame, spans = cut(body, "regions", MOST_FEATURES, most_each)
    document = read(bytes(frame))
    check_document(document)
    if isinstance(document, list):
        return Drawings(_each(body, spans or [], read))
    if not isinstance(document, dict):
        raise fault("not_geojson", "type", "this is no GeoJSON: send a Feature, a FeatureCollection or a geometry")
    collection = document.get("type") == "FeatureCollection"
    if not collection and not (isinstance(document.get("regions"), list) and "type" not in document):
        drawn = list(tidied(document, 0, "", Ids()))  # somebody's own work: its faults are told, not mended
        return Drawings(drawn, alone=len(drawn) == 1)
    if not isinstance(document.get("features" if collection else "regions"), list):
        raise fault("not_geojson", "features", "a FeatureCollection has an array of `features`")
    check_degrees(document)
    return Drawings(_each(body, spans or [], read))


def _each(body: Body, spans: Iterable[tuple[int, int]], read: Read) -> Iterator[Drawn]:
    ids, line, before = Ids(), 1, 0
    for index, (start, end) in enumerate(spans):
        while body[start : start + 1].isspace():
            start += 1
        line, before = line + body.count(b"\n", before, start), start
        try:
            item = read(bytes(body[start:end]))
        except BadRequest as fault:
            if isinstance(fault, TooLarge):
                raise type(fault)(fault.code, f"Feature {index}: {fault.detail}") from None
            yield Drawn(Invalid(fault.code, fault.detail), line)
            continue
        yield from tidied(item, line, "", ids)


def _lines(body: Body, most: int) -> list[tuple[int, int]]:
    """Where each line is of a file of one Feature a line (also with the mark of RFC 8142); empty when it is none."""
    first = bytes(body[: body.find(b"\n", 0, most) + 1]).strip(b"\x1e \t\r\n")
    marked = body[:1] == b"\x1e"
    if not first or not (marked or body[len(first) :].strip()):
        return []
    try:
        if not marked and not isinstance(read_document(first), dict):
            return []
    except BadRequest:
        return []
    spans, at = [], 0
    while at < len(body):
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end
        start = at + (body[at : at + 1] == b"\x1e")
        if body[start:end].strip():
            spans.append((start, end))
            check_count(len(spans))
        if end - at > most:
            raise TooLarge("body_too_large", f"one item of this body may have {most} bytes")
        at = end + 1
    return spans


def _utf8(body: Body) -> bytes:
    """Whatever mark it begins with. Raises BadRequest."""
    try:
        if body.startswith(codecs.BOM_UTF8):
            return bytes(body[3:])
        encoding = "utf-16" if body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-16-le"
        text = body.decode("utf-16-be" if body[:1] == b"\0" else encoding)
        return text.removeprefix("\ufeff").encode()
    except UnicodeError:
        raise BadRequest("not_utf8", "the body looks like UTF-16 and is none; send JSON as UTF-8") from None


def check_count(count: int) -> None:
    if count > MOST_FEATURES:
        raise TooLarge("too_many_items", f"at most {MOST_FEATURES} features go into one request")
