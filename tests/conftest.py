"""What holds for every test: no account in reach, no silent skip, no deadline of the wall clock."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from common.config import Settings
from common.place import ENV_FILE

# A skip with any other reason fails: a test that does not run proves nothing.
ALLOWED_SKIPS = re.compile(r"recorded data absent|PostgreSQL|no Chromium")
SETTINGS = frozenset(name.upper() for name in Settings.model_fields)
PREFIXES = ("APCA_", "ALPACA_", "EXCHANGE__")

LONGEST = (
    "tests/simulation/",
    "tests/crash/",
    "tests/peer/",
    "tests/burnin/",
    "tests/acceptance/test_ops_1",
    "tests/acceptance/test_exits",
)

ReportT = TypeVar("ReportT", pytest.TestReport, pytest.CollectReport)

# How fast the machine is must never decide a test.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_configure() -> None:
    """Forget the user's settings, and refuse a .env which says anything but the defaults.

    The processes that tests start would read its keys and trade on that account.
    """
    for name in list(os.environ):
        if name.upper() in SETTINGS or name.upper().startswith(PREFIXES):
            del os.environ[name]
    if ENV_FILE.exists() and not _says_only_defaults():
        raise pytest.UsageError(
            "tests would run with the settings of .env, perhaps on its account. "
            "Next: move .env aside, test, and move it back."
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: none of them is left for one worker at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))  # stable within both


@pytest.fixture(scope="session", autouse=True)
def a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests, and the processes they start, off the user's state folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn an unexpected skip of a test into its failure."""
    report = yield
    return _judged(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn an unexpected skip of a whole module into its failure."""
    report = yield
    return _judged(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped, and why."""
    skipped = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    terminalreporter.write_line(f"skipped: {skipped.total()}")
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"  {count:4} {reason}")


def _says_only_defaults() -> bool:
    try:
        return Settings() == Settings(_env_file=None)
    except ValueError:
        return False


def _judged(report: ReportT) -> ReportT:
    if report.skipped and not ALLOWED_SKIPS.search(reason := _reason(report)):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: unexpected skip: {reason}"
        report.__dict__.pop("wasxfail", None)  # an expected failure is a skip too
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return f"xfail {getattr(report, 'wasxfail', report.longrepr)}"
