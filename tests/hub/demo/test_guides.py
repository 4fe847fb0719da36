"""The guides as a newcomer follows them: every file written, every command run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.hub.serve.live import free_port

ROOT = Path(__file__).resolve().parents[3]
GUIDES = ("officers-guide", "departments-guide")
_STEP = re.compile(
    r"(?:`(?P<file>\.demo/[^`\n]+)`[^`\n]*[:：]\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.S
)
_ENDS = "--- the end of a step ---"


class Step(msgspec.Struct):
    """A block of the guide: a file to write, commands to run, or what they print."""

    kind: str
    text: str
    file: str | None


def steps(guide: str) -> list[Step]:
    text = (ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8")
    return [Step(one["kind"], one["text"], one["file"]) for one in _STEP.finditer(text)]


@pytest.mark.parametrize("guide", GUIDES)
def test_both_languages_have_the_same_steps(guide: str) -> None:
    english, chinese = steps(guide), steps(f"{guide}.zh-CN")
    assert english == chinese
    assert {step.kind for step in english} == {"sh", "yaml", "text"}
    assert all((step.file is not None) == (step.kind == "yaml") for step in english)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[int]:
    """The demonstration in a folder of its own, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "hub", "demo", "--port", str(port), "--scale", "2000"]
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    with subprocess.Popen(
        [*command, "--dir", ".demo"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            for line in running.stdout:
                if line.startswith("Hub ready"):
                    break
            else:
                pytest.fail("the demonstration did not start")
            yield port
        finally:
            running.terminate()
            running.communicate(timeout=60)


def script(guide: str, port: int) -> tuple[str, list[str]]:
    """One shell script of all steps, and what each is to print."""
    lines, wanted = ["set -e"], []
    for step in steps(guide):
        match step.kind:
            case "yaml":
                lines += [f"cat > {step.file} <<'END_OF_FILE'\n{step.text}END_OF_FILE"]
            case "sh":
                lines += [step.text, f"echo '{_ENDS}'"]
                wanted.append("")
            case "text":
                wanted[-1] += step.text
    text = "\n".join(lines).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    # a machine that is busy with other tests takes longer than a reader's
    return re.sub(
        r"^sleep (\d+)$", lambda one: f"sleep {3 * int(one[1])}", text, flags=re.M
    ), wanted


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_does_what_it_says(city: int, tmp_path: Path, guide: str) -> None:
    text, wanted = script(guide, city)
    ran = subprocess.run(
        ["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=500,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    printed = ran.stdout.split(f"{_ENDS}\n")[:-1]
    assert len(printed) == len(wanted)
    for found, lines in zip(printed, wanted, strict=True):
        rest = found
        for line in filter(None, lines.splitlines()):
            pattern = "^" + ".*".join(map(re.escape, line.split("…"))) + "$"
            match = re.search(pattern, rest, re.MULTILINE)
            assert match is not None, f"not printed: {line}\n{rest}"
            rest = rest[match.end() :]
