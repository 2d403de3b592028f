"""Echo: a payload is answered with how it would be read, every warning, and what its client would hear."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from quart import Blueprint, Response, request

from tracker.access.credentials import IN_ADDRESS
from tracker.access.grants import ADMINISTER, EDIT_VEHICLES, SEND, Grant, may_not
from tracker.errors import BadRequest, TrackerError
from tracker.model.keys import blanked
from tracker.node import Node
from tracker.protocols import Payload, spoken
from tracker.protocols.explain import explain
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.ingest.addresses import Addresses
from tracker.web.ingest.explained import chosen, concluded, found, inflated, refused
from tracker.web.ingest.others import Tellers
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import encode

MOST = 2**20  #: bytes of a payload
MOST_NAMES = 10  #: vehicles and tokens that are named
OURS = frozenset({"protocol", "path", "method", "api_key"}) | IN_ADDRESS  #: parameters that are not the client's
#: headers by which somebody is let in here, and what says nothing of a device
_NOT_ITS_OWN = frozenset({b"cookie", b"x-api-key", b"authorization", b"origin", b"referer", b"host"})


def blueprint(node: Node) -> Blueprint:
    routes = Routes("echo", node)
    addresses = Addresses(node.settings)
    routes.add("/api/v1/ingest/echo", None, POST=partial(echo, addresses))
    return routes.blueprint


async def echo(addresses: Addresses, node: Node, grant: Grant) -> Response:
    if SEND not in grant.may and EDIT_VEHICLES not in grant.may:
        raise may_not(SEND)
    names = [one.name for one in spoken()]
    if (name := request.args.get("protocol", "")) not in names:
        raise api.bad("protocol", f"one of {', '.join(names)}")
    body = await _body()
    path, query = request.args.get("path", ""), _query()
    target = found(addresses, name, "POST", path, query)
    assert target
    method = request.args.get("method", "").upper() or ("GET" if not body and "GET" in target.here.methods else "POST")
    sender = Sender(node, grant, "", quiet=True)
    options = sender.options if grant.sends is not None or grant.everything else _nothing
    address = path if path[:1] == "/" else ""
    tellers = Tellers(node)  # of its own: they note what they told
    await tellers.hear_of(sender.token)
    others = tellers.teller(sender.token)
    payload = Payload(body, query, _headers(grant), address, method, "", sender.device, options, others)
    try:
        one, payload = chosen(target, name, payload)
    except TrackerError as fault:
        told = refused(target, name, fault)
    else:
        async with node.heavy.turn():
            explanation = await asyncio.to_thread(explain, one, payload, node.clock())
            admits = (sender.admit,) if SEND in grant.may else ()  # who looks on sends nothing that could be refused
            told = concluded(target, one, explanation, *admits)
    names = list(dict.fromkeys(ping["vehicle"] for ping in told["pings"]))
    for vehicle in names[:MOST_NAMES]:
        told["warnings"] += _of_vehicle(node, grant, vehicle)
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(blanked(encode(told).decode()), 200, headers)


async def _body() -> bytes:
    try:
        body = bytes(await api.raw_body(MOST, encoded=True))
    except BadRequest as fault:
        if fault.code != "empty":
            raise
        return b""
    return inflated(body, dict(request.scope["headers"]), MOST)


def _query() -> str:
    """As it came, without what is ours."""
    parts = request.query_string.decode("latin-1").split("&")
    return "&".join(part for part in parts if part.partition("=")[0] not in OURS)


def _headers(grant: Grant) -> dict[bytes, bytes]:
    """Those of the client; by which it shows its token is its own only where it is a device's."""
    hidden = _NOT_ITS_OWN if grant.sends is None else _NOT_ITS_OWN - {b"authorization"}
    return {name: value for name, value in request.scope["headers"] if name not in hidden}


def _nothing(_vehicle: str) -> Mapping[str, Any]:
    return {}


def _of_vehicle(node: Node, grant: Grant, vehicle: str) -> Iterator[dict[str, Any]]:
    """By which token it can be sent for, and what becomes of one that nobody knows."""
    entry = node.picture.register.get(vehicle)
    group = entry.group if entry else None
    if grant.sends is not None:
        said = "may" if grant.may_send(vehicle, group) else "may not"
        yield {"kind": "token", "message": f"this token {said} send for {vehicle!r}", "vehicle": vehicle}
    elif ADMINISTER in grant.may:
        tokens = node.directory.tokens.by_id.values()
        able = [one for one in tokens if one.kind == "device" and one.may_send(vehicle, group)][:MOST_NAMES]
        said = ", ".join(one.name or one.id for one in able) or "none yet"
        message = f"a device sends for {vehicle!r} with a token for it; there is {said}"
        yield {"kind": "token", "message": message, "vehicle": vehicle, "tokens": [one.id for one in able]}
    does = node.quarantine.does
    tells = grant.everything or (grant.sends is not None and grant.may_send(vehicle, group))  # of others nothing
    if does != "create" and tells and not node.quarantine.is_known(vehicle, grant):
        what = "waits in quarantine" if does == "quarantine" else "is refused"
        yield {"kind": "unknown", "message": f"nobody knows {vehicle!r}: what it sends {what}", "vehicle": vehicle}
