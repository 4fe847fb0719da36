"""Fetches the uv wheel from PyPI with the standard library alone, its digest checked.

For a Python that comes with neither ensurepip nor pip: ``python3 fetch_uv.py DIRECTORY`` leaves
the program at ``DIRECTORY/bin/uv``.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path

ACCEPT = "application/vnd.pypi.simple.v1+json"
TAGS = {
    ("Linux", "x86_64"): "manylinux_2_17_x86_64",
    ("Linux", "aarch64"): "manylinux_2_17_aarch64",
    ("Darwin", "arm64"): "macosx_11_0_arm64",
    ("Darwin", "x86_64"): "macosx_10_12_x86_64",
}


def release(wheel: dict[str, str]) -> tuple[int, ...]:
    """The version in a wheel's name; one that is no plain release comes first."""
    parts = wheel["filename"].split("-")[1].split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def main() -> None:
    """Find the newest wheel for this machine, check it, unpack its program."""
    tag = TAGS.get((platform.system(), platform.machine()))
    if tag is None:
        sys.exit("setup: this Python has no pip and there is no known uv wheel for this machine")
    request = urllib.request.Request("https://pypi.org/simple/uv/", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - a fixed https address
        files = json.load(reply)["files"]
    wheels = [f for f in files if f["filename"].endswith(".whl") and tag in f["filename"]]
    wheels = [f for f in wheels if not f.get("yanked")]
    if not wheels:
        sys.exit("setup: PyPI has no uv wheel for this machine")
    wheel = max(wheels, key=release)
    with urllib.request.urlopen(wheel["url"], timeout=300) as reply:  # noqa: S310 - what PyPI names
        data = reply.read()
    if hashlib.sha256(data).hexdigest() != wheel["hashes"]["sha256"]:
        sys.exit("setup: the uv wheel does not have the digest that PyPI states")
    program = Path(sys.argv[1]) / "bin" / "uv"
    program.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".data/scripts/uv"))
        program.write_bytes(archive.read(name))
    program.chmod(0o755)


if __name__ == "__main__":
    main()
