"""POST /api/v1/positions and its WebSocket, from outside."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import select
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.support.servers import Answer, Server, now
from tests.support.waiting import deadline, until_sync
from tracker.times import parse_time

PATH = "/api/v1/positions"
NDJSON = {"content-type": "application/x-ndjson"}
MB = 2**20


def position(vehicle: str, at: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"vehicle": vehicle, "time": at or now(), "lat": 60.17, "lon": 24.94} | fields


def counts(answer: Answer) -> dict[str, int]:
    told = answer.json()
    return {name: told[name] for name in some()}


def some(**given: int) -> dict[str, int]:
    return {
        "accepted": 0,
        "late": 0,
        "held": 0,
        "duplicates": 0,
        "conflicts": 0,
        "discarded": 0,
        "ignored": 0,
        "rejected": 0,
    } | given


def is_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"]
    assert told["title"]
    assert told["detail"]
    assert "Traceback" not in answer.body.decode()


def test_a_position_is_there_once_it_is_answered(shared_server: Server) -> None:
    answer = shared_server.post(PATH, position("ingest-1", speed_kmh=36))
    assert answer.status == 200
    assert counts(answer) == some(accepted=1)
    assert answer.json()["errors"] == []
    vehicle = shared_server.get("/api/v1/vehicles/ingest-1").json()
    assert vehicle["position"]["speed_mps"] == 10.0


def test_the_same_again_is_a_duplicate_and_another_place_a_conflict(shared_server: Server) -> None:
    first = position("ingest-2")
    assert counts(shared_server.post(PATH, first)) == some(accepted=1)
    assert counts(shared_server.post(PATH, first)) == some(duplicates=1)
    assert counts(shared_server.post(PATH, first | {"lat": 60.18})) == some(duplicates=1, conflicts=1)


def test_an_older_position_is_late_and_moves_nothing(shared_server: Server) -> None:
    shared_server.post(PATH, position("ingest-3", now(-10)))
    assert counts(shared_server.post(PATH, position("ingest-3", now(-20), lat=61))) == some(accepted=1, late=1)
    assert shared_server.get("/api/v1/vehicles/ingest-3").json()["position"]["lat"] == 60.17


def test_positions_of_one_request_apply_in_fix_order(shared_server: Server) -> None:
    answer = shared_server.post(
        PATH, {"positions": [position("ingest-4", now(-n), lat=60 + n / 1e5) for n in range(5)]}
    )
    assert counts(answer) == some(accepted=5)
    assert shared_server.get("/api/v1/vehicles/ingest-4").json()["position"]["lat"] == 60


def test_nothing_is_fine(shared_server: Server) -> None:
    answer = shared_server.post(PATH, [])
    assert answer.status == 200
    assert counts(answer) == some()


def test_a_mixed_batch_keeps_the_good_and_names_the_bad(shared_server: Server) -> None:
    answer = shared_server.post(PATH, [position("ingest-5"), position("ingest-5", lat=91), {"vehicle": "x"}])
    assert answer.status == 207
    assert counts(answer) == some(accepted=1, rejected=2)
    told = [(error["index"], error["code"], error["field"]) for error in answer.json()["errors"]]
    assert told == [(1, "lat_out_of_range", "lat"), (2, "missing", "time")]


def test_a_batch_without_anything_good_is_422_and_tells_a_hundred_errors(shared_server: Server) -> None:
    answer = shared_server.post(PATH, [{}] * 250)
    is_problem(answer, 422, "all_rejected")
    assert len(answer.json()["errors"]) == 100
    assert answer.json()["more"] == 150
    assert counts(answer) == some(rejected=250)


def test_a_value_that_cannot_be_right_is_left_out_and_counted(shared_server: Server) -> None:
    items = [position("ignored-1", heading=-1, speed_kmh=-3), position("ignored-2", accuracy_m=-5, rpm=1200)]
    answer = shared_server.post(PATH, items)
    assert answer.status == 200
    assert counts(answer) == some(accepted=2, ignored=3)
    assert shared_server.get("/api/v1/vehicles/ignored-2").json()["position"]["attributes"] == {"rpm": 1200}
    nan = json.dumps(position("ignored-3")).replace("}", ', "altitude_m": NaN}')
    lines = shared_server.request("POST", PATH, nan + "\n", {"content-type": "application/x-ndjson"})
    assert counts(lines) == some(accepted=1, ignored=1)


def test_nan_costs_only_its_item(shared_server: Server) -> None:
    body = (
        f'[{json.dumps(position("ingest-6"))}, {{"vehicle": "x", "time": {json.dumps(now())}, "lat": NaN, "lon": 1}}]'
    )
    answer = shared_server.request("POST", PATH, body)
    assert answer.status == 207
    assert answer.json()["errors"][0]["code"] == "not_finite"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "empty"),
        (b"", NDJSON, 400, "empty"),
        (b"hello", {}, 400, "not_json"),
        (b"[" * 10_000 + b"]" * 10_000, {}, 400, "too_deep"),
        ('{"vehicle":"x"}'.encode("utf-16"), {}, 400, "not_utf8"),
        (b'{"vehicle":"\xe4"}', {}, 400, "not_utf8"),
        (b"17", {}, 400, "not_positions"),
        (gzip.compress(b"[]" * 100)[:-9], {"content-encoding": "gzip"}, 400, "truncated_gzip"),
        (gzip.compress(b"{}\n" * 9000)[:-9], NDJSON | {"content-encoding": "gzip"}, 400, "truncated_gzip"),
        (b"[]", {"content-encoding": "gzip"}, 400, "not_gzip"),
        (b"[]", {"content-encoding": "br"}, 415, "unsupported_encoding"),
        (b"[]", {"content-encoding": "gzip, gzip"}, 415, "unsupported_encoding"),
        (b"<gpx/>", {"content-type": "application/gpx+xml"}, 415, "unsupported_type"),
        (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_type"),
        (b"[]", {"content-type": "application/json; charset=utf-16"}, 415, "unsupported_charset"),
        (b"[]", {"content-type": "application/json; v=1; charset=latin1"}, 415, "unsupported_charset"),
        (gzip.compress(b" " * 70 * MB), {"content-encoding": "gzip"}, 413, "body_too_large"),
        (gzip.compress(b"x" * 70 * MB), NDJSON | {"content-encoding": "gzip"}, 413, "body_too_large"),
        (gzip.compress(b"[" + b"[]," * 5_000_000 + b"1]"), {"content-encoding": "gzip"}, 413, "too_many_items"),
    ],
)
def test_rubbish_is_answered_clearly(
    shared_server: Server, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    is_problem(shared_server.request("POST", PATH, body, headers), status, code)
    assert shared_server.get("/healthz").status == 200


@pytest.mark.parametrize("declared", [True, False], ids=["Content-Length", "chunked"])
def test_a_hundred_megabytes_are_refused_and_their_sender_hears_why(server: Server, declared: bool) -> None:
    before = server.memory()
    pieces: Any = b" " * 100 * MB if declared else (b" " * MB for _ in range(100))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline(60))
    connection.request("POST", PATH, pieces, encode_chunked=not declared)
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["code"] == "body_too_large"
    connection.close()
    assert server.memory() - before < 50 * MB


@pytest.mark.parametrize("parameters", ["charset=utf-8;", "charset=UTF-8; version=1", 'v=1;charset="utf-8"', ";"])
def test_a_content_type_may_have_any_parameters(shared_server: Server, parameters: str) -> None:
    answer = shared_server.request("POST", PATH, b"[]", {"content-type": f"application/json; {parameters}"})
    assert answer.status == 200


def test_gzip_is_read_in_several_members_too(shared_server: Server) -> None:
    lines = [json.dumps(position("ingest-7", now(-n))).encode() + b"\n" for n in range(4)]
    body = b"".join(gzip.compress(line) for line in lines)
    answer = shared_server.request("POST", PATH, body, NDJSON | {"content-encoding": "gzip"})
    assert counts(answer) == some(accepted=4, late=answer.json()["late"])


def test_a_bad_line_costs_only_itself(shared_server: Server) -> None:
    good = [json.dumps(position("ingest-8", now(-n))) for n in (3, 2, 1)]
    lines = [good[0], '{"vehicle":', "x" * 70_000, "", "[1]", good[1], "[" * 20_000, good[2]]
    answer = shared_server.request("POST", PATH, "\r\n".join(lines), NDJSON)
    assert answer.status == 207
    assert counts(answer) == some(accepted=3, rejected=4)
    told = [(error["index"], error["code"]) for error in answer.json()["errors"]]
    assert told == [(1, "not_json"), (2, "line_too_long"), (3, "not_an_object"), (5, "not_json")]


def test_many_short_lines_are_all_taken(shared_server: Server) -> None:
    at = parse_time(now())
    lines = [json.dumps(position(f"short-{n % 7}") | {"time": at - 10 * n}) for n in range(3000)]
    answer = shared_server.request("POST", PATH, "\n".join(lines), NDJSON)
    assert answer.status == 200
    assert answer.json()["accepted"] == 3000


def lines_of(count: int) -> Iterator[bytes]:
    """NDJSON in pieces of about 60 kB, at most two hours long, in fix order."""
    for start in range(0, count, 600):
        yield b"".join(
            b'{"vehicle":"stream-%d","time":%d,"lat":60.1,"lon":24.9,"speed_mps":12.5,"heading":90}\n'
            % (n % 50, 1_795_000_000_000 + n)
            for n in range(start, min(start + 600, count))
        )


def test_a_long_stream_is_taken_at_flat_memory(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline(120))
    sizes: list[int] = []

    def watched() -> Iterator[bytes]:
        for number, piece in enumerate(lines_of(120_000)):
            if number % 20 == 0:
                sizes.append(server.memory())
            yield piece

    connection.request("POST", PATH, watched(), NDJSON, encode_chunked=True)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["accepted"] == 120_000
    assert max(sizes) - sizes[1] < 60 * MB  # what the fleet keeps of 120,000 fixes, not the stream


def test_a_slow_body_is_given_up(start_server: Callable[..., Server]) -> None:
    server = start_server(body_timeout_s=0.2)
    with socket.create_connection(("127.0.0.1", server.port), deadline(10)) as channel:
        channel.sendall(b"POST /api/v1/positions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        assert channel.recv(65536).startswith(b"HTTP/1.1 408")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(shared_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", shared_server.port), deadline(10)) as channel:
        channel.sendall(b"POST /api/v1/positions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n[")
    assert shared_server.ping("ingest-9").status == 200


def test_other_methods_are_told_which_one_it_is(shared_server: Server) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = shared_server.request(method, PATH)
        is_problem(answer, 405, "method_not_allowed")
        assert "POST" in answer.headers["allow"]
    assert shared_server.request("OPTIONS", PATH).status == 204


def test_a_page_of_another_origin_cannot_post(shared_server: Server) -> None:
    answer = shared_server.post(PATH, position("ingest-10"), origin="https://evil.example")
    is_problem(answer, 403, "origin_not_allowed")
    own = shared_server.post(PATH, position("ingest-10"), origin=shared_server.url)
    assert own.status == 200


def test_a_name_that_is_not_ours_is_not_answered(shared_server: Server) -> None:
    is_problem(shared_server.post(PATH, [], host="evil.example"), 403, "host_not_allowed")


def test_more_than_the_inbox_holds_is_told_to_wait_or_taken(server: Server) -> None:
    """A large batch alone is taken; what does not fit beside it hears 503 and when to come again."""
    batch = json.dumps([position(f"crowd-{n}") for n in range(8000)]).encode()
    results: list[Answer] = []

    async def crowd() -> None:
        tasks = [asyncio.to_thread(server.request, "POST", PATH, batch) for _ in range(6)]
        results.extend(await asyncio.gather(*tasks))

    asyncio.run(crowd())
    assert {answer.status for answer in results} <= {200, 503}
    assert any(answer.status == 200 for answer in results)
    assert all("retry-after" in answer.headers for answer in results if answer.status == 503)


async def conversation(server: Server, messages: list[str | bytes]) -> list[dict[str, Any]]:
    """Everything answered until all messages are counted."""
    answers: list[dict[str, Any]] = []
    async with connect(server.ws + PATH, compression=None) as channel:
        for message in messages:
            await channel.send(message)
        while not answers or answers[-1]["upto"] < len(messages):
            answers.append(json.loads(await asyncio.wait_for(channel.recv(), deadline(20))))
    return answers


async def test_pipelined_messages_are_counted_as_they_are_committed(server: Server) -> None:
    messages: list[str | bytes] = [json.dumps(position(f"ws-{n % 9}", now(n / 1000 - 10))) for n in range(500)]
    answers = await conversation(server, messages)
    assert answers[-1] == {"upto": 500, "errors": []}
    assert [answer["upto"] for answer in answers] == sorted(answer["upto"] for answer in answers)
    assert len(server.get("/api/v1/vehicles?q=ws-").json()["vehicles"]) == 9
    elsewhere = position("ws-0", now(-10)) | {"time": json.loads(messages[0])["time"], "lat": 61}
    again = await conversation(server, [messages[0], json.dumps([elsewhere, position("ws-0", now(-99))])])
    told = [sum(answer.get(name, 0) for answer in again) for name in ("duplicates", "conflicts", "late", "held")]
    assert told == [2, 1, 1, 0], again


async def test_a_message_may_be_anything_a_post_may_and_bytes_too(server: Server) -> None:
    one, many = position("ws-a"), [position("ws-b"), position("ws-c")]
    await conversation(server, [json.dumps(one), json.dumps(many).encode(), json.dumps({"positions": many}), "[]"])
    assert len(server.get("/api/v1/vehicles?q=ws-").json()["vehicles"]) == 3


async def test_bad_messages_are_told_by_number_and_the_good_ones_stay(server: Server) -> None:
    messages: list[str | bytes] = [json.dumps(position("ws-a")), "nonsense", json.dumps([position("ws-b"), {}]), b""]
    answers = await conversation(server, messages)
    told = [(error["n"], error["index"], error["code"]) for answer in answers for error in answer["errors"]]
    assert told == [(2, 0, "not_json"), (3, 1, "missing"), (4, 0, "empty")]
    assert len(server.get("/api/v1/vehicles?q=ws-").json()["vehicles"]) == 2


async def test_an_older_message_is_late_whatever_was_committed_with_it(server: Server) -> None:
    messages = [json.dumps(position("ws-a", now(-n), lat=60 + n / 1e6)) for n in range(20)]
    await conversation(server, list(messages))
    track = server.get("/api/v1/vehicles/ws-a/track").json()["positions"]
    assert len(track) == 20
    assert sum(fix.get("late", False) for fix in track) == 19


async def test_a_socket_of_another_origin_is_refused(shared_server: Server) -> None:
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as caught:
        async with connect(shared_server.ws + PATH, origin="https://evil.example"):  # type: ignore[arg-type]
            pass
    assert caught.value.response.status_code == 403


def test_a_stream_that_never_ends_is_told_how_far_it_came_when_the_server_stops(server: Server) -> None:
    """Only what is answered counts: the sender goes on from there."""
    with socket.create_connection(("127.0.0.1", server.port), deadline(30)) as channel:
        head = "POST /api/v1/positions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        channel.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        until_sync(lambda: _send_line(channel, server), "the stream is being taken")
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        until_sync(lambda: _send_line(channel, None) or select.select([channel], [], [], 0)[0], "it is answered")
        answer = channel.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 503")
    told = json.loads(answer.partition("\r\n\r\n")[2].partition("\r\n")[0])
    assert told["taken"] == told["accepted"] + told["duplicates"] > 0
    assert server.process.wait(deadline(10)) == 0


def _send_line(channel: socket.socket, server: Server | None) -> bool:
    """One more line of an endless stream, unless it is over; whether the server knows its vehicle."""
    line = json.dumps(position("endless")).encode() + b"\n"
    try:
        channel.sendall(b"%x\r\n%s\r\n" % (len(line), line))
    except OSError:
        return True
    return server is not None and server.get("/api/v1/vehicles/endless").status == 200


async def test_a_sender_that_reads_no_answers_does_not_grow_the_server(server: Server) -> None:
    async with connect(server.ws + PATH, compression=None) as channel:
        bad = json.dumps([position("deaf", colour=[])] * 100)
        before = server.memory()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                for _ in range(3000):
                    await channel.send(bad)
        assert server.memory() - before < 40 * MB
        channel.transport.abort()
    assert (await asyncio.to_thread(server.get, "/readyz")).status == 200
