"""Codes hide nothing where there are few values: hashes and tokens of such fields are refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from msgspec import structs

from policies.distinct import few_values
from policies.engine import Engine
from policies.lint import lint
from policies.packs import load
from policies.ruling import Masked, Outcome
from schema.errors import HubError, ManyErrors
from schema.model.binding import ColumnBinding, TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.names import FieldName, SourceName, TypeName
from schema.model.norm import CodeChange, CodeList
from tests.policies.fixture import CEILING, PACKS, bundle, catalogue, entity, field, label, subject
from tests.policies.fixture import outcome as ruled
from tests.policies.fixture import use as used

PERSON = entity("Person", field("number", label("G1")), field("of", label("G1")))
RULES = """policy: all
effect: permit
subjects: {app: desk}
resources: {types: [Person]}
---
policy: codes
effect: require
resources: {fields: [Person.of]}
outcome: {mask: MASK}
"""
MASKS = ("hash", "{tokenise: {key_scope: app}}")


def world(*, values: int = 0, codes: str | None = None, format: str | None = None) -> Catalogue:
    of = structs.replace(PERSON.fields[FieldName("of")], codes=codes, format=format)
    person = structs.replace(PERSON, fields={**PERSON.fields, of.name: of})
    converted = {str(number): f"v{number}" for number in range(values)}
    held = TypeBinding(
        type=TypeName("Person"), source=SourceName("psb"), table="t",
        columns={of.name: ColumnBinding(column="c", kind="String", values=converted)},
    )  # fmt: skip
    return structs.replace(catalogue(person), bindings={person.name: {SourceName("psb"): held}})


def shown(of: Catalogue, mask: str, fields: str = "fields: [Person.of]") -> Outcome:
    text = RULES.replace("MASK", mask).replace("fields: [Person.of]", fields)
    by = Engine(of, [bundle(text)], PACKS, epoch=1, ceiling=CEILING)
    return ruled(by, subject("desk"), used("Person.of"))


FEW = [
    (world(codes="gb-t-2261.1"), "the code list `gb-t-2261.1` gives at most 4"),
    (world(codes="gb-t-2260"), "the code list `gb-t-2260` gives at most 50000"),
    (world(codes="own-list"), "the code list `own-list`, which no pack counts"),
    (world(format="date-of-birth"), "the format `date-of-birth` gives at most 40177"),
    (world(values=3), "the conversion of its codes gives at most 3"),
]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("of", "said"), FEW)
def test_a_rule_that_names_the_field_is_refused(of: Catalogue, said: str, mask: str) -> None:
    with pytest.raises(ManyErrors) as found:
        shown(of, mask)
    (problem,) = found.value.problems
    assert problem.code == "POLICY_INVALID"
    assert said in problem.message
    assert problem.where == "rules.yaml:8:22"
    assert "redact" in str(problem.hint)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("of", "said"), FEW)
def test_where_a_rule_reaches_it_with_others_it_is_redacted(
    of: Catalogue, said: str, mask: str
) -> None:
    assert said
    redacted = Masked("redact", (("kind", "String"),))
    assert shown(of, mask, "types: [Person]") == redacted
    text = RULES.replace("MASK", mask).replace("fields: [Person.of]", "types: [Person]")
    found = {one.message for one in lint([bundle(text)], of, PACKS) if one.sort == "unfit-mask"}
    assert any("`Person.of`: codes of few values" in one for one in found)


def test_codes_that_have_changed_are_not_all_there_are() -> None:
    change = CodeChange(code="0", to=("v0",), date=dt.date(2021, 1, 1))
    regions = CodeList(name="regions", changes=(change,))
    counted = structs.replace(PACKS, distinct={"regions": 100_000})
    one = structs.replace(PERSON.fields[FieldName("of")], codes="regions")
    for lists, said in (({}, "the conversion of its codes"), ({"regions": regions}, None)):
        of = structs.replace(world(codes="regions", values=3), lists=lists)
        few = few_values(of.types[TypeName("Person")], one, of, counted)
        assert (few and few[0]) == said


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("of", [world(), world(format="cn-id-number"), world(values=100_000)])
def test_what_may_have_many_values_is_coded(of: Catalogue, mask: str) -> None:
    seen = shown(of, mask)
    assert isinstance(seen, Masked)
    assert seen.mask in ("hash", "tokenise")


def test_other_masks_do_not_ask() -> None:
    assert shown(FEW[0][0], "redact") == Masked("redact", (("kind", "String"),))
    assert shown(FEW[0][0], "{generalise: {prefix: 1}}") != Masked("redact")


def pack(tmp_path: Path, text: str, name: str = "own") -> str:
    path = tmp_path / f"{name}.yaml"
    path.write_text(f"pack: {name}\nversion: 1\n{text}", encoding="utf-8")
    return str(path)


def test_packs_count_lists_and_set_the_least(tmp_path: Path) -> None:
    counted = pack(tmp_path, "coded: {distinct: {own-list: {values: 150000, source: x}}}")
    packs = load(["cn", counted])
    text = RULES.replace("MASK", "hash")
    of = world(codes="own-list")
    by = Engine(of, [bundle(text)], packs, epoch=1, ceiling=CEILING)
    assert ruled(by, subject("desk"), used("Person.of")) == Masked("hash")
    more = pack(tmp_path, "coded: {least_distinct: 200000}", "more")
    with pytest.raises(ManyErrors):
        Engine(of, [bundle(text)], load(["cn", counted, more]), epoch=1, ceiling=CEILING)


def test_packs_only_make_it_stricter(tmp_path: Path) -> None:
    low = pack(tmp_path, "coded: {least_distinct: 2, distinct: {date: {values: 500000}}}", "low")
    packs = load(["cn", low])
    assert packs.least_distinct == 100_000
    text = RULES.replace("MASK", "hash")
    with pytest.raises(ManyErrors, match="40177"):
        Engine(world(format="date"), [bundle(text)], packs, epoch=1, ceiling=CEILING)
    other = pack(tmp_path, "coded: {distinct: {gb-t-2260: {values: 5}}}", "other")
    with pytest.raises(HubError, match="number of values"):
        load(["cn", other])
    for wrong in ("{least_distinct: 1}", "{distinct: {a: {values: 0}}}"):
        with pytest.raises(HubError, match="faulty rule pack"):
            load(["cn", pack(tmp_path, f"coded: {wrong}", "wrong")])
