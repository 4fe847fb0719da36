"""The commands of releases, from a key to a roll-back: real files, no source."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest

from hub.cli.main import run
from tests.hub.rollout.office import Office, permit

Captured = pytest.CaptureFixture[str]


class Commands:
    """Runs commands over one office's configuration."""

    def __init__(self, office: Office, captured: Captured) -> None:
        self.office = office
        self._captured = captured

    def run(self, *words: str) -> tuple[int, str]:
        """Status, and what was printed."""
        config = [] if words[0] == "key" else ["--config", str(self.office.home / "hub.yaml")]
        status = run(["policy", *words, *config])
        said = self._captured.readouterr()
        return status, said.out + said.err

    def file(self, name: str) -> str:
        """A path."""
        return str(self.office.home / name)

    def sign(self, who: str, *words: str) -> tuple[int, str]:
        return self.run("sign", *words, "--key", self.file(f"{who}.pem"))


@pytest.fixture
def commands(tmp_path: Path, capsys: Captured) -> Commands:
    return Commands(Office(tmp_path), capsys)


def test_from_draft_to_roll_back(commands: Commands) -> None:
    release = commands.file("june.release.json")
    status, said = commands.run("check")
    assert (status, said.splitlines()[-1]) == (0, "good: 1 bundles, 0 notes")
    assert commands.run("status") == (0, "no release was ever put in force\n")
    status, said = commands.sign("li", commands.file("drafts"), "--out", release)
    assert status == 0
    assert "change: loosening" in said
    assert "more: Person.name (project" in said
    assert "signed by li (author)" in said
    assert "still missing: 1 of 2 officers have signed what shows somebody more" in said
    status, said = commands.run("activate", release)
    assert status == 1
    assert "[RELEASE_REFUSED]" in said
    status, said = commands.sign("wang", release)
    assert status == 0
    assert "complete" in said
    status, said = commands.run("show", release, "--out", commands.file("june"))
    assert status == 0
    assert "signed by wang as approver" in said
    written = Path(commands.file("june"), "bundles", "rules.yaml").read_text()
    assert written == permit("name")["rules.yaml"]
    assert commands.run("activate", release) == (0, "epoch 1 in force\n")
    commands.office.draft(permit("name", "salary"))
    later = commands.file("july.release.json")
    commands.sign("wang", commands.file("drafts"), "--out", later, "--name", "July")
    commands.sign("li", later)
    status, said = commands.run("activate", later, "--at", "2099-01-01T00:00:00+08:00")
    assert status == 1
    assert "it has expired, or does before it begins" in said
    assert commands.run("activate", later) == (0, "epoch 2 in force\n")
    words = ("--key", commands.file("li.pem"), "--reason", "shows salaries", "--revoke")
    assert commands.run("rollback", "1", *words) == (0, "epoch 3 in force\n")
    status, said = commands.run("status", "--json")
    found = orjson.loads(said)
    assert [(one["epoch"], one["state"], one["kind"], one["revoked"]) for one in found] == [
        (1, "superseded", "loosening", False),
        (2, "rolled back", "loosening", True),
        (3, "active", "rollback", False),
    ]
    assert commands.run("status")[1].splitlines()[2].startswith("3  active  ")


