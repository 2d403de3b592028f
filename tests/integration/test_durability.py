"""Acknowledged means durable: kill -9, a missing fsync, a full disk, SIGTERM, a second server."""

from __future__ import annotations

import contextlib
import json
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.disks import mounted
from tests.support.sending import DEPOT, Sender, check_all_is_there_once, drive, driving, track, until_more
from tests.support.servers import ROOT, Server, now
from tests.support.waiting import deadline, until_sync
from tracker.live.close_codes import may_return
from tracker.times import parse_time


@pytest.mark.timeout(170)
def test_a_killed_server_has_every_acknowledged_ping_once_and_exactly_their_events(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    assert server.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201
    chance = random.Random(7)
    with driving(server, 4) as senders:
        for turn in range(10):
            until_more(senders, chance.randint(1, 120))
            if turn % 5 == 4:
                assert server.stop() == 0
            else:
                server.kill()
            server.start()
    assert [sender.refused for sender in senders] == [[], [], [], []]
    server.kill()
    server.start()
    assert check_all_is_there_once(server, senders) > 10


# ------------------------------------------------------------------------------------------------------- fsync

CALL = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<fd>\d+)<(?P<path>[^>]*)>(?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>")


def premature_answers(trace: str) -> tuple[int, int]:
    """How many 2xx left, and how many of them before what was written to the log was synced."""
    dirty = written = False
    answers = premature = 0
    under_way: set[str] = set()  # threads within a sync of the log
    for line in trace.splitlines():
        if (resumed := RESUMED.match(line)) and resumed["pid"] in under_way:
            under_way.discard(resumed["pid"])
            dirty = False
        elif call := CALL.match(line):
            if call["path"].endswith("-wal"):
                if call["call"] == "pwrite64":
                    dirty = written = True
                elif "unfinished" in call["rest"]:
                    under_way.add(call["pid"])
                else:
                    dirty = False
            elif '"HTTP/1.1 20' in call["rest"]:
                answers += 1
                premature += dirty or not written
                written = False
    return answers, premature


def with_synchronous(mode: str) -> list[str]:
    """The program with another mode of SQLite than it is shipped with."""
    patch = f"from tracker.stores.sqlite import schema; schema.SYNCHRONOUS = {mode!r}"
    return [sys.executable, "-c", f"{patch}; from tracker.commands.cli import main; main()"]


def answered_under_strace(tmp_path: Path, strace: str, program: list[str]) -> tuple[int, int]:
    """`premature_answers` of a server that is sent 30 pings."""
    trace = tmp_path / "trace"
    server = Server(tmp_path / "data")
    calls = "trace=pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg"
    server.program = [strace, "-D", "-f", "-y", "-s", "24", "-e", calls, "-o", str(trace), *program]
    try:
        server.start()
        until_sync(lambda: '"HTTP/1.1 20' in trace.read_text(errors="replace"), "strace follows")
        ready = len(trace.read_text(errors="replace"))
        for number in range(30):
            assert server.ping(f"van-{number % 3}", lat=60 + number / 1000).status == 200
        assert server.stop() == 0
    finally:
        server.kill()
    return premature_answers(trace.read_text(errors="replace")[ready:])


def test_no_answer_of_the_program_as_shipped_leaves_before_the_sync_of_its_bytes(tmp_path: Path, strace: str) -> None:
    answers, premature = answered_under_strace(tmp_path, strace, [sys.executable, "-m", "tracker"])
    assert answers >= 30
    assert premature == 0


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_an_answer_before_the_sync_would_be_seen(tmp_path: Path, strace: str, synchronous: str) -> None:
    answers, premature = answered_under_strace(tmp_path, strace, with_synchronous(synchronous))
    assert answers >= 30
    assert premature == answers


def place_of(trace: list[str], pattern: str, after: int = -1) -> int:
    """Where in a trace a call stands, the first after another one; -1: nowhere."""
    found = (number for number, line in enumerate(trace) if number > after and re.search(pattern, line))
    return next(found, -1)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_copy_is_on_the_disk_before_it_is_called_done(
    start_server: Callable[..., Server], tmp_path: Path, strace: str, command: str
) -> None:
    """File and folder: a name that was not synced is not there after a power cut."""
    server = start_server()
    assert server.ping("van").status == 200
    assert server.stop() == 0
    file, trace = tmp_path / "monday.db", tmp_path / "trace"
    if command == "restore":
        assert tracker("backup", str(file), "--data", str(server.data)).returncode == 0
    words = [sys.executable, "-m", "tracker", command, str(file), "--data", str(server.data)]
    calls = "trace=pwrite64,fsync,fdatasync,rename,renameat,renameat2,write"
    subprocess.run([strace, "-f", "-y", "-s", "300", "-e", calls, "-o", str(trace), *words], cwd=ROOT, check=True)
    lines = trace.read_text(errors="replace").splitlines()
    target = file if command == "backup" else server.data / "tracker.db"
    renamed = place_of(lines, rf'rename.*"{re.escape(str(target))}"\)? *= 0|rename.*"{re.escape(str(target))}"')
    written = max(number for number, line in enumerate(lines) if "pwrite64" in line and ".part>" in line)
    synced = place_of(lines, r"fsync\(.*\.part>|fdatasync\(.*\.part>", written)
    folder_synced = place_of(lines, rf"fsync\(\d+<{re.escape(str(target.parent))}>", renamed)
    told = place_of(lines, r"write\(1.*(wrote|restored) ")
    assert -1 < written < synced < renamed < folder_synced < told


# --------------------------------------------------------------------------------------------------- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", megabytes=6) as place:
        yield place


def test_a_full_disk_is_507_loses_nothing_and_goes_on_by_itself(
    start_server: Callable[..., Server], small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 << 20))
    server = start_server(small_disk / "data")
    begin = parse_time(now(-86_400)) // 1000 * 1000
    fixes = drive("van", begin, 8000)
    note = {"attributes": {"note": "x" * 600}}
    stored = 0
    while (
        answer := server.post("/api/v1/positions", [fix | note for fix in fixes[stored : stored + 200]])
    ).status == 200:
        stored += 200
    assert stored
    for _ in range(3):
        answer = server.post("/api/v1/positions", [fix | note for fix in fixes[stored : stored + 1000]])
        assert (answer.status, answer.json()["code"]) == (507, "store_full")
        assert "No room left" in answer.json()["detail"]
        refused = server.send("PUT", "/api/v1/regions/depot", DEPOT | {"x": "x" * 100_000})
        assert refused.status in (507, 200, 201)  # so small a thing may still find its place
    assert server.get("/healthz").status == 200
    assert track(server, "van") == [(fix["time"], fix["lat"]) for fix in fixes[:stored]]
    ballast.unlink()
    until_sync(lambda: server.post("/api/v1/positions", fixes[stored : stored + 200]).status == 200, "there is room")
    until_sync(lambda: server.get("/readyz").status == 200, "it is well again")
    server.kill()
    server.start()
    assert track(server, "van") == [(fix["time"], fix["lat"]) for fix in fixes[: stored + 200]]


