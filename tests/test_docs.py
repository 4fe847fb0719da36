"""What the program has is documented, and what is documented the program has."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from hub.settings import Settings
from policies.syntax import read_bundle
from schema.errors import CODES
from tests.cli_page import render

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted(DOCS.glob("*.md"))]


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_error_code() -> None:
    rows = [line for line in read("errors.md").splitlines() if line.startswith("| `")]
    wanted = [
        f"| `{code}` | {info.kind} | {info.status} | {'yes' if info.retryable else 'no'}"
        f" | {info.about} |"
        for code, info in CODES.items()
    ]
    assert rows == wanted, "docs/errors.md: make the table equal to schema/errors.py"


def settings_of(kind: type, prefix: str = "") -> Iterator[str]:
    """Dotted names of every setting; what is a value of its own (an issuer) counts as one."""
    hints = typing.get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        if isinstance(hint, type) and hint.__module__.startswith("hub.settings."):
            yield from settings_of(hint, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def test_every_setting() -> None:
    told = re.findall(r"^\| `([a-z_.]+)` \|", read("settings.md"), flags=re.MULTILINE)
    assert sorted(told) == sorted(settings_of(Settings))
    assert len(told) > 40


def test_the_page_of_the_command_line() -> None:
    assert read("cli.md") == render(), "python -m tests.cli_page > docs/cli.md"


def test_the_first_question_states_a_purpose_of_its_persona() -> None:
    personas = yaml.safe_load((ROOT / "examples/city/personas.yaml").read_text(encoding="utf-8"))
    claims = {persona["name"]: persona["claims"] for persona in personas}
    page = read("for-app-teams.md")
    (name,) = re.findall(r'tokens\.json"\)\)\["([\w-]+)"\]', page)
    (purpose,) = re.findall(r'-H "Hub-Purpose: ([\w.]+)"', page)
    assert purpose in claims[name]["purposes"]


def test_the_rules_in_the_pages_are_rules() -> None:
    found = re.findall(r"^```yaml\n(policy:.*?)^```", read("for-security-officers.md"), re.M | re.S)
    assert [len(read_bundle(text, "page").rules) for text in found] == [3]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_pages_name_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(
        r"`((?:schema|connectors|policies|auth|hub|tests|docker)/[\w./-]+)`", text
    ):
        assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_the_changelog_has_an_unreleased_part() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
