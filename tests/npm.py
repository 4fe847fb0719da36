"""Programs of npm for tests: what a folder's lock file names, kept from one run to the next."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTALL_S = 110


def installed(here: Path, name: str, script: str) -> Path:
    """A copy of the folder with what it needs, and with its script as it is now."""
    lock = hashlib.sha256((here / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = ROOT / ".venv-tools" / f"{name}-{lock}"
    if not (folder / "ready").exists():
        fresh = folder.with_name(f"{folder.name}-{os.getpid()}")
        shutil.copytree(here, fresh, ignore=shutil.ignore_patterns("node_modules"))
        try:
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=fresh,
                check=True,
                capture_output=True,
                timeout=INSTALL_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(fresh)
            if os.environ.get("CI"):
                raise
            pytest.skip(f"NO {name.upper()}: npm cannot install it ({type(error).__name__})")
        (fresh / "ready").touch()
        shutil.rmtree(folder, ignore_errors=True)
        try:
            fresh.rename(folder)
        except OSError:  # another run was quicker
            shutil.rmtree(fresh)
    shutil.copy(here / script, folder)
    return folder