# ------------------------------------------------------------------------------------------------------- SIGTERM


def test_sigterm_tells_the_sockets_and_ends_in_time(start_server: Callable[..., Server]) -> None:
    server = start_server()
    begin = parse_time(now(-86_400)) // 1000 * 1000
    stopping = threading.Event()
    sender = Sender(server, drive("van", begin, 100_000), stopping)
    sender.start()
    with contextlib.ExitStack() as sockets:

        def dial(path: str, **more: Any) -> ClientConnection:
            socket: ClientConnection = sockets.enter_context(connect(server.ws + path, **more))
            return socket

        viewers = [dial("/api/v1/live", max_queue=None) for _ in range(20)]
        idle = dial("/api/v1/live", max_queue=1, close_timeout=0.1)  # never read
        ingest = dial("/api/v1/positions")
        for viewer in (*viewers, idle):
            viewer.send(json.dumps({"op": "follow", "all": True}))
        until_sync(lambda: sender.acknowledged > 50, "pings are acknowledged")
        began = time.monotonic()
        code = server.stop()
        took = time.monotonic() - began
        stopping.set()
        sender.join(deadline(30))
        assert code == 0
        assert took < deadline(5)
        words = {last_word(socket) for socket in (*viewers, ingest)}
        assert words
        assert all(word and may_return(word) for word in words)
    server.start()
    found = track(server, "van")
    assert sender.acknowledged <= len(found) <= sender.acknowledged + 9


def last_word(socket: ClientConnection) -> int:
    """The code it was closed with; 0 when the connection just broke."""
    try:
        while True:
            socket.recv(timeout=deadline(10))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


# ------------------------------------------------------------------------------------------------ a second server


def test_a_second_server_on_the_same_folder_refuses_to_start(start_server: Callable[..., Server]) -> None:
    server = start_server()
    second = subprocess.run(
        [sys.executable, "-m", "tracker", "serve", "--port", "0", "--data", str(server.data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=deadline(30),
    )
    assert second.returncode == 1
    assert f"process {server.pid}" in second.stderr
    assert str(server.data) in second.stderr
    assert "Traceback" not in second.stderr
    assert server.ping("van").status == 200
    server.kill()
    server.start()  # what a killed server held is free again


# ------------------------------------------------------------------------------------------------ backup, restore


def tracker(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracker", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=deadline(60))


def test_a_backup_of_a_running_server_is_put_back(start_server: Callable[..., Server], tmp_path: Path) -> None:
    server = start_server()
    assert server.send("PUT", "/api/v1/regions/depot", DEPOT).status == 201
    server.ping("van", lat=60.0, lon=25.0)
    copy = tmp_path / "copy.db"
    done = tracker("backup", str(copy), "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    server.ping("other", lat=60.0, lon=25.0)
    assert tracker("restore", str(copy), "--data", str(server.data)).returncode == 1  # it runs
    assert server.stop() == 0
    done = tracker("restore", str(copy), "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    server.start()
    assert [event["vehicle"] for event in server.events(after=0)] == ["van"]
    assert server.get("/api/v1/vehicles/other").status == 404
