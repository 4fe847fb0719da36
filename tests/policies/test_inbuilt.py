"""Rules that packs carry, and several packs at once: tighter only, and in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from policies.engine import Engine
from policies.inbuilt import pack_bundles
from policies.packs import Packs, load
from policies.ruling import Allow, Masked, Null, Outcome
from policies.syntax import read_bundle
from schema.errors import ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.label import Label, LabelScheme
from schema.model.subject import Context, Subject
from tests.policies.fixture import catalogue, entity, field, use

EVERYTHING = """
policy: everything
effect: permit
subjects: {app: desk}
resources:
  types: [Paper]
  categories: [us.cui, us.ldc.noforn, us.ldc.fed-only, us.ldc.fedcon, us.ldc.nocon,
    us.ldc.dl-only, us.ldc.rel-to, us.ldc.display-only, us.ldc]
"""
US = load(["us"])
REDACT = Masked("redact", (("kind", "String"),))


def papers(packs: Packs, *labels: Label) -> Catalogue:
    """Fields ``f0``, ``f1`` and so on with these labels."""
    fields = [field(f"f{number}", label) for number, label in enumerate(labels)]
    return msgspec.structs.replace(catalogue(entity("Paper", *fields)), scheme=packs.scheme)


def label(level: str = "UNCLASSIFIED", *categories: str, within: Iterable[str] = ()) -> Label:
    return Label(
        levels=(("us", level),), categories=frozenset(categories), compartments=frozenset(within)
    )


def person(
    clearance: Mapping[str, str],
    *roles: str,
    org_kind: str | None = "federal",
    user: str | None = "u",
    within: Iterable[str] = (),
) -> Subject:
    return Subject(
        id="app:desk", app="desk", user=user, org_kind=org_kind, clearance=clearance,
        roles=frozenset(roles), purposes=frozenset({"lawful-government"}),
        compartments=frozenset(within),
    )  # fmt: skip


def seen(
    packs: Packs,
    who: Subject,
    labels: Sequence[Label],
    rules: str = EVERYTHING,
    purpose: str | None = "lawful-government",
) -> list[Outcome]:
    by = Engine(papers(packs, *labels), [read_bundle(rules, "r.yaml")], packs, epoch=1, ceiling={})
    uses = [use(f"Paper.f{number}") for number in range(len(labels))]
    ruling = by.rule(who, uses, Context(purpose=purpose, now=1.0e9))
    return [ruling.outcomes[one] for one in uses]


@pytest.mark.parametrize(
    ("clearance", "within", "expected"),
    [
        ("UNCLASSIFIED", "", "y..."),
        ("SECRET", "", "yy.."),
        ("SECRET", "SI", "yyy."),
        ("TOP_SECRET", "SI", "yyy."),
        ("TOP_SECRET", "SI TK", "yyyy"),
        ("UNCLASSIFIED", "SI TK HCS", "y..."),
    ],
)
def test_no_read_up(clearance: str, within: str, expected: str) -> None:
    """Bell-LaPadula with compartments: the level and every compartment must be dominated."""
    labels = [
        label("UNCLASSIFIED"),
        label("SECRET"),
        label("SECRET", within=["SI"]),
        label("SECRET", within=["SI", "TK"]),
    ]
    found = seen(US, person({"us": clearance}, within=within.split()), labels)
    assert ["y" if isinstance(one, Allow) else "." for one in found] == list(expected)


HIGH = {"us": "TOP_SECRET"}


@pytest.mark.parametrize(
    ("control", "let", "barred"),
    [
        ("noforn", person(HIGH, "us-person"), person(HIGH)),
        ("fed-only", person(HIGH), person(HIGH, org_kind="federal-contractor")),
        ("fedcon", person(HIGH, org_kind="federal-contractor"), person(HIGH, org_kind="state")),
        ("nocon", person(HIGH), person(HIGH, org_kind="federal-contractor")),
        ("dl-only", person(HIGH, "cui-list"), person(HIGH, "us-person")),
        ("rel-to", person(HIGH, "cui-released"), person(HIGH)),
        ("display-only", person(HIGH), person(HIGH, user=None)),
    ],
)
def test_dissemination_controls(control: str, let: Subject, barred: Subject) -> None:
    held = [label(), label("UNCLASSIFIED", "us.cui", f"us.ldc.{control}")]
    assert seen(US, let, held) == [Allow(), Allow()]
    assert seen(US, barred, held) == [Allow(), Null()]


@pytest.mark.parametrize("control", ["fed-only", "fedcon", "nocon"])
def test_an_unknown_organisation_is_barred(control: str) -> None:
    held = [label(), label("UNCLASSIFIED", f"us.ldc.{control}")]
    assert seen(US, person(HIGH, "us-person", org_kind=None), held) == [Allow(), Null()]


def test_reasons_name_the_pack() -> None:
    by = Engine(
        papers(US, label("UNCLASSIFIED", "us.ldc.noforn")),
        [read_bundle(EVERYTHING, "r.yaml")],
        US,
        epoch=1,
        ceiling={},
    )
    asked = use("Paper.f0")
    ruling = by.rule(person(HIGH), [asked], Context(purpose="lawful-government", now=1.0e9))
    assert ruling.reasons[asked] == ("pack.us.noforn@1",)


def test_minors_are_redacted() -> None:
    packs = load(["cn"])
    rules = EVERYTHING.partition("  categories")[0].replace(
        "types: [Paper]", "fields: [Paper.f0, Paper.f1]"
    )
    held = [
        Label(levels=(("cn-gbt43697", "G3"),), categories=frozenset({f"pi.sensitive.{kind}"}))
        for kind in ("minor", "health")
    ]
    found = seen(packs, person({"cn-gbt43697": "G4"}), held, rules, purpose=None)
    assert found == [REDACT, Allow()]


BOTH = "policy: all\neffect: permit\nsubjects: {app: desk}\nresources: {types: [Paper]}\n"


@pytest.mark.parametrize("order", [["us", "uk"], ["uk", "us"]])
def test_every_chain_must_be_dominated(order: list[str]) -> None:
    packs = load(order)
    held = [
        Label(levels=(("uk", "SECRET"),)),
        Label(levels=(("us", "SECRET"),)),
        Label(levels=(("uk", "SECRET"), ("us", "SECRET"))),
    ]

    def readable(clearance: Mapping[str, str]) -> str:
        found = seen(packs, person(clearance), held, BOTH)
        return "".join("y" if isinstance(one, Allow) else "." for one in found)

    assert readable({"uk": "SECRET", "us": "SECRET"}) == "yyy"
    assert readable({"uk": "TOP_SECRET", "us": "CONFIDENTIAL"}) == "y.."
    # levels of one name are not the same level: another country's clearance counts for nothing
    assert readable({"us": "TOP_SECRET"}) == ".y."
    assert readable({"uk": "TOP_SECRET"}) == "y.."
    assert readable({"cn-secrecy": "TOP_SECRET"}) == "..."
    assert packs.scheme.ladder_of("SECRET") is None


def test_labels_join_as_a_product() -> None:
    scheme: LabelScheme = load(["us", "uk"]).scheme
    joined = scheme.join([Label(levels=(("uk", "SECRET"),)), label("CONFIDENTIAL")])
    assert joined.levels == (("uk", "SECRET"), ("us", "CONFIDENTIAL"))


RULE = "{policy: one, effect: forbid, resources: {types: ['*']}, source: a law}"


def local(folder: Path, rules: str) -> Packs:
    path = folder / "local.yaml"
    path.write_text(f"pack: local\nversion: 1\nrules:\n{rules}\n", encoding="utf-8")
    return load(["us", str(path)])


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    packs = local(tmp_path, f"  - {RULE}")
    names = [rule.name for bundle in pack_bundles(packs) for rule in bundle.rules]
    assert "pack.local.one" in names
    assert not isinstance(seen(packs, person(HIGH), [label()])[0], Allow)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (RULE.replace(", source: a law", ""), "has no `source`"),
        (RULE.replace("a law", "[a]"), "is not a text"),
        (RULE.replace("a law", "a law, verified: perhaps"), "neither `true` nor `false`"),
        (RULE.replace("effect", "efect"), "no key `efect`"),
        ("one", "not a mapping"),
    ],
)
def test_faulty_rules_of_a_pack(tmp_path: Path, rule: str, said: str) -> None:
    packs = local(tmp_path, f"  - {rule}")
    with pytest.raises(ManyErrors) as caught:
        seen(packs, person(HIGH), [label()])
    problems = caught.value.problems
    assert any(said in problem.message for problem in problems)
    assert all(f"{tmp_path}/local.yaml:4:" in (problem.where or "") for problem in problems)


def test_a_pack_cannot_permit(tmp_path: Path) -> None:
    rule = EVERYTHING.strip().replace("\n", "\n    ")
    packs = local(tmp_path, f"  - {rule}\n    source: a law")
    with pytest.raises(ManyErrors, match="a rule pack cannot permit"):
        pack_bundles(packs)


def test_two_rules_of_one_name(tmp_path: Path) -> None:
    packs = local(tmp_path, f"  - {RULE}\n  - {RULE}")
    with pytest.raises(ManyErrors, match="two rules are named `one`"):
        pack_bundles(packs)


@pytest.mark.parametrize("name", ["pack.us.noforn", "pack.x", "floor.civil.x"])
def test_a_bundle_cannot_take_such_names(name: str) -> None:
    with pytest.raises(ManyErrors, match="a bundle's rule cannot be"):
        read_bundle(EVERYTHING.replace("policy: everything", f"policy: {name}"), "r.yaml")


def test_a_bundle_may_only_narrow_what_a_pack_asks() -> None:
    open_all = EVERYTHING + "---\n" + EVERYTHING.replace("everything", "more")
    held = [label(), label("UNCLASSIFIED", "us.ldc.noforn")]
    assert seen(US, person(HIGH), held, open_all) == [Allow(), Null()]
