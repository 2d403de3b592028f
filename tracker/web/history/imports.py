"""Imports over HTTP: a file is sent whole, watched while it is taken, and given up; for those who administer."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import msgspec
from quart import Response, request

from tracker.access.grants import ADMINISTER, Grant
from tracker.errors import BadRequest, InTheWay, Invalid
from tracker.formats import formats
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.pipeline.shared.calling import Calling
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
LOOK_S = 1.0  #: for how other nodes say that theirs is

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


class Imports:
    """The one import, at whichever node it was begun."""

    def __init__(self, own: Importing, calling: Calling) -> None:
        self.own = own
        self._calling = calling
        calling.answers |= {"import.watch": self._watch, "import.give_up": self._give_up}

    async def newest(self) -> tuple[str, dict[str, Any]]:
        """The other node that has it (empty: this one), and how far it is: one under way, or which ended last."""
        found = {"": self.own.document()}
        if not self.own.work.is_working:
            told = await self._calling.call_all("import.watch", 0, LOOK_S)
            found |= {node: msgspec.msgpack.decode(one, type=dict[str, Any]) for node, one in told.items()}
        return max(found.items(), key=lambda one: (one[1]["state"] == "working", one[1]["ended_at"] or "", not one[0]))

    async def watch(self, wait_s: int) -> dict[str, Any]:
        node, document = await self.newest()
        if not wait_s or document["state"] != "working":
            return document
        if not node:
            return await self._watch_here(wait_s)
        told = await self._calling.call(node, "import.watch", wait_s, wait_s)
        return msgspec.msgpack.decode(told, type=dict[str, Any])

    async def give_up(self, node: str) -> None:
        if node:
            await self._calling.call(node, "import.give_up", None)
        else:
            await self.own.work.give_up()

    async def _watch_here(self, wait_s: int) -> dict[str, Any]:
        await self.own.work.move(wait_s)
        return self.own.document()

    async def _watch(self, given: msgspec.Raw) -> dict[str, Any]:
        return await self._watch_here(msgspec.msgpack.decode(given, type=int))

    async def _give_up(self, _given: msgspec.Raw) -> None:
        await self.own.work.give_up()


def add(routes: Routes, node: Node) -> None:
    imports = Imports(Importing(node), node.calling)
    routes.add(PATH, None, GET=partial(watch, imports), POST=partial(begin, imports), DELETE=partial(give_up, imports))


async def watch(imports: Imports, _node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only("wait_s")
    return _answer(await imports.watch(api.whole("wait_s", 0, MOST_WAIT_S) or 0))


async def begin(imports: Imports, node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only("name", "format", "zone")
    how, importing = _how(), imports.own
    if (await imports.newest())[1]["state"] == "working":
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
    return _answer(importing.document(), 202)


async def give_up(imports: Imports, node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    by = api.actor(node, grant)
    where, document = await imports.newest()

    def plan() -> tuple[list[Record], list[Audit]]:
        by.ask()
        is_working = document["state"] == "working" if where else imports.own.work.is_working
        if not is_working:
            return [], []
        after = {"name": document["name"], "state": "given_up"}
        return [], [by.did(node.clock(), "store.give_up", "store", {"state": "working"}, after)]

    await node.pipeline.keep_records(plan)
    await imports.give_up(where)
    return Response(b"", 204)


def _answer(document: dict[str, Any], status: int = 200) -> Response:
    return api.answer(document, status, location=PATH, cache_control="no-store")


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
