"""A stand-in for a tile server, with the weather it has: one of MODES, changed at any time."""

from __future__ import annotations

import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODES = ("fine", "error", "forbidden", "sign-in", "elsewhere", "silent")


def png(red: int, green: int, blue: int, side: int = 256) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class TileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.mode = "fine"
        self.elsewhere = ""  #: where that mode sends, if not to another name of this server
        self.deepest = 19  #: zooms beyond are missing
        self.missing: set[str] = set()  #: tiles that are not there, z/x/y
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.template = self.url + "/{z}/{x}/{y}.png"
        self.tile = png(40, 200, 40)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser hangs up as it likes. Printed in this thread, that upsets what compiles in another (CPython 3.11's
        "AST constructor recursion depth mismatch")."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Asked(BaseHTTPRequestHandler):
    server: TileServer

    def do_GET(self) -> None:
        server, path = self.server, self.path
        server.asked.append(path)
        name = path.partition("?")[0].strip("/").removesuffix(".png").removesuffix("@2x")
        zoom = name.split("/")[-3] if name.count("/") >= 2 else ""
        if server.mode == "silent":
            time.sleep(20)
        elif server.mode == "error":
            self._answer(500, "text/plain", b"no")
        elif server.mode == "forbidden":
            self._answer(403, "text/plain", b"no")
        elif server.mode == "sign-in":
            self._answer(200, "text/html", b"<h1>Sign in</h1>")
        elif server.mode == "elsewhere" and "again" not in path:
            there = server.elsewhere or f"http://localhost:{server.server_address[1]}{path}?again"
            self._answer(302, "text/plain", b"", there)
        elif not zoom.isdigit() or int(zoom) > server.deepest or name in server.missing:
            self._answer(404, "text/plain", b"no such tile")
        else:
            self._answer(200, "image/png", server.tile)

    def _answer(self, status: int, kind: str, body: bytes, location: str = "") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def tile_server() -> Iterator[TileServer]:
    server = TileServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
