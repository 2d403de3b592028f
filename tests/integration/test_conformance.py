"""The WebSocket protocol itself: Autobahn's cases, run by kosoku against an echo with our socket settings."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import deadline, free_port

ECHO = """
import asyncio, sys
from types import SimpleNamespace as Some
from quart import Quart
from tracker.web.server import serving
from tracker.web.server import sockets

def echo(transport, scope, grant, subprotocol):
    def hear(message):
        is_text = isinstance(message, str)
        transport.send(message.encode() if is_text else message, is_text)
    return Some(hear_message=hear, hear_end=lambda: None)

app = Quart("echo")
listening = Some(admit_from=lambda address: None, choose_subprotocol=lambda offered: None, listen_to=echo)
sockets.install(app, {"/": sockets.Route(listening, max_message=2**25, max_frames_per_s=10**9)})
settings = Some(host="127.0.0.1", port=int(sys.argv[1]))
asyncio.run(serving.serve(app, settings, ready=lambda host, port: print("ready", flush=True)))
"""


@pytest.fixture
def echo() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-c", ECHO, str(port)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield port
        process.terminate()
        assert process.wait(deadline(10)) == 0


def test_all_cases_of_chapters_1_to_7_and_10_pass(echo: int, tmp_path: Path) -> None:
    kosoku = Path(sysconfig.get_path("scripts")) / "kosoku"
    if not kosoku.is_file():
        pytest.skip("no kosoku: pip install kosoku")
    cases = [word for chapter in (1, 2, 3, 4, 5, 6, 7, 10) for word in ("-i", f"{chapter}.*")]
    done = subprocess.run(
        [kosoku, *cases, f"127.0.0.1:{echo}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=deadline(120),
        check=False,
    )
    assert "247 cases passed" in done.stdout + done.stderr, (done.stdout + done.stderr)[-2000:]
