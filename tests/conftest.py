"""What all tests share: options, Hypothesis profiles, the optional tools and a clock for deadlines."""

from __future__ import annotations

import shutil
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.register_profile(
    "thorough", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")  # the same examples in every run; look further with --hypothesis-profile=thorough


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a test that is skipped, because Chromium or strace is missing say, has failed",
    )
    parser.addoption("--browser", action="store_true", help="a missing Chromium is a failure")


NOT_OURS = "not part of the repository"  #: recordings we may try things on, but do not ship: no run owes them


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    excused = hasattr(report, "wasxfail") or NOT_OURS in str(report.longrepr)
    if report.skipped and not excused and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and --no-skips does not let it: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> str:
    """Where Debian's Chromium is; without one the test is skipped, or fails where it was asked for."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    message = "no Chromium: sudo apt-get install chromium"
    if request.config.getoption("--browser"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def strace() -> str:
    return shutil.which("strace") or pytest.skip("no strace: sudo apt-get install strace")
