"""Each of examples/ as a process, against a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.test_upgrade import paste
from tests.support.servers import ROOT, Server, circle, now
from tests.support.waiting import deadline, free_port

EXAMPLES = ROOT / "examples"
KML = """<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>Yard</name><Polygon><outerBoundaryIs><LinearRing>
<coordinates>24,60 24.1,60 24.1,60.1 24,60</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></kml>"""


def run(name: str, *words: str, token: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *words]
    environ = os.environ | {"TRACKER_TOKEN": token}
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=deadline(60), check=False
    )


@contextmanager
def following(server: Server, kept: Path, token: str = "") -> Iterator[Iterator[str]]:
    """What the follower prints, a line at a time."""
    command = [sys.executable, str(EXAMPLES / "follow.py"), server.url, str(kept)]
    environ = os.environ | {"TRACKER_TOKEN": token}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield iter(process.stdout.readline, "")
        finally:
            process.kill()


def test_every_line_of_curl_works_with_a_token_once_people_sign_in(server: Server, tmp_path: Path) -> None:
    """As the pages say: with the header added where a line has none. The senders of examples/ take it, too."""
    ada = {"name": "ada", "role": "administrator", "password": "two blue vans in may"}
    assert server.post("/api/v1/users", ada).status == 201
    cookie = server.post("/api/v1/session", {"name": "ada", "password": ada["password"]})
    own = {"cookie": cookie.headers["set-cookie"].partition(";")[0]}
    token = server.post("/api/v1/users/ada/tokens", {}, **own).json()["token"]
    area = circle(60.0, 24.0, 500, name="Depot") | {"id": "depot"}
    (tmp_path / "depots.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [area]}))
    (tmp_path / "depots.kml").write_text(KML)
    (tmp_path / "monday.csv").write_text(f"vehicle,time,lat,lon\nvan-7,{now(-60)},60.1,24.9\n")
    said = 0
    for page in ("README.md", "docs/api.md", "docs/regions.md", "docs/people.md", "docs/outputs.md"):
        for block in re.findall(r"^```\w*\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL):
            if not re.search("^curl ", block, re.MULTILINE):
                continue
            lines = re.sub(r"^(tracker token|export) .*\n", "", block, flags=re.MULTILINE)
            lines = lines.replace("Bearer trk_…", "Bearer $TRACKER_TOKEN")
            if "Bearer $TRACKER_TOKEN" not in lines:
                lines = lines.replace("curl ", 'curl -H "Authorization: Bearer $TRACKER_TOKEN" ')
            paste(f"export TRACKER_TOKEN={token}\n{lines}", server, tmp_path)
            said += lines.count("curl ")
    assert said == 18
    assert run("send.py", server.url, "bus", "60", "24").stderr.startswith("401 ")
    assert run("send.py", server.url, "bus", "60", "24", token=token).stdout.startswith("200 ")
    with following(server, tmp_path / "cursor", token) as printed:
        assert any(line.startswith("bus 60.0 24.0") for line in printed)


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
