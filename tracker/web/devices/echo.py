"""Echo: a payload is answered with how it would be read, every warning, and what its client would hear."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from quart import Blueprint, Response, request

from tracker.access.credentials import IN_ADDRESS
from tracker.access.grants import ADMINISTER, EDIT_VEHICLES, SEND, Grant, may_not
from tracker.errors import BadRequest
from tracker.model.blanks import blanked
from tracker.node import Node
from tracker.protocols import Payload, spoken
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.ingest.addresses import Addresses
from tracker.web.ingest.explained import explained, found, inflated
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
    method = request.args.get("method", "POST" if body else "GET").upper()
    path, query = request.args.get("path", ""), _query()
    target = found(addresses, name, method, path, query)
    assert target
    if method not in target.here.methods and "method" not in request.args:
        method = next(iter(target.here.methods))
    sender = Sender(node, grant, "", quiet=True)
    others = Tellers(node).teller(sender.token)
    own = partial(_options, node, grant, sender)
    payload = Payload(body, query, _headers(grant), path if path[:1] == "/" else "", method, "", sender.device, own, others)
    async with node.heavy.turn():
        told = await asyncio.to_thread(explained, target, name, payload, node.clock(), sender.admit)
    told.setdefault("warnings", []).extend(_who_sends(node, grant, told))
    return Response(blanked(encode(told).decode()), 200, {"content-type": "application/json", "cache-control": "no-store"})


async def _body() -> bytes:
    headers = dict(request.scope["headers"])
    try:
        body = bytes(await api.raw_body(MOST, encoded=True))
    except BadRequest as fault:
        if fault.code != "empty":
            raise
        return b""
    return inflated(body, headers, MOST)


def _query() -> str:
    """As it came, without what is ours."""
    parts = request.query_string.decode("latin-1").split("&")
    return "&".join(part for part in parts if part.partition("=")[0] not in OURS)


def _headers(grant: Grant) -> dict[bytes, bytes]:
    """Those of the client; by which it shows its token is its own only where it is a device's."""
    hidden = _NOT_ITS_OWN if grant.sends is None else _NOT_ITS_OWN - {b"authorization"}
    return {name: value for name, value in request.scope["headers"] if name not in hidden}


def _options(node: Node, grant: Grant, sender: Sender, vehicle: str) -> Mapping[str, Any]:
    """What the register says of a vehicle, to who may send for it, or change any."""
    if grant.sends is not None or grant.everything:
        return sender.options(vehicle)
    return {}


def _who_sends(node: Node, grant: Grant, told: dict[str, Any]) -> list[dict[str, Any]]:
    """By which token these vehicles can be sent for, and what becomes of those nobody knows."""
    warnings = []
    names = list(dict.fromkeys(ping["vehicle"] for ping in told["pings"]))[:MOST_NAMES]
    for vehicle in names:
        entry = node.picture.register.get(vehicle)
        group = entry.group if entry else None
        if grant.sends is not None:
            said = "this token may send for it" if grant.may_send(vehicle, group) else "this token may not send for it"
            warnings.append({"kind": "token", "message": f"{vehicle!r}: {said}", "vehicle": vehicle})
        elif ADMINISTER in grant.may:
            tokens = [
                one for one in node.directory.tokens.by_id.values() if one.kind == "device" and one.may_send(vehicle, group)
            ]
            said = ", ".join(one.name or one.id for one in tokens[:MOST_NAMES]) or "none: make one"
            ids = [one.id for one in tokens[:MOST_NAMES]]
            warnings.append(
                {"kind": "token", "message": f"{vehicle!r} needs a token; these may send for it: {said}", "tokens": ids}
            )
        if (does := node.settings.meets_unknown) != "create" and not node.quarantine.is_known(vehicle, grant):
            if grant.everything or grant.sends is not None:
                what = "waits in quarantine" if does == "quarantine" else "is refused"
                warnings.append(
                    {"kind": "unknown", "message": f"nobody knows {vehicle!r}: what it sends {what}", "vehicle": vehicle}
                )
    return warnings
