from __future__ import annotations

import base64
from typing import Any

import pytest

from tracker.access.credentials import Credentials, credentials


def scope(query: bytes = b"", **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"headers": named, "query_string": query}


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
    ],
)
def test_a_token_is_found_wherever_clients_put_it_and_a_header_wins(asked: dict[str, Any]) -> None:
    assert credentials(asked, "tracker") == Credentials(secret="trk_x")


def test_a_cookie_goes_by_its_whole_name() -> None:
    asked = scope(cookie='a=1; tracker-ab=other; tracker=secret=x; b="2"')
    assert credentials(asked, "tracker").cookie == "secret=x"
    assert credentials(asked, "tracker-ab").cookie == "other"
    assert credentials(asked, "b").cookie == "2"
    assert credentials(asked, "c") == Credentials()


def test_a_ticket_is_in_the_address() -> None:
    assert credentials(scope(b"ticket=abc"), "tracker") == Credentials(ticket="abc")


@pytest.mark.parametrize(
    "asked",
    [
        scope(),
        scope(authorization="Bearer"),
        scope(authorization="Basic !!!"),
        scope(authorization="Basic " + base64.b64encode(b"\xff\xfe").decode()),
        scope(authorization="Negotiate abc"),
        scope(b"token=%FF&" + b"&".join([b"t=1"] * 200)),
        scope(b"token=\xff"),
        scope(cookie="tracker"),
        scope(cookie="=;;="),
    ],
)
def test_rubbish_shows_nothing(asked: dict[str, Any]) -> None:
    assert credentials(asked, "tracker") == Credentials()
