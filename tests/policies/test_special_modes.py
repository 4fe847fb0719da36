"""Modes that stand in no group: joining unseen, knowing of a field, and doors that are shut."""

from __future__ import annotations

import pytest
from msgspec import structs

from policies.engine import Engine
from policies.prove.change import compare
from policies.ruling import Allow, Hidden, Null, Reject
from policies.trial import read_trials, try_out
from schema.graph.build import build_face
from schema.model.names import FieldName, TypeName
from schema.model.use import EVERY_MODE, SPECIAL_MODES, UseMode
from tests.policies.fixture import (
    CEILING,
    CITY,
    NOON,
    PACKS,
    bundle,
    catalogue,
    engine,
    outcome,
    subject,
    use,
)
from tests.policies.test_follow import (
    ALL,
    FOUR_OF_HEAD,
    NAMED,
    NOT_THE_HEAD,
    TOKEN_OF_HEAD,
    TOKEN_OF_NUMBER,
    following,
)

DOORS: tuple[UseMode, ...] = ("subscribe", "export", "correct")
JOIN = """---
policy: join-by-both
effect: permit
subjects: {app: desk}
resources: {fields: [Firm.headId, Person.number]}
modes: [join]
"""
JOIN_ONE = JOIN.replace("[Firm.headId, Person.number]", "[Firm.headId]")
NO_JOIN = """---
policy: no-join
effect: forbid
resources: {fields: [Firm.headId]}
modes: [join]
"""
NOTHING_OF_IT = NO_JOIN.replace("\nmodes: [join]", "")


def unless_join(rule: str) -> str:
    """A requirement that is about what is shown, not about what rows are matched by."""
    return rule.replace("outcome:", "modes: [project]\noutcome:")


@pytest.mark.parametrize(
    ("rules", "open_"),
    [
        (ALL + NOT_THE_HEAD + JOIN, True),
        (ALL + NOT_THE_HEAD + JOIN_ONE, False),
        (ALL + unless_join(TOKEN_OF_HEAD) + unless_join(TOKEN_OF_NUMBER) + JOIN, True),
        (ALL + TOKEN_OF_HEAD + TOKEN_OF_NUMBER + JOIN, False),
        (ALL + FOUR_OF_HEAD + JOIN, False),
        (ALL + NO_JOIN, False),
        (ALL + NO_JOIN + NAMED, False),
        (ALL + NO_JOIN + JOIN, False),
        (ALL + NOTHING_OF_IT + JOIN, False),
        (ALL + NOTHING_OF_IT + NAMED, True),
        (ALL.replace("modes: all", "modes: [project, list]") + JOIN, False),
    ],
)
def test_relations_are_followed_by_keys_that_may_be_joined(rules: str, open_: bool) -> None:
    assert following(rules) == (Allow() if open_ else Reject(), open_)


def permit(modes: str, fields: str = "[Person.name]") -> str:
    return f"""
policy: given
effect: permit
subjects: {{app: desk}}
resources: {{fields: {fields}}}
modes: {modes}
"""


WHO = subject("desk", department="psb")


@pytest.mark.parametrize("mode", sorted(SPECIAL_MODES))
def test_no_group_of_a_permit_implies_them(mode: UseMode) -> None:
    asked = use("Person.name", mode)
    for group in ("read", "all", "[read, filter]"):
        assert outcome(engine(permit(group)), WHO, asked) == Reject()
    by = engine(permit(f"[read, {mode}]"))
    assert outcome(by, WHO, asked) == Allow()
    for other in SPECIAL_MODES - {mode}:
        assert outcome(by, WHO, use("Person.name", other)) == Reject()


@pytest.mark.parametrize("mode", sorted(SPECIAL_MODES))
def test_none_says_that_rows_exist(mode: UseMode) -> None:
    by = engine(permit(f"[{mode}, list, open, count]").replace("list, open, count", mode))
    assert outcome(by, WHO, use("Person", "list")) == Reject()
    assert outcome(by, WHO, use("Person.name")) == Hidden()
    assert by.visible(WHO).selectable == frozenset()


@pytest.mark.parametrize("effect", ["forbid", "require"])
def test_a_limit_of_everything_limits_them(effect: str) -> None:
    text = f"policy: x\neffect: {effect}\nresources: {{types: [Person]}}\noutcome: 'null'"
    for modes in ("", "\nmodes: all"):
        assert bundle(text + modes).rules[0].modes == EVERY_MODE
    assert bundle(text + "\nmodes: read").rules[0].modes.isdisjoint(SPECIAL_MODES)


