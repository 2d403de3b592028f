"""KMZ: the KML inside of a zip. What it says of its own sizes bounds what is read of it."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from lzma import LZMAError

from tracker.errors import BadRequest, Invalid, TooLarge, Unsupported

MAX_RATIO = 200  #: what inflates to more than this many times its size is a bomb
PIECE = 64 * 1024
_DAMAGED = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
NAMES = (".kml", ".geojson", ".json", ".geojsonl", ".ndjson")


def is_zip(data: bytes | bytearray) -> bool:
    return data[:4] == b"PK\x03\x04" or data[:4] == b"PK\x05\x06"


class Kmz:
    """The one file of a zip that can hold regions: `doc.kml`, the first KML, or else the first GeoJSON."""

    def __init__(self, data: bytes | bytearray, most: int) -> None:
        """Raises BadRequest, TooLarge, Invalid."""
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except _DAMAGED as fault:
            raise _damaged(fault) from None
        self._info = _chosen(self._zip.infolist())
        self.name = self._info.filename
        self.size = self._info.file_size  # as it says itself; more is never read
        if self._info.flag_bits & 1:
            raise Unsupported(
                "kmz_encrypted", f"{self.name[:60]!r} in this zip is encrypted; send it without a password"
            )
        if self.size > most or self.size > max(MAX_RATIO * len(data), PIECE):
            raise TooLarge(
                "body_too_large", f"{self.name[:60]!r} in this zip inflates to more than it may: {self.size:,} bytes"
            )

    def pieces(self) -> Iterator[bytes]:
        """Raises BadRequest."""
        left = self.size
        try:
            with self._zip.open(self._info) as file:
                while left > 0 and (piece := file.read(min(PIECE, left))):
                    left -= len(piece)
                    yield piece
        except _DAMAGED as fault:
            raise _damaged(fault) from None


def _chosen(files: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    for ending in NAMES:
        found = [
            one for one in files if one.filename.lower().endswith(ending) and "__macosx" not in one.filename.lower()
        ]
        if found:
            return min(found, key=lambda one: (not one.filename.lower().endswith("doc.kml"), one.filename.count("/")))
    names = [one.filename for one in files]
    if any(name.lower().endswith(".shp") for name in names):
        what = "a shapefile: save it as GeoJSON or KML first (QGIS and ogr2ogr do)"
    else:
        what = f"no KML and no GeoJSON, but {', '.join(names[:3])[:80] or 'nothing'}"
    raise Invalid("not_regions", f"In this zip is {what}.")


def _damaged(fault: Exception) -> BadRequest:
    return BadRequest("kmz_damaged", f"This zip (KMZ) is damaged: {fault}. Unzip it and send the .kml inside.")
