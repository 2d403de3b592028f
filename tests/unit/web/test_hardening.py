"""What every answer tells browsers, and what stays as an answer says it itself."""

from __future__ import annotations

from typing import Any

from tracker.web.server.hardening import EVERYWHERE, completed, hardened, over_tls_only


def test_an_answer_says_all_of_it_and_its_own_words_stay() -> None:
    said = completed([(b"Cache-Control", b"no-cache"), (b"etag", b"x")])
    assert said[:2] == [(b"Cache-Control", b"no-cache"), (b"etag", b"x")]
    assert {name for name, _ in said[2:]} == {name for name, _ in EVERYWHERE} - {b"cache-control"}


async def test_only_what_begins_an_answer_is_touched() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    channel = hardened(send, EVERYWHERE)
    body, frame = {"type": "http.response.body", "body": b"x"}, {"type": "websocket.send", "text": "x"}
    await channel({"type": "http.response.start", "status": 200, "headers": []})
    await channel({"type": "websocket.http.response.start", "status": 403, "headers": []})
    await channel(body)
    await channel(frame)
    assert [len(one["headers"]) for one in sent[:2]] == [len(EVERYWHERE)] * 2
    assert sent[2] is body
    assert sent[3] is frame


def test_nobody_is_bound_to_tls_where_that_is_not_wanted() -> None:
    assert over_tls_only(0) == ()
    assert over_tls_only(60) == ((b"strict-transport-security", b"max-age=60; includeSubDomains"),)
