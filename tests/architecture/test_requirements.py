"""What pyproject.toml asks for is what the locked requirements install: a dependency added to one alone breaks CI."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

EXTRAS = [one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra]
#: requirements file → what has to stand in it
WANTED = {"run": PROJECT["project"]["dependencies"] + EXTRAS, **PROJECT["dependency-groups"]}


def name(requirement: str) -> str:
    """The name of a package as indexes compare it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def locked(file: str) -> dict[str, str]:
    """Package → its line and hashes, as one text."""
    lines = (ROOT / "requirements" / f"{file}.txt").read_text().replace("\\\n", " ").splitlines()
    return {name(line): line for line in lines if line[:1].isalnum()}


@pytest.mark.parametrize("file", WANTED)
def test_every_dependency_is_locked(file: str) -> None:
    missing = {name(one) for one in WANTED[file]} - locked(file).keys()
    assert not missing, f"not in requirements/{file}.txt: {', '.join(sorted(missing))}; `make lock` writes it again"


@pytest.mark.parametrize("file", WANTED)
def test_what_is_locked_has_one_version_hashes_and_no_host(file: str) -> None:
    for package, line in locked(file).items():
        assert re.search(r"==\S+", line) and "--hash=sha256:" in line, f"{package} in requirements/{file}.txt"
        assert "://" not in line


def test_every_requirements_file_is_for_something() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} == WANTED.keys()


def test_tests_run_on_the_versions_that_users_get() -> None:
    run, test = locked("run"), locked("test")
    assert {package for package in run.keys() & test.keys() if run[package] != test[package]} == set()


def test_the_lock_of_npm_has_hashes_and_no_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert not name or (package["version"] and package["integrity"].startswith("sha512-")), name
        assert "resolved" not in package, name
