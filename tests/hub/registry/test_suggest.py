"""What drafts suggest of labels: from names, comments and sampled values, and never a value."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.columns import measured, table
from hub.cli.main import run
from hub.registry.suggest.detect import category_of, suggest
from hub.registry.suggest.facts import FACTS
from hub.registry.suggest.values import CHECKS, card_number, citizen_number, credit_code
from policies.packs import load
from schema.compose.fragment import read_fragment
from schema.model.names import FieldName
from schema.model.scalar import ScalarKind

PAGE = Path(__file__).resolve().parents[3] / "docs" / "discovery.md"
CANARY = "zqmarked7"


def numbered(body: str) -> str:
    """A citizen number with the check digit that fits; ISO 7064, by the sum of powers of two."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def luhn(body: str) -> str:
    """The digits with the check digit that fits, by trying all."""
    return next(f"{body}{n}" for n in range(10) if card_number(f"{body}{n}"))


CITIZENS = [numbered(f"3301061980010{n:04d}") for n in range(1001, 1041)]


def test_the_labelled_columns_are_known() -> None:
    whole = measured()["all"]
    assert whole.columns >= 900
    assert round(whole.precision, 2) >= 0.98
    assert round(whole.recall, 2) >= 0.91
    page = PAGE.read_text(encoding="utf-8")
    for origins in ({"zh-elements"}, {"django-oscar", "django-crm", "django-helpdesk", "chinook"}):
        one = measured(origins)["all"]
        told = f"{one.columns} | {one.precision:.2f} | {one.recall:.2f} |"
        assert told in page, told
    for line in table():
        assert f"\n{line}\n" in page, line


@pytest.mark.parametrize(
    ("name", "kind", "values", "fact", "shown"),
    [
        ("c1", "String", CITIZENS, "citizen-number", True),
        ("sfzh", "String", (), "citizen-number", False),
        ("sfzh", "String", CITIZENS, "citizen-number", True),
        ("公民身份号码", "String", (), "citizen-number", False),
        ("c2", "String", [luhn(f"622202010000{n:04d}00") for n in range(20)], "bank-card", True),
        ("c3", "String", [f"a{n}@example.org" for n in range(9)], "email", True),
        ("c4", "String", [f"1390000{n:04d}" for n in range(9)], "phone", True),
        ("c5", "String", [f"10.0.0.{n}" for n in range(9)], "network", True),
        ("c6", "String", [f"浙A{n:05d}" for n in range(9)], "plate", True),
        ("c7", "String", [f"$2b$12${n:053d}" for n in range(9)], "secret", True),
        ("date_of_birth", "Date", (), "birth-date", False),
        ("monthlySalary", "Decimal", (), "finance", False),
        ("诊断名称", "String", (), "health", False),
    ],
)
def test_what_tells(name: str, kind: ScalarKind, values: list[Any], fact: str, shown: bool) -> None:
    found = suggest(name, kind, values)
    assert found is not None
    assert (found.fact.name, found.shown) == (fact, shown)
    assert 0 < found.confidence < 1


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("product_name", "String", ()),
        ("email_sent", "Boolean", ()),
        ("amount", "Decimal", ["100.00"] * 50),
        ("code", "String", [f"33010{n}" for n in range(9)]),
        ("day", "String", [f"2026-11-{n:02d}" for n in range(1, 20)]),
        ("c1", "String", CITIZENS[:4]),
        ("c1", "String", CITIZENS[:1] * 50),
        ("c1", "String", [*CITIZENS[:20], *["none"] * 20]),
        ("serial", "String", [f"{n:016d}" for n in range(1, 40)]),
    ],
)
def test_what_does_not(name: str, kind: ScalarKind, values: list[Any]) -> None:
    assert suggest(name, kind, values) is None


def test_both_reasons_are_worth_more_than_one() -> None:
    named, shown = suggest("sfzh", "String"), suggest("c1", "String", CITIZENS)
    both = suggest("sfzh", "String", CITIZENS)
    assert named is not None
    assert shown is not None
    assert both is not None
    assert named.confidence < shown.confidence < both.confidence


@given(st.sampled_from(CITIZENS), st.integers(0, 17), st.integers(1, 9))
def test_a_changed_digit_is_noticed(number: str, place: int, more: int) -> None:
    digits = number[:place] + "0123456789"[(int(number[place]) + more) % 10] + number[place + 1 :] \
        if number[place] != "X" else number[:17] + str(more)  # fmt: skip
    assert citizen_number(number)
    assert not citizen_number(digits)


