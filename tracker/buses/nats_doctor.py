"""What would keep nodes from hearing each other through these servers."""

from __future__ import annotations

import asyncio
import secrets
import time

from tracker.buses import frames
from tracker.buses.nats_line import FAULTS, Line, connect, said
from tracker.buses.nats_url import Place

HEAR_S = 2.0  #: for what we say to come back
BEATS_S = 2.0  #: in which every node beats
FAR_S = 0.05  #: there and back; more is no fault of a bus, and told
SMALL = 64 * 2**10  #: bytes of a message; below it most changes of a busy node go in parts


async def examine(place: Place) -> list[tuple[str, bool, str]]:
    return [("bus", *await _server(place, server)) for server in place.servers]


async def _server(place: Place, server: str) -> tuple[bool, str]:
    try:
        async with connect(place, server, echo=True) as line:
            return await _line(place, server, line)
    except FAULTS as fault:
        return True, f"{server} cannot be used: {said(fault)}{_advice(fault)}"


def _advice(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return ". Is NATS running there, and the URL right?"
    if "authorization" in str(fault).lower():
        return ": it does not let in who comes with this user and password, token or file, or with none"
    return ""


async def _line(place: Place, server: str, line: Line) -> tuple[bool, str]:
    """Both ways: who may only listen would not be heard."""
    nodes: set[bytes] = set()
    own, heard, subject = secrets.token_bytes(8), asyncio.Event(), f"{place.name}.changes"

    async def hear(message: object) -> None:
        try:
            frame = frames.unpack(getattr(message, "data", b""))
        except ValueError:
            return
        nodes.add(frame.node)
        if frame.node == own:
            heard.set()

    await line.subscribe(subject, cb=hear)
    await line.confirm()
    began = time.monotonic()
    await line.publish(subject, frames.pack(frames.BYE, own, 0))
    await line.confirm()
    try:
        async with asyncio.timeout(HEAR_S):
            await heard.wait()
    except TimeoutError:
        fault = f" ({said(line.faults[-1])})" if line.faults else ""
        return True, f"{server}: what is said as {subject} is not heard there{fault}; its users need both rights"
    there_s = time.monotonic() - began
    await asyncio.sleep(BEATS_S)
    told = f"{server} speaks NATS {line.connected_server_version}, {there_s * 1000:.0f} ms there and back"
    told = told.replace("<nats server v", "").replace(">", "")
    told += f"; {len(nodes) - 1} nodes are heard as {place.name!r}"
    if there_s > FAR_S:
        told += "; that is far: what happens at one node is seen later at the others"
    if line.max_payload < SMALL:
        told += f"; it takes only {line.max_payload} bytes in a message (max_payload), so many go in parts"
    return False, told