@pytest.mark.parametrize("mode", DOORS)
def test_what_leaves_in_another_way_must_be_read_as_it_is(mode: UseMode) -> None:
    mask = "---\npolicy: mask\neffect: require\nmodes: [project]\noutcome: redact\n"
    mask += "resources: {fields: [Person.name]}"
    assert outcome(engine(permit(f"[list, {mode}]")), WHO, use("Person.name", mode)) == Reject()
    masked = engine(permit(f"[read, {mode}]") + mask)
    assert outcome(masked, WHO, use("Person.name", mode)) == Reject()


def test_no_door_offers_them() -> None:
    with_all = engine(permit("[read, join, subscribe, export, correct, see_metadata]"))
    visible, without = with_all.visible(WHO), engine(permit("read")).visible(WHO)
    assert visible == without
    face = build_face(CITY, visible)
    assert face.schema.mutation_type is None
    assert face.schema.subscription_type is None


def _members(metadata: str) -> Engine:
    person = CITY.types[TypeName("Person")]
    phone = structs.replace(person.fields[FieldName("phone")], metadata=metadata)
    fields = {**person.fields, phone.name: phone}
    others = [one for one in CITY.types.values() if one.name != "Person"]
    of = catalogue(structs.replace(person, fields=fields), *others)
    return Engine(of, [bundle(SEEN)], PACKS, epoch=1, ceiling=CEILING)


SEEN = (
    permit("read")
    + "---"
    + permit("[see_metadata]", "[Person.phone, Person.keyWatch]").replace("given", "told")
)
CIVIL = subject("desk", department="civil")


@pytest.mark.parametrize("metadata", ["hidden", "members"])
def test_a_field_that_is_known_of_is_seen_and_not_used(metadata: str) -> None:
    by = _members(metadata)
    visible = by.visible(CIVIL)
    assert "Person.phone" in visible.selectable
    assert outcome(by, CIVIL, use("Person.phone")) == Null("NO_GRANT")
    for mode in ("filter_eq", "sort", "group", "export", "join"):
        assert outcome(by, CIVIL, use("Person.phone", mode)) == Reject()  # type: ignore[arg-type]
        assert not visible.may("Person.phone", mode)  # type: ignore[arg-type]
    # mandatory checks stand above it
    assert "Person.keyWatch" not in visible.selectable
    assert outcome(by, CIVIL, use("Person.keyWatch", "see_metadata")) == Reject()


def test_a_hidden_field_stays_so_where_rules_do_not_tell_of_it_or_hide_it() -> None:
    hide = "---\npolicy: hide\neffect: forbid\noutcome: hidden\nmodes: [project]\n"
    hide += "resources: {fields: [Person.name]}"
    by = engine(permit("[read, see_metadata]", "[Person.district, Person.name]") + hide)
    assert outcome(by, CIVIL, use("Person.name")) == Hidden()
    assert "Person.name" not in by.visible(CIVIL).selectable


def test_trials_and_explanations_speak_of_them() -> None:
    by = engine(permit("[read, export]"))
    trial = """
test: exports
subject: {app: desk, clearance: {cn-gbt43697: G4}}
expect:
  - {use: export Person.name, outcome: allow, because: [given]}
  - {use: correct Person.name, outcome: reject USE_FORBIDDEN}
  - {use: subscribe Person.name, outcome: reject}
  - {use: see_metadata Person.name, outcome: reject}
  - {use: join Person.name, outcome: reject}
"""
    assert try_out(read_trials(trial, "t.yaml"), by) == []
    told = by.told(CIVIL, use("Person.name", "export"), read_trials(trial, "t.yaml")[0].context)
    assert told.outcome == Allow()


def gained(old: str, new: str) -> tuple[str, set[tuple[str, str]]]:
    found = compare(engine(old), engine(new), begin=NOON)
    uses = {(one.use.coordinate, one.use.mode) for one in found.changes}
    return found.kind, {(str(at), mode) for at, mode in uses}


@pytest.mark.parametrize("mode", sorted(SPECIAL_MODES))
def test_comparisons_show_them(mode: str) -> None:
    found = gained(permit("read"), permit(f"[read, {mode}]"))
    assert found == ("loosening", {("Person.name", mode)})
    assert gained(permit(f"[read, {mode}]"), permit("read"))[0] == "tightening"
