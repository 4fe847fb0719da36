"""What drafts suggest of code lists, forms, units and types that exist; and never a value."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.cli.main import run
from policies.packs import load
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.catalogue import Catalogue
from tests.city import CITY
from tests.hub.registry.test_suggest import CITIZENS

CODES = ("330102", "330105", "330106", "330108", "330109", "330110")
CANARIES = ("zqopen", "zqshut", "19991231", "31/12/1999", "330105")


def office(path: Path) -> Path:
    """A department's database: 40 applications, and a table of persons by their number."""
    with closing(sqlite3.connect(path)) as held, held:
        held.execute(
            """CREATE TABLE application (application_id TEXT PRIMARY KEY, applicant TEXT,
               district_code TEXT, gender TEXT, flag TEXT, status TEXT, filed TEXT, ended TEXT,
               fee_fen INTEGER)"""
        )
        held.execute("CREATE TABLE talent (id_number TEXT PRIMARY KEY, grade INTEGER)")
        for place, citizen in enumerate(CITIZENS):
            day = 20 + place % 10
            held.execute(
                "INSERT INTO application VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    f"zq{place}", citizen, CODES[place % 6], str(1 + place % 2),
                    str(1 + place % 2), ("zqopen", "zqshut")[place % 2],
                    "19991231" if place == 0 else f"200001{day}",
                    "31/12/1999" if place == 0 else f"{day}/01/2000", 1200 + place,
                ),
            )  # fmt: skip
            held.execute("INSERT INTO talent VALUES (?, ?)", (citizen, place))
    return path


def configured(folder: Path) -> Path:
    """A configuration whose catalogue is the city's."""
    config = folder / "hub.yaml"
    config.write_text(f"fragments: ['{CITY}/fragments/*.yaml']\npacks: [cn]\n", encoding="utf-8")
    return config


def drafted(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["source", "draft", *words, "--level", "internal"]) == 0, capsys.readouterr().err
    told = capsys.readouterr()
    assert not [one for one in (*CANARIES, *CITIZENS) if one in told.out + told.err]
    return told.out


def taken_up(text: str, name: str) -> str:
    """The draft with the suggested line of a field in place of its own."""
    line = re.search(rf"^      # ({name}: \{{.*\}})$", text, re.M)
    assert line is not None, text
    return re.sub(rf"^      {name}: .*$", lambda _: f"      {line[1]}", text, count=1, flags=re.M)


def published(text: str) -> Catalogue:
    return compose([read_fragment(text, "draft.yaml")], load(["plain"]).scheme)


def test_lists_forms_and_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = drafted(capsys, str(office(tmp_path / "office.sqlite")))
    assert published(text).types
    assert "divisions of China? 0.96, 40 of 40 sampled values are codes of GB/T 2260" in text
    assert "codes of the sexes? 0.90, its name says so; 40 of 40" in text
    assert "code list of its own? 0.70, 2 different short values in 40 sampled" in text
    for name in ("districtCode", "gender", "filed", "ended", "feeFen"):
        text = taken_up(text, name)
    fields = next(t for n, t in published(text).types.items() if n == "Application").fields
    held = {str(name): one for name, one in fields.items()}
    assert (held["districtCode"].codes, held["gender"].codes) == ("gb-t-2260", "gb-t-2261.1")
    assert (held["filed"].kind, held["ended"].kind) == ("Date", "Date")
    assert "from_format: dd/mm/yyyy" in text
    assert (held["feeFen"].kind, held["feeFen"].unit) == ("Decimal", "CNY")
    # one and two alone are codes of anything: no sex, at most a list of its own
    assert not re.search(r"# flag: .*gb-t", text)


def test_no_norm_without_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = drafted(capsys, str(office(tmp_path / "office.sqlite")), "--no-sample")
    assert "codes:" not in text
    assert "from_format" not in text


def test_types_that_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(configured(tmp_path))
    text = drafted(capsys, str(office(tmp_path / "office.sqlite")), "--config", config)
    assert published(text).types
    assert "Application.applicant may refer to Person." in text
    assert "Rows may be of `Person`, which exists already" in text
    assert "which exists already" not in drafted(capsys, str(tmp_path / "office.sqlite"))
    relation = "  Application.applicantPerson: {to: Person, match: {applicant: idNumber}}"
    assert f"  # {relation.strip()}" in text
    told = with_city(text.replace("relations:\n", f"relations:\n{relation}\n"))
    assert {str(name) for name in told.types} >= {"Person", "Application", "Talent", "Talent2"}
    (held,) = (one for name, one in told.types.items() if name == "Application")
    assert {str(name): str(one.to) for name, one in held.relations.items()} == {
        "applicantPerson": "Person"
    }


def test_what_extends_a_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The steps that the comment tells, taken by hand."""
    config = str(configured(tmp_path))
    place = str(office(tmp_path / "office.sqlite"))
    text = drafted(capsys, place, "--config", config, "--only", "talent")
    text = re.sub(r"^  Talent2?:\n    plural: .*$", "  Person:\n    extend: true", text, flags=re.M)
    text = text.replace(
        "idNumber: {column: id_number, ", "idNumber: {column: id_number, authoritative: false, "
    )
    told = with_city(text)
    (person,) = (one for name, one in told.types.items() if name == "Person")
    assert "grade" in {str(name) for name in person.fields}


def test_a_file_of_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "visits.csv"
    rows = [f"v{n},{CODES[n % 6]},{20 + n % 10}.01.2000,{CITIZENS[n]}" for n in range(40)]
    file.write_text("\n".join(["visit_no,xzqhdm,day,visitor", *rows]) + "\n", encoding="utf-8")
    text = drafted(capsys, str(file), "--config", str(configured(tmp_path)))
    assert published(text).types
    assert "from_format: dd.mm.yyyy" in text
    assert "may refer to Person.idNumber" in text


def with_city(text: str) -> Catalogue:
    """The draft and the city's fragments together."""
    read = [
        read_fragment(one.read_text(encoding="utf-8"), one.name)
        for one in sorted((CITY / "fragments").glob("*.yaml"))
    ]
    scheme = load(["cn", "plain"]).scheme
    return compose([*read, read_fragment(text, "draft.yaml")], scheme)
