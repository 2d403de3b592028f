"""Imports over HTTP: a file is sent whole, watched while it is taken, and given up; for those who administer."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from pathlib import Path, PurePath

from quart import Response, request

from tracker.access.grants import ADMINISTER, Grant
from tracker.errors import BadRequest, InTheWay, Invalid
from tracker.formats import formats
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.times import BadZone, named_zone
from tracker.web.api import parameters as api
from tracker.web.api.openapi import JSON, Route
from tracker.web.api.routes import Routes
from tracker.web.api.schemas import COUNT, TEXT, TIME, array, or_null, thing
from tracker.web.history.importing import COUNTS, How, Importing
from tracker.web.ingest.bodies import Patience, too_large

PATH = "/api/v1/store/import"
MOST_WAIT_S = 20
MOST_NAME = 200

_IMPORT = thing(
    "state progress ended_at error name files items positions rejected errors skipped " + " ".join(COUNTS),
    state={"enum": ["none", "working", "done", "failed", "given_up"]},
    progress={"type": "number"},
    ended_at=or_null(TIME),
    error=or_null(thing("code detail", code=TEXT, detail=TEXT)),
    name=or_null(TEXT),
    files=array(thing("name format items notes", name=TEXT, format=TEXT, items=COUNT, notes=array(TEXT))),
    items=COUNT,
    positions=or_null(COUNT),
    rejected=COUNT,
    errors=array(thing("where code message", where=TEXT, code=TEXT, message=TEXT)),
    skipped=array(thing("reason count means where", reason=TEXT, count=COUNT, means=TEXT, where=array(TEXT))),
    **dict.fromkeys(COUNTS, COUNT),
)
ROUTES = (
    Route(
        "POST",
        PATH,
        "Import a file of recorded positions, in any format `tracker replay` reads",
        (202, JSON, _IMPORT),
        query={"name": TEXT, "format": TEXT, "zone": TEXT},
        body={"application/octet-stream": {"type": "string", "format": "binary"}},
        errors=(400, 409, 413, 415, 422, 503),
    ),
    Route(
        "GET",
        PATH,
        "How far the import is, and what became of its positions; `wait_s`: answered when it has come further",
        (200, JSON, _IMPORT),
        query={"wait_s": COUNT},
        errors=(422,),
    ),
    Route("DELETE", PATH, "Give the import up; what was taken stays", (204, None, None)),
)


def add(routes: Routes, node: Node) -> None:
    importing = Importing(node)
    routes.add(
        PATH, None, GET=partial(watch, importing), POST=partial(begin, importing), DELETE=partial(give_up, importing)
    )


async def watch(importing: Importing, _node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only("wait_s")
    if wait_s := api.whole("wait_s", 0, MOST_WAIT_S):
        await importing.work.move(wait_s)
    return _answer(importing)


async def begin(importing: Importing, node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only("name", "format", "zone")
    how = _how()
    if importing.work.is_working:
        raise InTheWay("at_work", "there is one import under way; wait for its end, or give it up")
    by = api.actor(node, grant)
    folder: tempfile.TemporaryDirectory[str] = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="tracker-")
    try:
        await _receive(Path(folder.name) / how.name, node.settings.max_import)

        def plan() -> tuple[list[Record], list[Audit]]:
            by.ask()
            importing.begin(folder, how, by)
            return [], [by.did(node.clock(), "store.import", "store", None, {"name": how.name})]

        await node.pipeline.keep_records(plan)
    except BaseException:
        await asyncio.to_thread(folder.cleanup)
        raise
    return _answer(importing, 202)


async def give_up(importing: Importing, node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        by.ask()
        if not importing.work.is_working:
            return [], []
        after = {"name": importing.told.name, "state": "given_up"}
        return [], [by.did(node.clock(), "store.give_up", "store", {"state": "working"}, after)]

    await node.pipeline.keep_records(plan)
    await importing.work.give_up()
    return Response(b"", 204)


def _answer(importing: Importing, status: int = 200) -> Response:
    return api.answer(importing.document(), status, location=PATH, cache_control="no-store")


def _how() -> How:
    """Raises Invalid."""
    name, format, zone = (request.args.get(one) for one in ("name", "format", "zone"))
    name = PurePath(name or "import").name.strip()  # it becomes a file's, and may be a vehicle's
    if not name or len(name.encode()) > MOST_NAME or not name.isprintable():
        raise Invalid.of_field("name", f"`name` is the file's, of at most {MOST_NAME} bytes: ?name=monday.gpx")
    if format is not None and format not in (known := [one.NAME for one in formats()]):
        raise Invalid.of_field("format", f"`format` is one of {', '.join(known)}")
    if zone is not None:
        try:
            named_zone(zone)
        except BadZone:
            raise Invalid.of_field("zone", f"`zone` is {zone[:60]!r}; it is a name such as Europe/Helsinki") from None
    return How(name, format, zone)


async def _receive(path: Path, most: int) -> None:
    """The body, as it comes, into a file. Raises BadRequest, TooLarge."""
    if (request.content_length or 0) > most:
        raise too_large(most, "import it in parts")
    patience: Patience | None = request.scope.get("tracker.patience")  # type: ignore[assignment]
    if patience is None:
        raise BadRequest("empty", "the body is empty; send the file as it is")
    with await asyncio.to_thread(path.open, "xb") as file:
        async for chunk in patience.body.chunks():
            if patience.body.received > most:
                raise too_large(most, "import it in parts")
            await asyncio.to_thread(file.write, chunk)
