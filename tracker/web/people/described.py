"""These routes as /openapi.json describes them."""

from __future__ import annotations

from tracker.access.people import CEILING, VERBS
from tracker.web.api.openapi import JSON, LIST, Route
from tracker.web.api.schemas import COUNT, FLAG, TEXT, TIME, Schema, array, or_null, page, ref, thing

_NAMES = array(TEXT)
_SEEN: Schema = {"anyOf": [_NAMES, {"const": "all"}]}
_MAY = array({"enum": list(VERBS)})
_ROLE: Schema = {"enum": list(CEILING)}
_USER = thing(
    "name role groups disabled has_password",
    name=TEXT,
    role=_ROLE,
    groups=_NAMES,
    disabled=FLAG,
    has_password=FLAG,
    version=COUNT,
)
_USER_SENT = thing(
    "", name=TEXT, role=_ROLE, groups=_NAMES, disabled=FLAG, password=or_null(TEXT), current_password=TEXT
)
_COARSE: Schema = {"type": "number", "minimum": 10, "maximum": 50_000}
_GROUP = thing(
    "name regions vehicles may", name=TEXT, regions=_SEEN, vehicles=_SEEN, may=_MAY, coarse_m=_COARSE, version=COUNT
)
_GROUP_SENT = thing("", name=TEXT, regions=_SEEN, vehicles=_SEEN, may=_MAY, coarse_m=or_null(_COARSE))
_KIND = {"enum": ["device", "scrape"]}
_ERROR = or_null(thing("code at message", code=TEXT, at=TIME, message=or_null(TEXT)))
_TOKEN = thing(
    "id kind name vehicles groups shows",
    id=TEXT, kind=TEXT, name=TEXT, vehicles=_NAMES, groups=_NAMES, shows=_NAMES, user=or_null(TEXT), created_at=TIME,
    created_by=or_null(TEXT), ends_at=or_null(TIME), used_at=or_null(TIME), address=or_null(TEXT), error=or_null(TEXT),
    error_at=or_null(TIME), last_error=_ERROR, token=TEXT,
)  # fmt: skip
_HEARD = thing(
    "at address scheme protocol counts code message waiting",
    at=TIME, address=TEXT, scheme=TEXT, protocol=TEXT, counts={"type": "object"}, code=or_null(TEXT),
    message=or_null(TEXT), waiting=_NAMES,
)  # fmt: skip
_SEEN_LAST = thing("at vehicle name position", at=TIME, vehicle=TEXT, name=TEXT, position={"type": "object"})
_TOKEN_WATCHED: Schema = {
    **_TOKEN,
    "properties": _TOKEN["properties"] | {"heard": or_null(_HEARD), "seen": or_null(_SEEN_LAST)},
}
_TARGET_SENT = thing(
    "",
    kind={"const": "positions"},
    name=TEXT,
    url=TEXT,
    secret=or_null(TEXT),
    enabled=FLAG,
    every_s={"type": "number", "minimum": 1, "maximum": 3600},
    vehicle_every_s={"type": "number", "minimum": 0, "maximum": 86_400},
    user=or_null(TEXT),
    groups=_SEEN,
    regions=_SEEN,
    vehicles=_SEEN,
)
_TARGET = thing(
    "id kind url enabled version",
    id=TEXT,
    **_TARGET_SENT["properties"],
    created_at=TIME,
    created_by=or_null(TEXT),
    version=COUNT,
    waiting=COUNT,
    requests=COUNT,
    positions=COUNT,
    delivered_at=or_null(TIME),
    error=or_null(TEXT),
    error_at=or_null(TIME),
)
_ENTRY = thing(
    "seq at who address what target",
    seq=COUNT,
    at=TIME,
    who=TEXT,
    address=TEXT,
    what=TEXT,
    target=TEXT,
    before={},
    after={},
)
_SESSION = thing(
    "open name role groups may",
    open=FLAG,
    name=or_null(TEXT),
    role=or_null(TEXT),
    groups=_NAMES,
    may=_NAMES,
    grant=TEXT,
    without_token=COUNT,
    deletes_from=TIME,
    regions=_SEEN,
    grants=array(thing("name regions vehicles may", name=or_null(TEXT), regions=_SEEN, vehicles=_SEEN, may=_MAY)),
    waiting=COUNT,
)
_LINK = thing("link path until", link=TEXT, path=TEXT, until=TIME)
_STRANGER = thing(
    "vehicle refused first_at last_at fixes kept position address token token_name",
    vehicle=TEXT, refused=FLAG, first_at=TIME, last_at=TIME, fixes=COUNT, kept=COUNT,
    position={"anyOf": [ref("Position"), {"type": "null"}]}, address=or_null(TEXT), token=or_null(TEXT),
    token_name=or_null(TEXT),
)  # fmt: skip
_BODY = (400, 413, 415, 422, 503, 507)

