"""Where values come from and where sources differ, for those who may know; owners are told."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hub.registry.webhook import Event
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.errors import ManyErrors
from schema.model.label import LabelScheme, Ladder
from tests.hub.normed import OPEN, asking

CIVIL = """\
hub: 1
source: {{name: civil, department: civil-affairs, title: {{en: Civil Affairs, zh: 民政局}},
         kind: sql, connect: {{url: "sqlite:///{home}/civil.sqlite"}}}}
types:
  Person:
    key: [number]
    from: {{table: persons}}
    changed: changed_at
    label: internal
    share: unconditional
    fields:
      number: {{type: String}}
      name: {{type: String, authoritative: true, on_conflict: authoritative}}
      phone: {{type: String, authoritative: true, on_conflict: latest}}
      born: {{type: Date, authoritative: true, on_conflict: authoritative}}
      note: {{type: String}}
"""
TAX = """\
hub: 1
source: {{name: tax, department: tax-bureau, title: {{en: Tax Bureau, zh: 税务局}},
         kind: sql, connect: {{url: "sqlite:///{home}/tax.sqlite"}}}}
types:
  Person:
    extend: true
    key: [number]
    from: {{table: payers}}
    changed: seen_at
    label: internal
    share: unconditional
    fields:
      number: {{column: payer}}
      name: {{column: full_name, authoritative: false}}
      phone: {{authoritative: false}}
      born: {{column: birth, authoritative: false, from_format: yyyymmdd}}
      income: {{type: Int}}
