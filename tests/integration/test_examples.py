"""Each of examples/ as a process, against a server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.servers import ROOT, Server, circle
from tests.support.waiting import deadline, free_port

EXAMPLES = ROOT / "examples"


def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=deadline(60), check=False)


@contextmanager
def following(server: Server, kept: Path) -> Iterator[Iterator[str]]:
    """What the follower prints, a line at a time."""
    command = [sys.executable, str(EXAMPLES / "follow.py"), server.url, str(kept)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield iter(process.stdout.readline, "")
        finally:
            process.kill()


def test_the_sender_sends(server: Server) -> None:
    done = run("send.py", server.url, "van-7", "60.1712", "24.9440", "60.1713", "24.9441")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[:4] for line in done.stdout.splitlines()] == ["200 ", "200 "]
    assert server.get("/api/v1/vehicles/van-7").json()["position"]["lat"] == 60.1713
    assert len(server.get("/api/v1/vehicles/van-7/track").json()["positions"]) == 2


def test_the_sender_says_why_it_cannot(server: Server) -> None:
    refused = run("send.py", server.url, "van-7", "91", "24.9440")
    assert (refused.returncode, refused.stderr[:4]) == (1, "422 ")
    assert "lat_out_of_range" in refused.stderr
    nobody = run("send.py", f"http://127.0.0.1:{free_port()}", "van-7", "60", "24")
    assert (nobody.returncode, "refused" in nobody.stderr, "Traceback" in nobody.stderr) == (1, True, False)


@pytest.mark.parametrize("words", [("send.py",), ("send.py", "http://127.0.0.1", "van-7", "60"), ("follow.py",)])
def test_an_example_used_wrongly_says_how(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert f"python examples/{words[0]} http" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_follower_prints_what_happens_and_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    kept = tmp_path / "cursor"
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-0", 60.0, 24.0)
    with following(server, kept) as lines:
        assert next(lines).startswith("van-0 60.0 24.0")
        server.ping("van-1", 60.0, 24.0)
        assert "2 enter van-1 depot\n" in lines
    server.ping("van-2", 60.0, 24.0)
    with following(server, kept) as lines:  # it kept only its cursor
        first = [next(lines) for _ in range(3)]
        assert {line.split()[0] for line in first} == {"van-0", "van-1", "van-2"}
        assert next(lines) in ("2 enter van-1 depot\n", "3 enter van-2 depot\n")


def test_the_follower_says_why_it_cannot(tmp_path: Path) -> None:
    done = run("follow.py", f"http://127.0.0.1:{free_port()}", str(tmp_path / "cursor"))
    assert done.returncode == 1
    assert "nobody listens" in done.stderr
    assert "Traceback" not in done.stderr