def test_the_log_tells_of_every_step(commands: Commands, capsys: Captured) -> None:
    commands.sign("li", commands.file("drafts"), "--out", commands.file("june.release.json"))
    config = ["--config", commands.file("hub.yaml")]
    assert run(["audit", "verify", *config]) == 0
    assert "whole: 1 entries" in capsys.readouterr().out
    assert run(["audit", "tail", *config]) == 0
    assert "li  policy.signed" in capsys.readouterr().out
    assert run(["audit", "tail", "--json", *config]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert orjson.loads(first)["entry"]["details"]["change"] == "loosening"


def test_a_key_pair(commands: Commands, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    out = commands.file("new.pem")
    assert commands.run("key", "--out", out)[0] == 0
    assert stat.S_IMODE(Path(out).stat().st_mode) == 0o600
    public = orjson.loads(Path(commands.file("new.pub.json")).read_bytes())
    assert (public["kty"], public["crv"]) == ("OKP", "Ed25519")
    assert "d" not in public
    status, said = commands.run("key", "--out", out)
    assert status == 1
    assert "a key is never written over another file" in said
    Path(out).chmod(0o644)
    status, said = commands.sign("new", commands.file("drafts"), "--out", "x.release.json")
    assert status == 1
    assert "others can read the private key" in said


def test_a_private_key_is_no_public_one(commands: Commands) -> None:
    office = commands.office
    (office.home / "li.pub.json").write_bytes((office.home / "li.pem").read_bytes())
    status, said = commands.run("status")
    assert status == 1
    assert "a private key stands where a public one is meant" in said


def test_two_officers_do_not_share_a_key(commands: Commands) -> None:
    office = commands.office
    (office.home / "li.pub.json").write_bytes((office.home / "wang.pub.json").read_bytes())
    status, said = commands.run("status")
    assert status == 1
    assert "two signers share a key" in said


def test_a_simulation_is_part_of_the_evidence(commands: Commands) -> None:
    """From the drafts' folder to their release, and of no other rules."""
    file, out = commands.file("simulated.json"), commands.file("june.release.json")
    words = (commands.file("drafts"), "--out", out, "--simulation", file)
    commands.run("simulate", commands.file("drafts"), "--save", file)
    assert commands.sign("li", *words)[0] == 0
    assert "simulation of 0 recorded operations: gains 0, losses 0" in commands.run("show", out)[1]
    assert commands.sign("wang", out)[0] == 0
    commands.office.draft(permit("name", "salary"))
    status, said = commands.sign("li", *words)
    assert status == 1
    assert "the simulation is of other rules" in said
    for text, told in (("[1]", "not a simulation"), ('{"changed": 1}', "is not one of")):
        Path(file).write_text(text)
        assert told in commands.sign("li", *words)[1]


def test_a_test_does_not_hide_the_bundle_of_its_name(commands: Commands) -> None:
    tests = Path(commands.file("tests"))
    tests.mkdir()
    (tests / "rules.yaml").write_text(
        "test: names\nsubject: {app: benefits, clearance: {plain: restricted}}\n"
        "expect: [{use: Person.name, outcome: allow}]\n"
    )
    out = commands.file("june.release.json")
    words = (commands.file("drafts"), "--tests", str(tests), "--out", out)
    assert commands.sign("li", *words)[0] == 0
    assert commands.run("show", out, "--out", commands.file("june"))[0] == 0
    written = Path(commands.file("june"), "bundles", "rules.yaml").read_text()
    assert written == permit("name")["rules.yaml"]
    assert Path(commands.file("june"), "tests", "rules.yaml").read_text().startswith("test: names")


def test_a_name_does_not_say_what_was_found(commands: Commands) -> None:
    """What an author names a release stands in one line, whatever signs are in it."""
    out = commands.file("june.release.json")
    name = "june\n  change: equal\x1b[2K\u202e"
    status, said = commands.sign("li", commands.file("drafts"), "--out", out, "--name", name)
    assert status == 0
    for shown in (said, commands.run("show", out)[1]):
        assert "\n  change: equal" not in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_the_most_is_that_of_the_rules_in_force(commands: Commands) -> None:
    """Not of drafts that nobody has signed; those are looked at where they are named."""
    out = commands.file("june.release.json")
    commands.sign("li", commands.file("drafts"), "--out", out)
    commands.sign("wang", out)
    assert commands.run("activate", out)[0] == 0
    commands.office.draft(permit("salary"))
    document, callers = commands.file("q.graphql"), commands.file("callers.yaml")
    Path(document).write_text("{ persons { nodes { idNumber name } } }")
    Path(callers).write_text("subjects:\n  b: {app: benefits, clearance: {plain: restricted}}\n")
    words = ("reveal", document, "--subjects", callers)
    in_force = commands.run(*words)
    drafts = commands.run(*words, "--rules", commands.file("drafts"))
    assert (in_force[0], drafts[0]) == (0, 0)
    assert "Person.name" in in_force[1]
    assert in_force != drafts


def test_what_is_no_release(commands: Commands) -> None:
    file = Path(commands.file("x.release.json"))
    file.write_text("{}")
    for words in (("activate", str(file)), ("show", str(file))):
        status, said = commands.run(*words)
        assert status == 1
        assert "not a signed release" in said
    assert commands.sign("li", commands.file("drafts"))[0] == 2


def test_status_tells_that_what_is_in_force_is_refused(commands: Commands) -> None:
    commands.office.release(permit("name"))
    fragment = commands.office.home / "civil.yaml"
    fragment.write_text(fragment.read_text().replace("      name: {type: String}\n", ""))
    assert "note: workers refuse what is in force" in commands.run("status")[1]