"""
ASKED = "{ persons { nodes { number name phone born income } } }"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def fragments(home: Path) -> dict[str, str]:
    with sqlite3.connect(home / "civil.sqlite") as one:
        one.execute(
            "CREATE TABLE persons (number TEXT PRIMARY KEY, name TEXT, phone TEXT, born DATE,"
            " note TEXT, changed_at DATETIME)"
        )
        one.executemany(
            "INSERT INTO persons VALUES (?, ?, ?, ?, 'n', ?)",
            [
                ("1", "Ann", "100", "1990-01-02", OLD),
                ("2", "Bob", "200", "1991-01-02", NEW),
                ("3", "Cid", None, None, OLD),
                ("4", "Dee", "400", "1993-01-02", OLD),
            ],
        )
    with sqlite3.connect(home / "tax.sqlite") as two:
        two.execute(
            "CREATE TABLE payers (payer TEXT PRIMARY KEY, full_name TEXT, phone TEXT, birth TEXT,"
            " income INTEGER, seen_at DATETIME)"
        )
        two.executemany(
            "INSERT INTO payers VALUES (?, ?, ?, ?, ?, ?)",
            [
                ("1", "Ann", "111", "19900102", 10, NEW),
                ("2", "Rob", "222", "19910103", 20, OLD),
                ("3", "Sid", "333", "20000101", 30, NEW),
            ],
        )
    return {"civil": CIVIL.format(home=home), "tax": TAX.format(home=home)}


@pytest.mark.asyncio
async def test_sources_are_compared_and_the_owner_s_choice_is_given(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path)) as hub:
        told = await hub.told(ASKED, provenance=True)
        assert told["data"]["persons"]["nodes"] == [
            # the tax bureau changed Ann's phone later; Bob's is older there; nulls do not differ
            {"number": "1", "name": "Ann", "phone": "111", "born": "1990-01-02", "income": 10},
            {"number": "2", "name": "Bob", "phone": "200", "born": "1991-01-02", "income": 20},
            {"number": "3", "name": "Cid", "phone": None, "born": None, "income": 30},
            {"number": "4", "name": "Dee", "phone": "400", "born": "1993-01-02", "income": None},
        ]
        found = told["extensions"]["provenance"]
        assert set(found) == {f"Person.{n}" for n in ("number", "name", "phone", "born", "income")}
        assert found["Person.name"]["disagreement"] == {"given": "authoritative", "rows": 2}
        assert found["Person.phone"]["disagreement"] == {"given": "latest", "rows": 2}
        assert found["Person.born"]["disagreement"] == {"given": "authoritative", "rows": 1}
        (name,) = found["Person.name"]["sources"]
        assert name["department"] == "civil-affairs"
        assert name["title"] == {"en": "Civil Affairs", "zh": "民政局"}
        assert name["fetchedAt"].endswith("Z")
        assert [one["department"] for one in found["Person.phone"]["sources"]] == [
            "civil-affairs",
            "tax-bureau",
        ]
        assert found["Person.income"]["sources"][0]["department"] == "tax-bureau"
        assert found["Person.income"]["label"] == {"levels": {"plain": "internal"}}
        assert found["Person.income"]["outcome"] == "allowed"
        assert "open" not in str(found)  # the rule that allows it
        assert "provenance" not in (await hub.told(ASKED))["extensions"]


@pytest.mark.asyncio
async def test_what_a_source_vouches_for_is_told_in_whole_minutes(tmp_path: Path) -> None:
    (tmp_path / "firms.csv").write_text("code,name\n1,A\n", encoding="utf-8")
    fragment = (
        "hub: 1\nsource: {name: market, department: market, kind: files, connect: "
        f"{{path: {tmp_path / 'firms.csv'}}}}}\ntypes:\n  Firm:\n    key: [code]\n"
        "    from: {table: firms}\n    label: internal\n    share: unconditional\n"
        "    fields: {code: {type: String}, name: {type: String}}\n"
    )
    async with asking(tmp_path, {"market": fragment}) as hub:
        told = await hub.told("{ firms { nodes { name } } }", provenance=True)
        (source,) = told["extensions"]["provenance"]["Firm.name"]["sources"]
        assert set(source) == {"department", "asOf"}
        assert source["asOf"].endswith(":00Z")


MASKED = """\
policy: open
effect: permit
subjects: {app: [desk, other]}
resources: {types: ["*"]}
modes: all
---
policy: initials
effect: require
subjects: {app: other}
resources: {fields: [Person.name]}
outcome: {mask: {partial: {keep_first: 1}}}
---
policy: no-phones
effect: forbid
subjects: {app: other}
resources: {fields: [Person.phone]}
"""


@pytest.mark.asyncio
async def test_who_may_not_see_a_field_learns_nothing_of_it(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path), MASKED) as hub:
        asked = "{ persons { nodes { name phone } } }"
        told = await hub.told(asked, app="other", provenance=True, norms=True)
        found = told["extensions"]["provenance"]
        assert set(found) == {"Person.name"}
        # a mask is not told what lies behind it, nor that another source has something else
        assert "disagreement" not in found["Person.name"]
        assert found["Person.name"]["outcome"] == "partial"
        assert "tax" not in str(told)
        assert "222" not in str(told)
        assert "initials" not in str(told["extensions"]["provenance"])
        everything = await hub.told(asked, provenance=True)
        assert set(everything["extensions"]["provenance"]) == {"Person.name", "Person.phone"}
        # two databases that differ only in what the caller may not know answer alike
        with sqlite3.connect(tmp_path / "tax.sqlite") as connection:
            connection.execute("UPDATE payers SET full_name = 'Ann', phone = '9'")
        again = await hub.told(asked, app="other", provenance=True, norms=True)
        for one in (told, again):
            for source in one["extensions"]["provenance"]["Person.name"]["sources"]:
                source.pop("fetchedAt")
        assert again == told


@pytest.mark.asyncio
async def test_both_owners_are_told_figures_and_keyed_hashes(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path), MASKED) as hub:
        watch = hub.hub._health
        sent: list[Event] = []
        watch._send = sent.append  # type: ignore[method-assign]
        await hub.told("{ persons { nodes { name } } }", app="other")
        watch.tell_disagreements()
        assert {one.type for one in sent} == {"source.disagreement"}
        told: list[dict[str, Any]] = [dict(one.data) for one in sent]
        assert [(one["department"], one["source"], one["other"]) for one in told] == [
            ("civil-affairs", "civil", "tax"),
            ("tax-bureau", "tax", "civil"),
        ]
        assert [(one["field"], one["count"]) for one in told] == [("Person.name", 2)] * 2
        assert told[0]["keys"] == told[1]["keys"]
        hashes = told[0]["keys"].split()
        assert len(hashes) == 2
        assert all(len(one) == 16 for one in hashes)
        assert not any(value in str(told) for value in ("Bob", "Rob", "Cid", "Sid", "'2'"))
        await hub.told("{ persons { nodes { name } } }")
        watch.tell_disagreements()
        assert len(sent) == 2


@pytest.mark.asyncio
async def test_a_source_that_is_away_costs_the_comparison_not_the_value(tmp_path: Path) -> None:
    held = fragments(tmp_path)
    (tmp_path / "tax.sqlite").unlink()
    async with asking(tmp_path, held) as hub:
        told = await hub.told("{ persons { nodes { name phone } } }", provenance=True)
        nodes = told["data"]["persons"]["nodes"]
        assert [row["name"] for row in nodes] == ["Ann", "Bob", "Cid", "Dee"]
        # which phone is the latest is not known: none is given for it
        assert [row["phone"] for row in nodes] == [None] * 4
        assert [error["path"] for error in told["errors"]] == [["persons", "nodes", "phone"]]
        found = told["extensions"]["provenance"]["Person.name"]["disagreement"]
        assert found == {"given": "authoritative", "rows": 0, "compared": False}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "asked",
    [
        '{ persons(filter: {phone: {eq: "111"}}) { nodes { number } } }',
        "{ persons(orderBy: [PHONE_ASC]) { nodes { number } } }",
        "{ personsAggregate { countDistinct { phone } } }",
        "{ personsAggregate(groupBy: [PHONE]) { count } }",
    ],
)
async def test_the_latest_value_is_not_sought_where_it_is_not_known(
    tmp_path: Path, asked: str
) -> None:
    async with asking(tmp_path, fragments(tmp_path), OPEN) as hub:
        told = await hub.told(asked)
        assert "data" not in told
        assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        found = '{ persons(filter: {name: {eq: "Bob"}}) { nodes { number } } }'
        assert await hub.nodes(found) == [{"number": "2"}]


@pytest.mark.asyncio
async def test_sources_are_compared_below_relations_and_whichever_is_authoritative(
    tmp_path: Path,
) -> None:
    """The tax bureau answers for phones here, and persons are reached from their homes."""
    held = fragments(tmp_path)
    with sqlite3.connect(tmp_path / "civil.sqlite") as connection:
        connection.execute("CREATE TABLE homes (code TEXT PRIMARY KEY, head TEXT)")
        connection.executemany("INSERT INTO homes VALUES (?, ?)", [("a", "1"), ("b", "2")])
    civil = held["civil"].replace(
        "phone: {type: String, authoritative: true, on_conflict: latest}",
        "phone: {authoritative: false}",
    )
    homes = (
        "  Home:\n    key: [code]\n    from: {table: homes}\n    label: internal\n"
        "    share: unconditional\n    fields: {code: {type: String}, head: {type: String}}\n"
        "relations:\n  Home.person: {to: Person, match: {head: number}}\n"
    )
    tax = held["tax"].replace(
        "phone: {authoritative: false}",
        "phone: {type: String, authoritative: true, on_conflict: latest}",
    )
    async with asking(tmp_path, {"civil": civil + homes, "tax": tax}) as hub:
        asked = "{ homes { nodes { person { phone name } } } }"
        told = await hub.told(asked, provenance=True)
        assert told["data"]["homes"]["nodes"] == [
            {"person": {"phone": "111", "name": "Ann"}},
            # civil affairs changed it later than the tax bureau
            {"person": {"phone": "200", "name": "Bob"}},
        ]
        found = told["extensions"]["provenance"]
        assert found["Person.phone"]["disagreement"] == {"given": "latest", "rows": 2}
        assert found["Person.name"]["disagreement"] == {"given": "authoritative", "rows": 1}
        assert [one["department"] for one in found["Person.phone"]["sources"]] == [
            "tax-bureau",
            "civil-affairs",
        ]


BY_PHONE = """\
policy: by-phone
effect: permit
subjects: {app: desk}
resources: {fields: [Person.number, Person.name]}
modes: all
when: {eq: [row.phone, "111"]}
"""


@pytest.mark.asyncio
async def test_a_row_filter_by_the_latest_value_shows_nothing_and_names_nothing(
    tmp_path: Path,
) -> None:
    async with asking(tmp_path, fragments(tmp_path), BY_PHONE) as hub:
        told = await hub.told("{ persons { nodes { name } } }", provenance=True)
        assert "data" not in told
        assert told["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert "phone" not in str(told)


SCHEME = LabelScheme(ladders=(Ladder(id="plain", levels=("public", "internal")),))


@pytest.mark.parametrize(
    ("where", "old", "new", "told"),
    [
        ("civil", "note: {type: String}", "note: {type: String, on_conflict: latest}",
         "is compared with no other source"),
        ("civil", "number: {type: String}", "number: {type: String, on_conflict: authoritative}",
         "it is a key"),
        ("civil", "    changed: changed_at\n", "", "does not say when rows change"),
        ("tax", "    changed: seen_at\n", "", "does not say when rows change"),
        ("tax", "phone: {authoritative: false}",
         "phone: {authoritative: false, on_conflict: latest}", "by a source that stands in"),
        ("civil", "    changed:", "    region: phone\n    changed:", "cannot be the latest value"),
    ],
)  # fmt: skip
def test_comparisons_that_cannot_be_are_refused(where: str, old: str, new: str, told: str) -> None:
    texts = {"civil": CIVIL.format(home="x"), "tax": TAX.format(home="x")}
    assert old in texts[where]
    texts[where] = texts[where].replace(old, new, 1)
    with pytest.raises(ManyErrors) as refused:
        compose([read_fragment(text, f"{name}.yaml") for name, text in texts.items()], SCHEME)
    assert any(told in one.message for one in refused.value.problems)
