"""Tickets: one opens a socket at any node. Whoever gives one tells the others before it is answered, and whoever takes
one right after."""

from __future__ import annotations

import asyncio

import msgspec
from quart import Response

from tracker.access.grants import Grant
from tracker.access.tokens import hash_of
from tracker.errors import NotSignedIn
from tracker.node import Node
from tracker.pipeline.shared.calling import TELL_S
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes


def add(routes: Routes, node: Node) -> None:
    tickets, calling = node.doorman.tickets, node.calling
    telling: set[asyncio.Task[object]] = set()

    async def keep(given: msgspec.Raw) -> None:
        hash, bearer = msgspec.msgpack.decode(given, type=tuple[str, str])
        tickets.keep_ticket(hash, bearer, node.clock())

    async def drop(given: msgspec.Raw) -> None:
        tickets.drop_ticket(msgspec.msgpack.decode(given, type=str))

    def tell(hash: str) -> None:
        task: asyncio.Task[object] = asyncio.create_task(calling.call_all("ticket.drop", hash, TELL_S))
        telling.add(task)
        task.add_done_callback(telling.discard)

    calling.answers |= {"ticket.keep": keep, "ticket.drop": drop}
    if calling.me:
        tickets.on_take = tell
    routes.add("/api/v1/tickets", None, POST=give)


async def give(node: Node, grant: Grant) -> Response:
    if not grant.bearer:
        raise NotSignedIn("not_signed_in", "a ticket is for who has signed in")
    secret = node.doorman.tickets.give(grant.bearer, node.clock())
    await node.calling.call_all("ticket.keep", (hash_of(secret), grant.bearer), TELL_S)
    return api.answer({"ticket": secret}, 201, cache_control="no-store")
