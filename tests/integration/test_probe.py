"""The question to the tile server, and the words when it is given up."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.support.tile_server import tile_server
from tests.support.waiting import deadline, until
from tracker.web.api import probe


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("fine", None),
        ("error", "answers 500"),
        ("forbidden", "answers 403: a key or the right to use it is missing"),
        ("sign-in", "answers text/html instead of an image: a sign-in page"),
        ("elsewhere", "sends to http://localhost"),
    ],
)
def test_the_probe_says_why_it_gave_up(mode: str, words: str | None) -> None:
    with tile_server() as tiles:
        tiles.mode = mode
        why = probe.ask(tiles.template)
        assert why is None if words is None else words in str(why)
        assert len(tiles.asked) == 1, "nobody is asked elsewhere"


@pytest.mark.parametrize(
    "there", ["http://169.254.169.254/latest/meta-data/", "ftp://localhost/x", "file:///etc/passwd"]
)
def test_a_tile_server_cannot_have_us_ask_somebody_else(there: str) -> None:
    with tile_server() as tiles:
        tiles.mode, tiles.elsewhere = "elsewhere", there
        assert probe.ask(tiles.template)
        assert tiles.asked == ["/0/0/0.png"]


def test_a_tile_server_without_the_first_tile_is_no_outage() -> None:
    with tile_server() as tiles:
        tiles.missing.add("0/0/0")
        assert probe.ask(tiles.template) is None
        assert tiles.asked == ["/0/0/0.png"]


def test_the_probe_says_when_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_S", 0.05)
    with socket.socket() as closed, socket.socket() as deaf:
        closed.bind(("127.0.0.1", 0))
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(8)
        refuses = probe.ask(f"http://127.0.0.1:{closed.getsockname()[1]}/{{z}}/{{x}}/{{y}}")
        silent = probe.ask(f"http://127.0.0.1:{deaf.getsockname()[1]}/{{z}}/{{x}}/{{y}}")
    assert refuses == "127.0.0.1 refuses connections"
    assert silent == "127.0.0.1 did not answer within 0.05 s"


async def test_the_tile_server_is_asked_again_sooner_while_it_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with tile_server() as tiles:
        tiles.mode = "error"
        asking = probe.Probe(tiles.template)
        assert "500" in str(await asking.why_not())
        tiles.mode = "fine"
        assert "500" in str(await asking.why_not())
        monkeypatch.setattr(probe, "AGAIN_S", 0.0)
        assert await asking.why_not() is None
        tiles.mode = "error"
        assert await asking.why_not() is None
        assert len(tiles.asked) == 2


async def test_tiles_of_our_own_address_are_not_asked_for() -> None:
    assert await probe.Probe("/tiles/{z}/{x}/{y}.png").why_not() is None
    assert await probe.Probe("").why_not() == "no tiles are set"


async def test_the_page_does_not_wait_for_tiles_that_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def ask(_url: str) -> str:
        answer.wait(deadline(20))
        return "they are away"

    monkeypatch.setattr(probe, "ask", ask)
    asking = probe.Probe("https://tile.example/{z}/{x}/{y}.png")
    assert await asking.soon(0.01) is None, "nothing is known against them"
    assert not answer.is_set()
    answer.set()

    async def known() -> bool:
        return await asking.soon(deadline(10)) == "they are away"

    await until(known, "the answer that came later is known")
