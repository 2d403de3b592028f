"""The body of a request as regions, and what a Feature may have that comes over the API."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from quart import request

from tracker.errors import BadRequest, Unsupported
from tracker.protocols.pieces import Body, check_weight
from tracker.regions.drawings import Drawings, Read, read_drawings, read_kml_pieces
from tracker.regions.foreign import COMPUTED, fault
from tracker.regions.kmz import Kmz, is_zip
from tracker.web.api import parameters as api
from tracker.web.ingest.bodies import SMALL, Patience

KML = {"application/vnd.google-earth.kml+xml", "application/xml", "text/xml", "application/vnd.google-earth.kmz"}
#: what is told what it is by what it is, whatever it is called
OTHERS = {"application/zip", "application/octet-stream", "application/gpx+xml", "text/csv"}
LINES = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/geo+json-seq"}
SAY = "application/geo+json (KML: application/vnd.google-earth.kml+xml, KMZ: application/vnd.google-earth.kmz)"


class Turn:
    """Of imports one is read at a time, from its large body to what is stored."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._taken = False

    async def take_turn(self) -> None:
        """Once is enough."""
        if not self._taken:
            await self._lock.acquire()
            self._taken = True

    async def admit(self, body: Body) -> Body:
        """Take it for a large body, which waits as small as it can be. Who calls keeps no other name for it."""
        if len(body) <= SMALL:
            return body
        packed = b""
        if self._lock.locked():
            packed, body = await asyncio.to_thread(zlib.compress, body, 1), b""
        await self.take_turn()
        return await asyncio.to_thread(zlib.decompress, packed) if packed else body

    def __enter__(self) -> Turn:
        return self

    def __exit__(self, *_: object) -> None:
        if self._taken:
            self._lock.release()


async def read_body(
    most: int, most_each: int, read: Read = api.read, one: bool = False, turn: Turn | None = None
) -> Drawings:
    """`one`: there may be no other. `turn`: to be waited for by a large body. Raises BadRequest, TooLarge, Overloaded,
    Invalid."""
    kind = api.content_type()
    if kind not in KML and kind not in OTHERS and kind not in LINES:
        api.check_json(SAY)
    body = await api.raw_body(most) if turn is None else await turn.admit(await api.raw_body(most))
    if one:
        check_weight(body)
    if is_zip(body):
        packed = await asyncio.to_thread(Kmz, body, most)
        patience: Patience | None = request.scope.get("tracker.patience")  # type: ignore[assignment]
        if patience is not None:
            patience.share.take_bytes(packed.size)
        if packed.name.lower().endswith(".kml"):
            return await asyncio.to_thread(lambda: read_kml_pieces(packed.pieces()))
        body = await asyncio.to_thread(lambda: b"".join(packed.pieces()))
    try:
        return await asyncio.to_thread(read_drawings, body, most_each, read, kind in KML)
    except BadRequest as fault:
        if kind in OTHERS and fault.code == "not_json":  # and nothing else we know
            raise Unsupported("unsupported_type", f"cannot read {kind[:60]!r}; send GeoJSON, KML or KMZ") from None
        raise


async def read_one(most: int, read: Read = api.read) -> dict[str, Any]:
    """The one region of a body that may have no other."""
    body = await read_body(most, most, read, one=True)
    return await asyncio.to_thread(body.only)


def feature_of(document: Any, id: str) -> dict[str, Any]:
    """A GeoJSON Feature with this id and without what only answers have; its content is checked where it is read."""
    if not isinstance(document, dict) or document.get("type") != "Feature":
        raise fault("not_geojson", "type", 'a region is a GeoJSON Feature: {"type": "Feature", "geometry": …}')
    given = document.get("id")
    if given is not None and str(given) != id:
        raise fault("other_id", "id", f"the address says {id!r}, the body says {str(given)[:64]!r}")
    properties = document.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise fault("wrong_type", "properties", "`properties` is an object")
    if (attributes := properties.get("attributes")) and (wrong := api.bad_attributes(attributes)):
        raise fault("invalid_attributes", "properties.attributes", wrong)
    kept = {name: value for name, value in properties.items() if name not in COMPUTED}
    return {"type": "Feature", "id": id, "geometry": document.get("geometry"), "properties": kept}
