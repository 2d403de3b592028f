"""Requests that two parsers could read differently, and what is answered; and some that only look odd."""

from __future__ import annotations

HOST = b"Host: 127.0.0.1\r\n"
LINE = b"POST /api/v1/positions HTTP/1.1\r\n"
POST = LINE + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
UPGRADE = b"GET /api/v1/positions HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
UPGRADE += b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
SIZED = b"Content-Length: 2\r\n\r\n[]"
SMUGGLED = GET  #: what would be a request of its own behind them

REFUSED = [
    # where its body ends
    (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\n[]", 400),
    (POST + b"Content-Length: 2, 4\r\n\r\n[]", 400),
    (POST + b"Content-Length: +2\r\n\r\n[]", 400),
    (POST + b"Content-Length: -2\r\n\r\n[]", 400),
    (POST + b"Content-Length: 0x2\r\n\r\n[]", 400),
    (POST + b"Content-Length: 0_2\r\n\r\n[]", 400),
    (POST + b"Content-Length: 2 2\r\n\r\n[]", 400),
    (POST + b"Content-Length: 2.0\r\n\r\n[]", 400),
    (POST + b"Content-Length: \xb2\r\n\r\n[]", 400),
    (POST + b"Content-Length:\r\n\r\n[]", 400),
    (POST + b"Content-Length : 2\r\n\r\n[]", 400),
    (POST + b"Content-Length\t: 2\r\n\r\n[]", 400),
    (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (CHUNKED + b"0x2\r\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b"-2\r\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b" 2\r\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b"2\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b"2;\rx\r\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b"2;x\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1\r\n[]\r\n0\r\n\r\n", 400),
    (CHUNKED + b"10000000000000002\r\n[]\r\n0\r\n\r\n", 400),
    (UPGRADE[:-2] + SIZED, 400),
    # which header is which
    (POST + b"X: a\r\n\tb\r\n" + SIZED, 400),
    (POST + b" X: a\r\n" + SIZED, 400),
    (POST + b"X: a\x00b\r\n" + SIZED, 400),
    (POST + b"X: a\rb\r\n" + SIZED, 400),
    (POST + b"X\x00: a\r\n" + SIZED, 400),
    (POST + b"X Y: a\r\n" + SIZED, 400),
    (POST + b": a\r\n" + SIZED, 400),
    (POST + b"no colon\r\n" + SIZED, 400),
    (POST + HOST + SIZED, 400),
    (LINE + SIZED, 400),
    # where it goes
    (b"POST /api/v1/positions HTTP/3.0\r\n" + HOST + SIZED, 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"POST /api/v1/positions\r\n" + HOST + SIZED, 400),
    (b"POST  /api/v1/positions HTTP/1.1\r\n" + HOST + SIZED, 400),
    (b"POST\t/api/v1/positions HTTP/1.1\r\n" + HOST + SIZED, 400),
    (b"POST /api/v1/positions HTTP/1.1 \r\n" + HOST + SIZED, 400),
    (b"POST /api/v1/pos\x00itions HTTP/1.1\r\n" + HOST + SIZED, 400),
    (b"POST /api/v1/pos itions HTTP/1.1\r\n" + HOST + SIZED, 400),
    (b"POST /api/v1/positions http/1.1\r\n" + HOST + SIZED, 400),
    (b"P@ST /api/v1/positions HTTP/1.1\r\n" + HOST + SIZED, 400),
    (b"POST /api/v1/positions HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
]

TAKEN = {
    "chunks": CHUNKED + b"2\r\n[]\r\n0\r\n\r\n",
    "chunks with more": CHUNKED + b"2;name=value\r\n[]\r\n0\r\nTrailer: x\r\n\r\n",
    "a length said twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]",
    "an upgrade we do not speak": POST + b"Upgrade: h2c\r\nConnection: Upgrade\r\n" + SIZED,
    "a length with zeros": POST + b"Content-Length: 002\r\n\r\n[]",
    "lines that end in LF alone": (POST + SIZED).replace(b"\r\n", b"\n"),
    "names in capitals": POST + b"CONTENT-LENGTH: 2\r\n\r\n[]",
}