def test_codes_of_firms() -> None:
    # printed in the standard's examples and on public registers
    assert credit_code("91350100M000100Y43")
    assert not credit_code("91350100M000100Y44")
    assert not credit_code("91350100M000100I43")


@given(st.text(max_size=40))
def test_checks_take_any_text(text: str) -> None:
    for passes, _, _ in CHECKS.values():
        assert passes(text) in (True, False)


def test_categories_are_those_of_packs() -> None:
    known = {pack: load([pack]).scheme.categories for pack in ("plain", "cn", "gdpr")}
    health = next(fact for fact in FACTS if fact.name == "health")
    assert category_of(health, known["plain"]) == "pi.sensitive"
    assert category_of(health, known["cn"]) == "pi.sensitive.health"
    assert category_of(health, known["gdpr"]) == "gdpr.special.health"
    everywhere = {one for categories in known.values() for one in categories}
    for fact in FACTS:
        assert set(fact.categories) <= everywhere
        assert set(fact.name) <= set("abcdefghijklmnopqrstuvwxyz-")
    assert len({fact.name for fact in FACTS}) == len(FACTS)


def drafted(home: Path, captured: pytest.CaptureFixture[str], *more: str) -> str:
    file = home / "people.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE people (n INTEGER PRIMARY KEY, a TEXT, mail TEXT, b TEXT)")
        database.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?)",
            [(n, one, f"{CANARY}{n}@example.org", CANARY) for n, one in enumerate(CITIZENS)],
        )
    assert run(["source", "draft", str(file), "--level", "internal", *more]) == 0
    found = captured.readouterr()
    for value in (CANARY, *CITIZENS):
        assert value not in found.out + found.err
    return found.out


def test_a_draft_tells_and_publishes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = drafted(tmp_path, capsys)
    assert (
        "a: {type: String, format: cn-id-number}  # citizen identity number? 0.98, 40 of 40 "
        "sampled values pass the check digit of GB 11643: category pi.sensitive\n"
    ) in text
    assert "mail: {type: String}  # e-mail address? 0.98, " in text
    (people,) = read_fragment(text, "draft").types
    assert people.fields[FieldName("a")].label is None  # a suggestion decides nothing


def test_a_draft_without_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = drafted(tmp_path, capsys, "--no-sample", "--pack", "cn")
    assert "      a: {type: String}\n" in text
    assert "mail: {type: String}  # e-mail address? 0.60, its name may be an abbreviation" in text


def undeclared(home: Path) -> Path:
    """The sample shop's tables as they are, without any foreign key."""
    file = home / "shop.sqlite"
    chinook = Path(__file__).resolve().parents[2] / "data" / "chinook.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("ATTACH ? AS whole", (str(chinook),))
        for table in ("Artist", "Album", "Track", "Customer", "Invoice", "InvoiceLine"):
            columns = database.execute(f"PRAGMA whole.table_info({table})").fetchall()
            made = ", ".join(
                f"{name} {kind} NOT NULL PRIMARY KEY" if key else f"{name} {kind}"
                for _, name, kind, _, _, key in columns
            )
            database.execute(f"CREATE TABLE main.{table} ({made})")
            database.execute(f"INSERT INTO main.{table} SELECT * FROM whole.{table}")  # noqa: S608
        # a column that is named like a reference and is none
        database.execute("ALTER TABLE main.Customer ADD COLUMN TrackId INTEGER")
        database.execute("UPDATE main.Customer SET TrackId = CustomerId * 1000")
        database.commit()
        database.execute("DETACH whole")
    return file


def test_relations_that_nobody_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = undeclared(tmp_path)
    assert run(["source", "draft", str(file), "--level", "internal"]) == 0
    text = capsys.readouterr().out
    relations = text.partition("\nrelations:\n")[2].splitlines()
    assert all(line.startswith("  # ") for line in relations)  # a person takes them
    named = {line.split(": {to")[0].strip("# ") for line in relations if "{to" in line}
    assert named == {
        "Album.artist", "Artist.albums", "Track.album", "Album.tracks", "Invoice.customer",
        "Customer.invoices", "InvoiceLine.invoice", "Invoice.invoiceLines", "InvoiceLine.track",
        "Track.invoiceLines",
    }  # fmt: skip
    assert read_fragment(text, "draft").relations == ()
    taken = [line.replace("  # ", "  ") for line in relations if "{to" in line]
    head = text.partition("\nrelations:\n")[0]
    whole = read_fragment("\n".join((head, "relations:", *taken)), "draft")
    assert len(whole.relations) == 10
