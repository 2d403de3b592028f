"""The command line, from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.servers import ROOT, Server, circle
from tests.support.waiting import deadline, until_sync

COMMANDS = ("serve", "demo", "replay", "vehicles", "backup", "restore", "config", "doctor")


def tracker(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")}
    return subprocess.run(
        [sys.executable, "-m", "tracker", *arguments],
        cwd=cwd,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        timeout=deadline(60),
    )


def test_help_names_every_command() -> None:
    answer = tracker("--help")
    assert answer.returncode == 0
    for command in COMMANDS:
        assert command in answer.stdout
        assert tracker(command, "--help").returncode == 0


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from tracker.commands.cli import cli; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for heavy in ("quart", "hypercorn", "shapely", "numpy", "folium", "msgspec", "asyncio"):
        assert f"'{heavy}'" not in loaded, heavy


@pytest.mark.parametrize(
    "arguments",
    [["fly"], ["serve", "--port", "many"], ["serve", "--colour"], ["replay"], ["demo", "--vehicles", "0"]],
)
def test_wrong_use_is_exit_code_2_with_a_word_about_it(arguments: list[str]) -> None:
    answer = tracker(*arguments)
    assert answer.returncode == 2
    assert answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_wrong_setting_is_exit_code_2_and_names_it() -> None:
    answer = tracker("config", TRACKER_PORT="many")
    assert answer.returncode == 2
    assert answer.stderr.startswith("tracker: TRACKER_PORT is 'many'")
    assert "Traceback" not in answer.stderr


def test_config_prints_the_effective_settings(tmp_path: Path) -> None:
    (tmp_path / "tracker.toml").write_text("port = 81\nmax_line = 5000\n")
    answer = tracker("config", cwd=tmp_path, TRACKER_PORT="82")
    assert answer.returncode == 0
    told = tomllib.loads(answer.stdout)
    assert (told["port"], told["max_line"], told["host"]) == (82, 5000, "127.0.0.1")
    other = tmp_path / "other.toml"
    other.write_text("port = 83\n")
    assert tomllib.loads(tracker("--config", str(other), "config", cwd=tmp_path).stdout)["port"] == 83
    assert tracker("--config", "nothing.toml", "config", cwd=tmp_path).returncode == 2


def test_another_address_than_loopback_needs_open(tmp_path: Path) -> None:
    answer = tracker("serve", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))
    assert answer.returncode == 2
    assert "--open" in answer.stderr


def test_serve_says_where_it_is_and_ends_well(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracker", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    environ = os.environ | {"TRACKER_TILES": ""}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(deadline(10)) == 0
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate()


def test_open_serves_everybody_and_warns(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracker", "serve", "--host", "0.0.0.0", "--port", "0", "--open"]
    command += ["--data", str(tmp_path / "data")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("http://")
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=deadline(20))
    assert "everybody who can reach" in said


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = tracker("serve", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path / "data"))
    assert answer.returncode == 1
    assert "cannot listen" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_second_server_on_the_same_folder_refuses(server: Server) -> None:
    answer = tracker("serve", "--port", "0", "--data", str(server.data))
    assert answer.returncode == 1
    assert answer.stderr.startswith("tracker: ")
    assert "Traceback" not in answer.stderr


def test_what_was_answered_is_there_after_a_restart(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.17, 24.94, 200))
    server.ping("van-7")
    before = [server.get(path).json() for path in ("/api/v1/vehicles", "/api/v1/regions", "/api/v1/events")]
    assert server.stop() == 0
    server.start()
    assert [server.get(path).json() for path in ("/api/v1/vehicles", "/api/v1/regions", "/api/v1/events")] == before


def test_vehicles_are_imported_line_by_line(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "vehicles.csv"
    file.write_text("vehicle;name;plate;seats\nvan-1;Anna's;ABC-1;3\nvan-2;;;\na/b;x;y;1\nvan-1;again;;\n", "utf-8")
    answer = tracker("vehicles", "import", str(file), "--to", server.url)
    assert answer.returncode == 1  # two lines were refused
    assert "line 4" in answer.stderr
    assert "line 5" in answer.stderr
    entry = server.get("/api/v1/vehicles/van-1").json()
    assert (entry["name"], entry["plate"]) == ("Anna's", "ABC-1")
    assert server.get("/api/v1/vehicles/van-2").status == 200
    file.write_text("vehicle,group\nvan-1,North\n")
    assert tracker("vehicles", "import", str(file), "--to", server.url).returncode == 0
    entry = server.get("/api/v1/vehicles/van-1").json()
    assert (entry["name"], entry["group"]) == ("Anna's", "North")


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    file = tmp_path / "vehicles.csv"
    file.write_text("vehicle\nvan-1\n")
    answer = tracker("vehicles", "import", str(file), "--to", "http://127.0.0.1:9")
    assert answer.returncode == 1
    assert answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_backup_goes_back_to_what_was(start_server: Callable[..., Server], tmp_path: Path) -> None:
    server = start_server()
    server.ping("van-7")
    file = tmp_path / "backup.db"
    taken = tracker("backup", str(file), "--data", str(server.data))
    assert (taken.returncode, file.is_file()) == (0, True)
    assert tracker("backup", str(file), "--data", str(server.data)).returncode == 1  # never overwritten
    assert tracker("restore", str(file), "--data", str(server.data)).returncode == 1  # not under a running server
    server.ping("van-8")
    server.stop()
    done = tracker("restore", str(file), "--data", str(server.data))
    assert (done.returncode, "tracker token list" in done.stderr) == (0, True), "what it brings back to life is said"
    server.start()
    assert [one["vehicle"] for one in server.get("/api/v1/vehicles").json()["vehicles"]] == ["van-7"]


def test_doctor_looks_at_everything(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = tracker("doctor", "--port", port, "--data", str(tmp_path))
    assert answer.returncode == 1
    lines = {line.split()[1]: line for line in answer.stdout.splitlines()}
    assert lines.keys() == {"port", "disk", "kept", "clock", "assets"}
    assert lines["port"].startswith("FAIL")
    assert lines["disk"].startswith("ok")


def test_the_demo_moves_and_says_it_is_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracker", "demo", "--port", "0", "--vehicles", "5"]
    environ = os.environ | {"TRACKER_TILES": ""}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        server = Server(tmp_path / "data")
        server.port = int(process.stdout.readline().strip().rpartition(":")[2])
        assert server.get("/api/v1/page").json()["demo"] is True
        until_sync(lambda: len(server.get("/api/v1/vehicles").json()["vehicles"]) == 5, "five vans")
        assert json.loads(server.get("/api/v1/regions").body)["regions"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=deadline(20))
    assert process.returncode == 0
    assert "Traceback" not in said
