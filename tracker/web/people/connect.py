"""Connect: what whoever connects a device needs: where it can reach this server, a code to scan, what it said."""

from __future__ import annotations

import asyncio
import io
import socket
from ipaddress import ip_address
from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import ADMINISTER, Grant
from tracker.model import outside as shown
from tracker.model.ping import has_place
from tracker.node import Node
from tracker.times import rfc3339
from tracker.turns.heard import Heard
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes

MOST_BYTES = 2000  #: of a text as a code: a phone hardly reads as much off a screen
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))  # nobody's: nothing is sent there


def blueprint(node: Node) -> Blueprint:
    routes = Routes("connect", node)
    routes.add("/api/v1/connect", None, GET=where)
    routes.add("/api/v1/connect/qr", None, POST=code)
    return routes.blueprint


async def where(node: Node, grant: Grant) -> Response:
    """`addresses`: of this machine, as other machines know it, where it listens to them."""
    grant.check(ADMINISTER)
    api.only()
    settings = node.settings
    if settings.host in _EVERYWHERE:
        addresses = await asyncio.to_thread(own_addresses)
    else:
        addresses = [] if settings.is_loopback else [settings.host]
    return api.answer({
        "addresses": addresses,
        "port": settings.port,
        "scheme": "https" if settings.cert else "http",
        "alone": settings.is_loopback and not settings.behind_proxy,  # nobody else reaches it
        "unknown_vehicles": node.quarantine.does,
    })  # fmt: skip


async def code(node: Node, grant: Grant) -> Response:
    """A text as a QR code. It is asked for by POST and kept by nobody, as there is a token in it."""
    grant.check(ADMINISTER)
    given = await api.json_body(node.settings.max_entry)
    text = given.get("text") if isinstance(given, dict) else None
    if not isinstance(text, str) or not 0 < len(text.encode(errors="replace")) <= MOST_BYTES or not text.isprintable():
        raise api.bad("text", f"a text of 1 to {MOST_BYTES} bytes, on one line")
    return Response(drawn(text), 200, {"content-type": "image/svg+xml", "cache-control": "no-store"})


def drawn(text: str) -> bytes:
    import segno

    drawing = io.BytesIO()
    made = segno.make_qr(text, error="m", boost_error=False)
    made.save(drawing, kind="svg", xmldecl=False, omitsize=True, border=4, dark="#000", light="#fff")
    return drawing.getvalue()


def own_addresses() -> list[str]:
    """Of this machine, those first by which it would reach others."""
    found: dict[str, None] = {}
    for family, other in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((other, 9))
                found[probe.getsockname()[0]] = None
        except OSError:
            pass  # no way there
    try:
        found |= {str(one[4][0]): None for one in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        pass  # its own name says nothing
    return [one for one in found if _is_reached(one)]


def _is_reached(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def heard(node: Node, token: str) -> dict[str, Any]:
    """What its device said last: `heard` the last request, `seen` the newest position that was taken."""
    last, taken = node.heard.last(token), node.heard.taken(token)
    return {"heard": last and _heard(last), "seen": taken and _seen(node, taken)}


def _heard(last: Heard) -> dict[str, Any]:
    return {
        "at": rfc3339(last.at),
        "address": last.address,
        "scheme": last.scheme,
        "protocol": last.protocol,
        "counts": dict(last.counts),
        "code": last.code or None,
        "message": last.message or None,
        "waiting": list(last.waiting),
    }


def _seen(node: Node, taken: Heard) -> dict[str, Any]:
    assert taken.ping is not None
    entry = node.picture.register.get(taken.ping.vehicle)
    position = shown.position(taken.ping)
    if not has_place(taken.ping):
        position |= {"lat": None, "lon": None}
    name = (entry.name if entry else None) or taken.ping.vehicle
    return {"at": rfc3339(taken.at), "vehicle": taken.ping.vehicle, "name": name, "position": position}
