from __future__ import annotations

import base64
from typing import Any

import pytest

from tracker.access.credentials import MOST_COOKIES, Credentials, credentials


def scope(query: bytes = b"", path: str = "/api/v1/positions", **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"path": path, "headers": named, "query_string": query}


def shown(asked: dict[str, Any], cookie: str = "tracker") -> Credentials:
    return credentials(asked, dict(asked["headers"]), lambda _: cookie)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "asked",
    [
        scope(authorization="Bearer trk_x"),
        scope(authorization="bearer  trk_x "),
        scope(authorization=basic("anybody:trk_x")),
        scope(authorization=basic("trk_x:")),
        scope(authorization=basic("trk_x")),
        scope(x_api_key="trk_x"),
        scope(authorization="Basic trk_x:"),
        scope(b"lat=1&token=trk_x&lon=2"),
        scope(b"api_key=trk_x"),
        scope(b"token=wrong", authorization="Bearer trk_x"),
        scope(authorization="Digest username=x", x_api_key="trk_x"),
        scope(authorization="Bearer ", x_api_key=" trk_x "),
        scope(b"token=trk%5Fx"),
        scope(b"a_token=y&token=old&token=trk_x&token=&api_key=other&lat=1"),
        scope(path="/ingest/json/trk_x"),
        scope(b"token=trk_x", path="/ingest/json/van-7"),
        scope(path="/ingest/json/wrong", x_api_key="trk_x"),
    ],
)
def test_a_token_is_found_wherever_clients_put_it_and_a_header_wins(asked: dict[str, Any]) -> None:
    assert shown(asked) == Credentials(secret=b"trk_x")


def test_a_cookie_goes_by_its_whole_name() -> None:
    asked = scope(cookie='a=1; tracker-ab=other; tracker=secret=x; b="2"')
    assert shown(asked).cookies == ("secret=x",)
    assert shown(asked, "tracker-ab").cookies == ("other",)
    assert shown(asked, "b").cookies == ("2",)
    assert shown(asked, "c") == Credentials()


def test_all_cookies_of_one_name_are_seen_and_no_more_than_can_be_meant() -> None:
    assert shown(scope(cookie="t=1; t=2; t=1"), "t").cookies == ("1", "2")
    assert len(shown(scope(cookie="; ".join(f"t={n}" for n in range(1000))), "t").cookies) == MOST_COOKIES


def test_a_ticket_is_in_the_address() -> None:
    assert shown(scope(b"ticket=abc"), "tracker") == Credentials(ticket="abc")


@pytest.mark.parametrize(
    "asked",
    [
        scope(),
        scope(authorization="Bearer"),
        scope(authorization="Basic !!!"),
        scope(authorization="Negotiate abc"),
        scope(b"t=1&tokens=x&a_token=x&token=&" + b"&".join([b"t=1"] * 200)),
        scope(path="/ingest/json/"),
        scope(path="/ingest/json/a/b"),
        scope(path="/ingest"),
        scope(path="/api/v1/positions/trk_x"),
        scope(cookie="tracker"),
        scope(cookie="=;;="),
    ],
)
def test_rubbish_shows_nothing(asked: dict[str, Any]) -> None:
    assert shown(asked) == Credentials()
