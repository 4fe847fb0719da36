"""A connector of one's own, from the first command on: the page is followed step by step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hub.cli.main import run
from hub.registry import kinds
from schema.errors import HubError

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "your-own-connector.md"
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.M | re.S)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with pip in which the hub is installed as it is here."""
    home = tmp_path / "environment"
    uv = ROOT / ".venv-tools" / "uv" / "bin" / "uv"
    subprocess.run(
        [str(uv) if uv.exists() else "uv", "venv", "--quiet", "--seed", "--python",
         sys.executable, str(home)],
        check=True, timeout=120,
    )  # fmt: skip
    held = next((home / "lib").glob("python*/site-packages"))
    here = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    (held / "hub.pth").write_text("\n".join(here))
    script = home / "bin" / "hub"
    script.write_text(f'#!/bin/sh\nexec "{home}/bin/python" -m hub "$@"\n')
    script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {
        **kept,
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_does_what_it_says(tmp_path: Path, environment: dict[str, str]) -> None:
    place, printed = tmp_path, ""
    for kind, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "text":
            for line in text.splitlines():
                assert line in printed
            continue
        ran = subprocess.run(
            ["bash", "-ec", f"{text}pwd >&2"], cwd=place, env=environment, capture_output=True,
            text=True, timeout=200, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
        printed = ran.stdout
        place = Path(ran.stderr.splitlines()[-1])
    assert "1 passed" in printed or re.search(r"\[100%\]", printed)


def test_what_cannot_be_begun_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sql", "Records", "a--b", "-a", "a" * 41, "../a", "a_b"):
        assert run(["connector", "new", "--", name]) == 1
    assert list(tmp_path.iterdir()) == []
    assert run(["connector", "new", "land-register"]) == 0
    assert run(["connector", "new", "land-register"]) == 1
    assert "exists already" in capsys.readouterr().err
    for file in (tmp_path / "hub-connector-land-register").rglob("*.py"):
        compile(file.read_text(encoding="utf-8"), str(file), "exec")


def brought(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=kinds.GROUP)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "no connector for kind `told`"),
        ([("told", "connectors.memory:EVERYTHING"), ("told", "os:getcwd")], "two packages bring"),
        ([("told", "no_such_module:connect")], "cannot be imported"),
        ([("told", "connectors.memory:nothing")], "cannot be imported"),
        ([("told", "connectors.memory:EVERYTHING")], "is none"),
    ],
)
def test_packages_that_bring_no_connector_are_told(
    monkeypatch: pytest.MonkeyPatch, found: list[tuple[str, str]], said: str
) -> None:
    def entry_points(*, group: str, name: str | None = None) -> list[EntryPoint]:
        assert group == kinds.GROUP
        return [brought(*one) for one in found if name in (None, one[0])]

    monkeypatch.setattr(kinds, "entry_points", entry_points)
    with pytest.raises(HubError, match=said) as refused:
        kinds.connect_of("told")
    assert (refused.value.code, bool(refused.value.hint)) == ("CONFIG_INVALID", True)


def test_a_package_cannot_take_the_place_of_a_built_in_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from connectors.sql.connector import connect

    monkeypatch.setattr(kinds, "entry_points", lambda **_: [brought("sql", "os:getcwd")])
    assert kinds.connect_of("sql") is connect
