"""`hub check` and `hub schema diff`: real fragments and bundles, no source."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.main import run

FRAGMENT = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql, connect: {url: "${env:CIVIL}"}}
types:
  Person:
    key: [idNumber]
    from: {table: residents}
    label: internal
    share: unconditional
    fields:
      idNumber: {column: id_number, type: String}
      name: {type: String}
"""
BUNDLE = """\
policy: everybody-may-list
effect: permit
subjects: {purpose: administration}
resources: {types: [Person]}
modes: [read]
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of fragments and one of policies."""
    fragments, policies = tmp_path / "fragments", tmp_path / "policies"
    fragments.mkdir()
    policies.mkdir()
    (fragments / "civil.yaml").write_text(FRAGMENT)
    (policies / "rules.yaml").write_text(BUNDLE)
    return fragments, policies


def test_good_files(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    fragments, policies = folders
    assert run(["check", str(fragments), "--policies", str(policies)]) == 0
    assert "good: 1 types of 1 departments from 1 sources, 1 bundles" in capsys.readouterr().out


def test_what_a_configuration_names(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = folders[0].parent / "hub.yaml"
    config.write_text("fragments: ['fragments/*.yaml']\npolicies: ['policies/*.yaml']\n")
    assert run(["check", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "good: 1 types" in out
    assert "note: rules are in force unsigned" in out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("from: {table", "form: {table", "civil.yaml:6:5"),
        ("label: internal", "label: secret", "civil.yaml:7:"),
        ("${env:CIVIL}", "postgresql://hub:secret@db/x", "a secret is written in clear"),
        ("  Person:", "  Person: [", "civil.yaml:"),
    ],
)
def test_a_wrong_fragment_is_told_with_its_place(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    (folders[0] / "civil.yaml").write_text(FRAGMENT.replace(old, new))
    assert run(["check", str(folders[0])]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert told in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("effect: permit", "effect: allow", "rules.yaml:2:"),
        ("[Person]", "[Nobody]", "Nobody"),
        ("administration", "curiosity", "no purpose"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    fragments, policies = folders
    (policies / "rules.yaml").write_text(BUNDLE.replace(old, new))
    assert run(["check", str(fragments), "--policies", str(policies)]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("{level: internal, review_by: 2020-12-31}", "was to be reviewed by 2020-12-31"),
        ("{level: internal, basis: rule 7, review_by: 9020-12-31}", ""),
    ],
)
def test_a_review_date_that_has_passed_stops_publication(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], label: str, told: str
) -> None:
    (folders[0] / "civil.yaml").write_text(FRAGMENT.replace("internal", label))
    assert run(["check", str(folders[0])]) == (1 if told else 0)
    assert told in capsys.readouterr().err


def test_a_pack_may_ask_for_the_basis_of_levels(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pack = folders[0].parent / "strict.yaml"
    pack.write_text("pack: strict\nversion: 1\nlint: {label_basis: true}\n")
    asked = ["check", str(folders[0]), "--pack", "plain", "--pack", str(pack)]
    assert run(asked) == 1
    assert "civil.yaml:7:12: the label of type `Person`" in capsys.readouterr().err
    text = FRAGMENT.replace("internal", "{level: internal, basis: decision 7 of 2026}")
    (folders[0] / "civil.yaml").write_text(text)
    assert run(asked) == 0


def test_a_floor_that_cannot_be_is_told_with_its_place(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    text = FRAGMENT.replace("name: {type: String}", "name: {type: String, floor: {outcome: x}}")
    (folders[0] / "civil.yaml").write_text(text)
    assert run(["check", str(folders[0])]) == 1
    assert "civil.yaml:11:35: the floor's `outcome`" in capsys.readouterr().err


def test_diff(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    fragments, _ = folders
    new = fragments.parent / "new"
    new.mkdir()
    file = new / "civil.yaml"
    file.write_text(FRAGMENT)
    assert run(["schema", "diff", str(fragments), str(new)]) == 0
    assert capsys.readouterr().out == "no changes\n"
    file.write_text(FRAGMENT.replace("      name: {type: String}\n", ""))
    assert run(["schema", "diff", str(fragments), str(new)]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("breaking   Person.name")
    assert "breaking changes" in shown.err
    assert run(["schema", "diff", str(fragments), str(new), "--fail-on", "never"]) == 0
    assert run(["schema", "diff", str(new), str(fragments)]) == 0
