"""Facts that several departments collect, as the command tells them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from hub.cli.main import run

CIVIL = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql, connect: {url: "sqlite:////none"}}
types:
  Person:
    key: [idNumber]
    from: {table: residents}
    label: internal
    share: unconditional
    fields:
      idNumber: {type: String, format: cn-id-number, title: {en: Citizen number, zh: 公民身份号码}}
      name: {type: String, authoritative: true, title: {en: Name, zh: 姓名}}
      phone: {type: String, title: {en: Phone, zh: 联系电话}}
      occupation: {type: String, title: {en: Occupation, zh: 职业}}
      status: {type: String}
"""
TALENT = """\
hub: 1
source: {name: talents, department: talent-office, kind: files, connect: {path: talents.csv}}
types:
  Person:
    extend: true
    key: [idNumber]
    from: {table: talents}
    label: internal
    share: unconditional
    fields:
      idNumber: {}
      name: {authoritative: false}
  Talent:
    key: [idNumber]
    from: {table: talents}
    label: internal
    share: unconditional
    fields:
      idNumber: {type: String, format: cn-id-number}
      mobile: {type: String}
      work: {type: String, title: {en: Occupation, zh: 职业}}
      email: {type: String}
      status: {type: String}
relations:
  Talent.person: {to: Person, match: {idNumber: idNumber}}
"""
AID = """\
hub: 1
source: {name: aid, department: aid-office, kind: sql, connect: {url: "sqlite:////none"}}
types:
  Aid:
    key: [number]
    from: {table: aids}
    label: internal
    share: unconditional
    fields:
      number: {type: String}
      applicantId: {type: String, format: cn-id-number}
      applicantName: {type: String}
      phone: {type: String}
  Card:
    key: [idNumber]
    from: {table: cards}
    label: internal
    share: unconditional
    fields:
      idNumber: {type: String}
      mailAddress: {type: String}
relations:
  Aid.applicant: {to: Person, match: {applicantId: idNumber}}
  Card.holder: {to: Person, match: {idNumber: idNumber}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name, text in (("civil", CIVIL), ("talent", TALENT), ("aid", AID)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    file = tmp_path / "hub.conf"
    file.write_text(
        'fragments: ["*.yaml"]\npacks: [plain]\nceiling: {plain: restricted}\n'
        "instance: {mode: development}\n"
    )
    return file


def told(config: Path, captured: pytest.CaptureFixture[str], *more: str) -> str:
    assert run(["catalogue", "duplicates", "--config", str(config), *more]) == 0
    return captured.readouterr().out


def test_what_is_kept_twice(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["others"][0]["at"]: one for one in orjson.loads(told(config, capsys, "--json"))}
    first = {at: one["first"] and one["first"]["at"] for at, one in found.items()}
    assert first == {
        "Person.name": "Person.name",  # two sources give it
        "Talent.mobile": "Person.phone",  # a telephone number, of the same person
        "Talent.work": "Person.occupation",  # the same title
        "Aid.applicantName": "Person.name",  # named as the applicant's
        "Card.mailAddress": None,  # two offices keep it, and nobody is asked
    }
    assert found["Person.name"]["others"][0]["department"] == "talent-office"
    assert [one["at"] for one in found["Card.mailAddress"]["others"]] == [
        "Card.mailAddress", "Talent.email",
    ]  # fmt: skip
    # neither keys and references, nor what means something else in every type, nor the phone of
    # an application of which a person may have many
    assert not {"Aid.applicantId", "Talent.status", "Aid.phone"} & {
        held["at"] for one in found.values() for held in one["others"]
    }


def test_in_words(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(config, capsys)
    assert text.startswith(
        "Name (Person)  1.00, they give the same field\n"
        "  authoritative: Person.name (civil-affairs)\n"
        "  collected too:  Person.name (talent-office, talents)\n"
    )
    assert "  nobody is authoritative: agree on one\n" in text
    chinese = told(config, capsys, "--language", "zh")
    assert "联系电话 (Person)  0.75, 均为：电话号码\n  权威来源：Person.phone" in chinese


def test_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("talent", "aid"):
        (config.parent / f"{name}.yaml").unlink()
    assert told(config, capsys) == "no fact is collected twice\n"