_KEPT = thing(
    "at protocol body bytes cut status code message",
    at=TIME, protocol=TEXT, method=or_null(TEXT), path=or_null(TEXT), query=or_null(TEXT), headers={"type": "object"},
    body=or_null(TEXT), bytes=COUNT, cut=FLAG, status=or_null(COUNT), code=or_null(TEXT), message=or_null(TEXT),
    counts={"type": "object"}, token=or_null(TEXT), address=or_null(TEXT),
)  # fmt: skip
_ECHO = thing(
    "protocol pings warnings reply",
    protocol=TEXT, looks_like=or_null(TEXT), items=COUNT, rejected=COUNT, discarded=COUNT, ignored=COUNT, more=COUNT,
    pings=array({"type": "object"}), errors=array({"type": "object"}), fields=array({"type": "object"}),
    warnings=array(thing("kind message", kind=TEXT, message=TEXT)),
    error=thing("code message do", code=TEXT, message=TEXT),
    repairs={"type": "object"}, reply=thing("status headers body", status=COUNT, headers={"type": "object"}, body=TEXT),
)  # fmt: skip

ROUTES = (
    *(
        Route(
            "GET",
            f"/api/v1/{whose}/payloads",
            about,
            (200, JSON, page("payloads", _KEPT)),
            errors=(401, 404),
        )
        for whose, about in (
            ("vehicles/{vehicle}", "The last that came of a vehicle, as it came"),
            ("tokens/{id}", "The last that came with a token and names no vehicle"),
        )
    ),
    Route(
        "POST",
        "/api/v1/ingest/echo",
        "How a payload would be read, and what its client would hear; stores nothing",
        (200, JSON, _ECHO),
        body={"*/*": {}},
        query={"protocol": TEXT, "path": TEXT, "method": TEXT},
        errors=(400, 401, 404, 413, 415, 422, 503),
    ),
    Route(
        "POST",
        "/api/v1/session",
        "Sign in, by name and password or by a link",
        (204, None, None),
        body={JSON: thing("password", name=TEXT, password=TEXT, link=TEXT)},
        errors=(401, 403, 404, 429, *_BODY),
    ),
    Route(
        "POST",
        "/api/v1/session/link",
        "Whose a link is, and until when it is good",
        (200, JSON, thing("user until", user=or_null(TEXT), until=TIME)),
        body={JSON: thing("link", link=TEXT)},
        errors=(403, 404, *_BODY),
    ),
    Route("GET", "/api/v1/session", "Who am I?", (200, JSON, _SESSION), errors=(401,)),
    Route(
        "DELETE",
        "/api/v1/session",
        "Sign out",
        (204, None, None),
        query={"everywhere": FLAG, "id": TEXT},
        errors=(401, 403, 404),
    ),
    Route(
        "POST",
        "/api/v1/tickets",
        "A word that opens one socket, once",
        (201, JSON, thing("ticket", ticket=TEXT)),
        errors=(401,),
    ),
    Route("GET", "/api/v1/users", "Who may sign in", (200, JSON, page("users", _USER)), query=LIST, errors=(401, 404)),
    Route(
        "POST",
        "/api/v1/users",
        "Let somebody in",
        (201, JSON, _USER),
        body={JSON: _USER_SENT},
        errors=(401, 404, 409, *_BODY),
    ),
    Route("GET", "/api/v1/users/{name}", "One user", (200, JSON, _USER), errors=(401, 404)),
    Route(
        "PATCH",
        "/api/v1/users/{name}",
        "Change a user",
        (200, JSON, _USER),
        body={JSON: _USER_SENT},
        errors=(401, 404, 409, 412, 429, *_BODY),
    ),
    Route("DELETE", "/api/v1/users/{name}", "Remove a user", (204, None, None), errors=(401, 404, 409, 412)),
    Route(
        "POST", "/api/v1/users/{name}/link", "A link to choose a password with", (201, JSON, _LINK), errors=(401, 404)
    ),
    Route(
        "GET",
        "/api/v1/users/{name}/tokens",
        "Tokens that stand for a user",
        (200, JSON, page("tokens", _TOKEN)),
        query=LIST,
        errors=(401, 404),
    ),
    Route(
        "POST",
        "/api/v1/users/{name}/tokens",
        "A token for a script",
        (201, JSON, _TOKEN),
        body={JSON: thing("", name=TEXT)},
        errors=(401, 404, *_BODY),
    ),
    Route("GET", "/api/v1/groups", "Groups", (200, JSON, page("groups", _GROUP)), query=LIST, errors=(401, 404)),
    Route(
        "POST",
        "/api/v1/groups",
        "Add a group",
        (201, JSON, _GROUP),
        body={JSON: _GROUP_SENT},
        errors=(401, 404, 409, *_BODY),
    ),
    Route("GET", "/api/v1/groups/{name}", "One group", (200, JSON, _GROUP), errors=(401, 404)),
    Route(
        "PATCH",
        "/api/v1/groups/{name}",
        "Change a group",
        (200, JSON, _GROUP),
        body={JSON: _GROUP_SENT},
        errors=(401, 404, 409, 412, *_BODY),
    ),
    Route("DELETE", "/api/v1/groups/{name}", "Remove a group", (204, None, None), errors=(401, 404, 409, 412)),
    Route(
        "GET",
        "/api/v1/tokens",
        "Tokens of devices, and who came without one",
        (
            200,
            JSON,
            page(
                "tokens", _TOKEN, without=array(thing("", address=TEXT, asked=TEXT, times=COUNT, at=TIME, message=TEXT))
            ),
        ),
        query=LIST,
        errors=(401, 404),
    ),
    Route(
        "POST",
        "/api/v1/tokens",
        "A token for a device",
        (201, JSON, _TOKEN),
        body={
            JSON: thing(
                "", name=TEXT, vehicles=_NAMES, groups=_NAMES, shows=_NAMES, kind={"enum": ["device", "scrape"]}
            )
        },
        errors=(401, 404, *_BODY),
    ),
    Route(
        "GET",
        "/api/v1/tokens/{id}",
        "One token, and what its device said last",
        (200, JSON, _TOKEN_WATCHED),
        errors=(401, 404),
    ),
    Route("DELETE", "/api/v1/tokens/{id}", "Revoke a token", (204, None, None), errors=(401, 404, 412)),
    Route(
        "POST",
        "/api/v1/tokens/{id}/rotate",
        "Another secret for the same",
        (201, JSON, _TOKEN),
        body={JSON: thing("", overlap_s={"type": "number"})},
        errors=(401, 404, 412, *_BODY),
    ),
    Route(
        "GET",
        "/api/v1/connect",
        "Where a device can reach this server",
        (
            200,
            JSON,
            thing(
                "addresses port scheme alone unknown_vehicles",
                addresses=_NAMES,
                port=COUNT,
                scheme=TEXT,
                alone=FLAG,
                unknown_vehicles=TEXT,
            ),
        ),
        errors=(401, 404),
    ),
    Route(
        "POST",
        "/api/v1/connect/qr",
        "A text as a QR code",
        (200, "image/svg+xml", TEXT),
        body={JSON: thing("text", text=TEXT)},
        errors=(401, 404, *_BODY),
    ),
    Route(
        "GET",
        "/api/v1/targets",
        "Where positions go as vehicles move",
        (200, JSON, page("targets", _TARGET)),
        query=LIST,
        errors=(401, 404),
    ),
    Route(
        "POST",
        "/api/v1/targets",
        "Add a target",
        (201, JSON, _TARGET),
        body={JSON: _TARGET_SENT},
        errors=(401, 404, 409, *_BODY),
    ),
    Route("GET", "/api/v1/targets/{id}", "One target, and how it goes", (200, JSON, _TARGET), errors=(401, 404)),
    Route(
        "PATCH",
        "/api/v1/targets/{id}",
        "Change a target",
        (200, JSON, _TARGET),
        body={JSON: _TARGET_SENT},
        errors=(401, 404, 412, *_BODY),
    ),
    Route("DELETE", "/api/v1/targets/{id}", "Remove a target", (204, None, None), errors=(401, 404, 412)),
    Route(
        "POST",
        "/api/v1/targets/{id}/test",
        "Send it a message of no positions",
        (200, JSON, thing("delivered status error", delivered=FLAG, status=or_null(COUNT), error=or_null(TEXT))),
        errors=(401, 404, 503, 507),
    ),
    Route(
        "GET",
        "/api/v1/quarantine",
        "Vehicles nobody knows",
        (200, JSON, page("quarantine", _STRANGER)),
        query=LIST,
        errors=(401, 404),
    ),
    Route("GET", "/api/v1/quarantine/{vehicle}", "One of them", (200, JSON, _STRANGER), errors=(401, 404, 422)),
    Route(
        "DELETE",
        "/api/v1/quarantine/{vehicle}",
        "Turn it away until it is forgotten, or forget it",
        (204, None, None),
        query={"forget": FLAG},
        errors=(401, 404, 422, 503, 507),
    ),
    Route(
        "POST",
        "/api/v1/quarantine/{vehicle}/admit",
        "Let it in: it is registered, and its fixes are taken",
        (201, JSON, ref("Vehicle")),
        body={JSON: ref("Entry")},
        errors=(401, 404, *_BODY),
    ),
    Route(
        "GET",
        "/api/v1/audit",
        "What was changed, by whom",
        (200, JSON, page("audit", _ENTRY)),
        query={"from": TIME, "until": TIME, "who": TEXT, "what": TEXT, **LIST},
        errors=(401, 404, 422),
    ),
)
