"""Requests gone wrong: an example of some client, changed as a seed says. The same seed is the same request again."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote

from tests.support.requests import FIXTURES, INGEST, parse
from tracker.protocols import Payload, Spoken, spoken
from tracker.protocols.osmand import NAMES

MOST_BYTES = 400_000


def examples() -> list[tuple[Spoken, Payload]]:
    """Of every protocol, each request that there is for an example."""
    found = []
    for path in sorted((FIXTURES / "payloads").glob("*/*")):
        one = next(one for one in spoken() if one.name == path.parent.name)
        if path.suffix != ".http":
            if not path.name.endswith(".expected.json"):
                found.append((one, Payload(path.read_bytes())))
            continue
        scope, payload = parse(path.read_bytes())
        target = INGEST.at(scope)
        assert target is not None, path
        here = next(here for here in target.here.spoken if here.name == one.name)
        found.append((here, payload._replace(rest=target.rest)))
    return found


EXAMPLES = examples()
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, -0.0, 0.5, 90.0000001, 180, 360, 1e308, -1e308, 10**400, 2**53 + 1, 2**63, -(2**63)),
    *(float("nan"), float("inf"), float("-inf"), 1e11, 1e14, 1e20, 253_402_300_800, -62_135_596_801, "", " ", "NaN"),
    *(
        "inf",
        "1e999",
        "-1e999",
        "1_0",
        "-",
        "+",
        ".",
        "null",
        "true",
        "\x00",
        "\ud800",
        "\udfff\ud800",
        "e\u0301" * 200,
    ),
    *("é" * 300, "x" * 5000, "٣", "½", "9" * 400, "0x1p3", "\u202e", "\ufeff", "2026-11-23T09:00:00Z", "2026-02-30"),
    *("2026-11-23 09:00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-11-23T23:59:60Z", "+02:00"),
    *("/", "..", "a/b/c", "trk_x", "$GPRMC,,,,,,,,,,,,", "$GPRMC,999999,A,99999.9,N,99999.9,E,1,1,999999", "1,2,3"),
    *([], {}, [[]], [{}], {"": None}, [0, 0], ["a", 1], [1e999, None], {"a": {"b": [1]}}, [1] * 50, [None] * 3),
]
TOKENS = [
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"'",
        b"&",
        b"=",
        b"%",
        b"+",
        b";",
        b"\r\n",
        b"\n",
        b"\0",
        b"\xff",
    ),
    *(
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"-0",
        b"01",
        b"1.",
        b"9" * 5000,
        b"null",
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b"//",
    ),
    *(
        b'"_type":"location",',
        b'"lat":1e400,',
        b'"lat":1,"lat":"x",',
        b'"id":[],',
        b'"location":{},',
        b'"locations":7,',
    ),
    *(
        b"lat=1&lat=",
        b"id=",
        b"%ff%00",
        b"%",
        b"%u0041",
        b"action=addpos&",
        b"--x\r\n",
        b"\xef\xbb\xbf",
        b"\x1f\x8b\x08",
    ),
]
KEYS = sorted({alias for aliases in NAMES.values() for alias in aliases} | {"app", "speed_unit", "bs", "code", "hdop"})
HEADERS = (b"content-type", b"x-limit-u", b"x-limit-d", b"authorization", b"cookie", b"user-agent", b"x-signature")
TYPES = (
    b"application/json",
    b"multipart/form-data; boundary=x",
    b"multipart/form-data",
    b"text/plain; charset=\xff",
    b"",
)

Mutation = Callable[[Payload, Random], Payload]


def mutated(seed: int) -> tuple[Spoken, Payload]:
    random = Random(seed)
    one, payload = random.choice(EXAMPLES)
    for _ in range(random.randint(1, 4)):
        payload = random.choice(MUTATIONS)(payload, random)
    if random.random() < 0.1:
        one, _ = random.choice(EXAMPLES)  # one client's words at another's address
    return one, payload._replace(body=payload.body[:MOST_BYTES])


def _splice(text: bytes, random: Random) -> bytes:
    start = random.randint(0, len(text))
    end = min(len(text), start + random.choice((0, 0, 1, 3, 20)))
    new = random.choice(TOKENS) if random.random() < 0.8 else random.randbytes(random.randint(1, 12))
    return text[:start] + new + text[end:]


def _spliced(payload: Payload, random: Random) -> Payload:
    return payload._replace(body=_splice(payload.body, random))


def _queried(payload: Payload, random: Random) -> Payload:
    return payload._replace(query=_splice(payload.query.encode("latin-1"), random).decode("latin-1"))


def _repeated(payload: Payload, random: Random) -> Payload:
    """A part of it many times over."""
    body = payload.body
    start = random.randint(0, len(body))
    end = random.randint(start, len(body))
    times = min(_often(random, 2000), MOST_BYTES // (end - start + 1))
    return payload._replace(body=body[:start] + body[start:end] * times + body[end:])


def _often(random: Random, most: int) -> int:
    """Rarely very many, which takes as long as all the others."""
    return most if random.random() < 0.03 else random.choice((1, 2, 3, 10, 30, 199, 201))


def _nested(payload: Payload, random: Random) -> Payload:
    at, depth = random.randint(0, len(payload.body)), _often(random, 60_000)
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"location":', b"}"), (b"[{", b"}]")))
    deep = opening * depth + (closing * depth if random.random() < 0.7 else b"")
    return payload._replace(body=payload.body[:at] + deep + payload.body[at:])


def _odd(payload: Payload, random: Random) -> Payload:
    """An odd value somewhere in its JSON, or a field, or a form, more."""
    try:
        return payload._replace(body=json.dumps(_with(json.loads(payload.body), random)).encode())
    except (ValueError, RecursionError):
        form = "&".join(f"{random.choice(KEYS)}={_coded(random)}" for _ in range(random.choice((1, 3, 20))))
        return payload._replace(query=f"{payload.query}&{form}" if random.random() < 0.8 else form)


def _coded(random: Random) -> str:
    text = str(random.choice(ODD)).encode("utf-8", "replace").decode()
    return quote(text) if random.random() < 0.7 else text.encode().decode("latin-1")  # as a query comes


def _with(document: Any, random: Random) -> Any:
    if isinstance(document, dict) and document and random.random() < 0.9:
        name, how = random.choice(sorted(document)), random.random()
        if how < 0.15:
            return {key: value for key, value in document.items() if key != name}
        if how < 0.3:
            return document | {random.choice(KEYS): random.choice(ODD)}
        return document | {name: random.choice(ODD) if how < 0.6 else _with(document[name], random)}
    if isinstance(document, list) and document and random.random() < 0.9:
        at = random.randrange(len(document))
        return [*document[:at], _with(document[at], random), *document[at:]]
    return random.choice(ODD)


def _crowded(payload: Payload, random: Random) -> Payload:
    """The same names again and again."""
    names = [random.choice(KEYS) for _ in range(3)]
    more = "&".join(f"{random.choice(names)}={random.randint(-999, 999)}" for _ in range(_often(random, 5000)))
    if random.random() < 0.5:
        return payload._replace(query=f"{payload.query}&{more}")
    return payload._replace(body=payload.body + b"&" + more.encode())


def _headed(payload: Payload, random: Random) -> Payload:
    name = random.choice(HEADERS)
    value = random.choice(TYPES) if name == b"content-type" else _splice(payload.headers.get(name, b""), random)
    return payload._replace(headers={**payload.headers, name: value})


def _known(payload: Payload, random: Random) -> Payload:
    """What the server knows of the sender."""
    entry = {"speed_unit": random.choice(ODD), "owntracks_secret": random.choice(ODD)}
    rest = str(random.choice(ODD)).encode("utf-8", "replace").decode()
    device = random.choice(("", "van-7"))
    return payload._replace(options=lambda _: entry, rest=rest, device=device, method=random.choice(("GET", "POST")))


def _noise(payload: Payload, random: Random) -> Payload:
    return payload._replace(body=random.randbytes(random.randint(0, 300)))


MUTATIONS: tuple[Mutation, ...] = (
    *(_spliced, _spliced, _spliced, _queried, _odd, _odd, _odd, _odd),
    *(_repeated, _nested, _crowded, _headed, _known, _noise),
)
