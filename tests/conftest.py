"""Options of the whole test suite."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.mariadb import missed

# texts that no XML holds are written into sample workbooks too, which openpyxl does only by itself
os.environ["OPENPYXL_LXML"] = "False"

# no example is judged by the clock: how long one takes depends on what else the machine does
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("hub", **UNTIMED)
# continuous integration tries the same examples every time: a failure is the change's
settings.register_profile("ci", derandomize=True, **UNTIMED)
settings.load_profile("ci" if os.environ.get("CI") else "hub")

GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[[str, str], None]


class _Stderr:
    """Standard error as it is when something is written."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


# a thread of one test may log while another one reads what a command printed
structlog.configure(logger_factory=structlog.PrintLoggerFactory(_Stderr()))  # type: ignore[arg-type]
_LOGGING = structlog.get_config()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """A hub or a command that a test ran in this process has set up logging of its own, to the
    error stream of that test: the next one would not see what is logged."""
    structlog.configure(**_LOGGING)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Write golden files instead of comparing."
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests that had nothing to run against are told, not passed over."""
    skipped = Counter(
        str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    )
    told = missed(skipped)
    if told is not None:
        terminalreporter.write_line(told, yellow=True, bold=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with `tests/golden/<name>`, or write it with `--update-golden`."""

    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            return
        assert file.is_file(), f"no golden file {name}: run with --update-golden and read the diff"
        assert text == file.read_text(encoding="utf-8")

    return check
