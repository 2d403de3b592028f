"""Two builds of one checkout are the same wheel, byte for byte: what was built can be checked by building it again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.servers import ROOT
from tests.support.waiting import deadline

PARTS = ("tracker", "static", "fixtures", "pyproject.toml", "hatch_build.py", "package.json", "package-lock.json")
TEXTS = ("README.md", "LICENSE", "NOTICE", "CHANGELOG.md")


def built(place: Path, *, mode: int, moment: int) -> Path:
    """A wheel of a copy of this checkout whose files have other times and permissions."""
    source = place / "checkout"
    source.mkdir(parents=True)
    for name in (*PARTS, *TEXTS):
        here = ROOT / name
        if here.is_dir():
            shutil.copytree(here, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, source)
    for path in source.rglob("*"):
        if path.is_file():
            path.chmod(mode)
        os.utime(path, (moment, moment))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check"]
    if importlib.util.find_spec("hatchling"):
        command.append("--no-build-isolation")
    done = subprocess.run(
        [*command, "--wheel-dir", str(place / "out"), str(source)],
        capture_output=True,
        text=True,
        timeout=deadline(120),
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (place / "out").iterdir()
    return wheel


def test_two_builds_of_one_checkout_are_one_wheel(tmp_path: Path) -> None:
    one = built(tmp_path / "a", mode=0o644, moment=1_700_000_000)
    other = built(tmp_path / "b" / "deeper", mode=0o600, moment=1_750_000_000)
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()
    names = zipfile.ZipFile(one).namelist()
    assert "tracker/_static/vendor/leaflet/leaflet.js" in names
    assert not [name for name in names if name.endswith((".pyc", ".part", ".lock"))]
