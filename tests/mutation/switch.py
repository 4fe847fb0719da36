"""Running tests with one enforcement point switched off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.overlay import NOTICED, POINT, REPORT
from tests.mutation.point import ROOT, Point

_LONGEST_S = 240


def noticed_by(point: Point, tests: tuple[str, ...]) -> dict[str, str]:
    """Test id -> `NOTICED`, or what happened instead, with the point switched off."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        kept = {name: held for name, held in os.environ.items() if not name.startswith("PYTEST")}
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-p", "tests.mutation.overlay",
                "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider",
                "--rootdir", str(ROOT), "--tb=line", *tests,
            ],
            cwd=ROOT,
            env={**kept, POINT: point.name, REPORT: str(report)},
            capture_output=True,
            timeout=_LONGEST_S,
            check=False,
            text=True,
        )  # fmt: skip
        if not report.exists():
            return dict.fromkeys(tests, f"the tests did not run: {done.stdout}{done.stderr}")
        told = json.loads(report.read_text(encoding="utf-8"))
    if not told["imported"]:
        return dict.fromkeys(tests, f"{point.file} was not imported")
    return {test: _ending(test, told["ended"]) for test in tests}


def _ending(test: str, ended: dict[str, str]) -> str:
    """How the test ended, whatever its parameters; noticing by some of them is enough."""
    found = [how for name, how in ended.items() if name.partition("[")[0] == test]
    if NOTICED in found:
        return NOTICED
    return found[0] if found else "there is no such test"
