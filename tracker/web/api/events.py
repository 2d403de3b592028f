"""Events: what happened, in the order it became visible; and who has seen to it."""

from __future__ import annotations

from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.errors import Invalid, NotFound
from tracker.live import messages
from tracker.model.events import ERASED, KINDS, Event
from tracker.node import Node
from tracker.stores import EventQuery
from tracker.web.api import parameters as api
from tracker.web.server.answers import encoded

MAX_BY = 200
PAGE = 500  #: events read from the store in one go


def blueprint(node: Node) -> Blueprint:
    routes = Blueprint("events", __name__)
    pipeline, store = node.pipeline, node.store

    async def known(id: str) -> Event:
        event = await store.event(id) if len(id) <= 64 and id.isascii() else None
        if event is None:
            raise NotFound("unknown_event", f"there is no event {id[:64]!r}")
        return event

    @routes.get("/api/v1/events")
    async def list_events() -> Response:
        api.only("after", "before", "from", "until", "region", "vehicle", "kind", "limit")
        after, before = api.whole("after"), api.whole("before")
        if after is not None and before is not None:
            raise api.bad("before", "either `after` (oldest first) or `before` (newest first), not both")
        kinds = api.words("kind")
        if kinds is not None and kinds - KINDS.keys() - {ERASED}:
            raise api.bad("kind", f"one of {', '.join(KINDS)}")
        limit = api.limit(most=api.MOST_ROWS)
        query = EventQuery(
            after=after,
            before=before,
            since=api.instant("from"),
            until=api.instant("until"),
            regions=api.words("region"),
            vehicles=api.words("vehicle"),
            kinds=kinds,
        )
        if limit <= PAGE:
            return await page(query, limit)
        async with node.heavy.turn():
            return await page(query, limit)

    async def page(query: EventQuery, limit: int) -> Response:
        """Read, shown and encoded some at a time, however many are asked for."""
        last = await store.last_seq()  # before the page: whoever goes on after `last` must have missed nothing
        first = await store.first_seq()
        texts: list[bytes] = []
        next: int | None = None
        while True:
            found = await store.events(msgspec.structs.replace(query, limit=min(PAGE, limit - len(texts)) + 1))
            kept = found[:PAGE][: limit - len(texts)]
            texts += await encoded(kept, messages.event)
            last = max([last, *(event.seq for event in kept)])
            if len(kept) == len(found):
                break
            if len(texts) == limit:
                next = kept[-1].seq
                break
            query = _after(query, kept[-1].seq)
        return api.listing("events", texts, next=next, first=first, last=last)

    @routes.get("/api/v1/events/<id>")
    async def get_event(id: str) -> Response:
        return api.answer(messages.event(await known(id)))

    @routes.post("/api/v1/events/<id>/ack")
    async def ack(id: str) -> Response:
        await known(id)
        return api.answer(messages.event(await pipeline.ack(id, _by(await api.json_body(node.settings.max_entry)))))

    @routes.delete("/api/v1/events/<id>/ack")
    async def take_back(id: str) -> Response:
        await known(id)
        return api.answer(messages.event(await pipeline.ack(id, None)))

    return routes


def _after(query: EventQuery, seq: int) -> EventQuery:
    """What follows the event `seq` of a query's answer."""
    if query.before is not None and query.after is None:
        return msgspec.structs.replace(query, before=seq)
    return msgspec.structs.replace(query, after=seq)


def _by(document: Any) -> str:
    by = document.get("by") if isinstance(document, dict) else None
    if isinstance(by, str) and by.strip() and len(by) <= MAX_BY and api.is_text(by):
        return by.strip()
    missing = by is None or (isinstance(by, str) and not by.strip())
    code, what = ("missing", "say who") if missing else ("invalid", "that is nobody's name; say who")
    message = f'{what}: {{"by": "a name of at most {MAX_BY} characters"}}'
    raise Invalid(code, message, [{"field": "by", "code": code, "message": message}])
