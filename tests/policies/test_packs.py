"""Rule packs: the delivered ones hold together; local ones are read; faulty ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.packs import MASK_ORDER, load
from schema.errors import HubError
from schema.model.label import Label

FOLDER = Path(__file__).resolve().parents[2] / "policies" / "packs"


@pytest.mark.parametrize("pack", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_each_delivered_pack_loads(pack: str) -> None:
    packs = load([pack])
    assert packs.ids == (pack,)
    assert packs.scheme.ladders or packs.scheme.categories
    assert packs.scheme.ladders or packs.scheme.categories
    assert set(packs.preference) == set(MASK_ORDER)
    for ladder in packs.scheme.ladders:
        for level in ladder.levels:
            assert packs.scheme.ladder_of(level) == ladder


def test_the_ladders() -> None:
    scheme = load(["cn", "plain"]).scheme
    assert [ladder.id for ladder in scheme.ladders] == ["cn-gbt43697", "cn-secrecy", "plain"]
    general = scheme.ladder("cn-gbt43697")
    assert general is not None
    assert general.levels == ("G1", "G2", "G3", "G4", "IMPORTANT", "CORE")
    assert scheme.dominates({"cn-gbt43697": "CORE"}, Label(levels=(("cn-gbt43697", "G4"),)))
    both = Label(levels=(("cn-gbt43697", "G1"), ("plain", "internal")))
    assert not scheme.dominates({"cn-gbt43697": "CORE"}, both)


def test_trees() -> None:
    packs = load(["cn"])
    assert packs.within("benefits.eligibility", "benefits")
    assert packs.within("benefits", "benefits")
    assert not packs.within("benefits", "benefits.eligibility")
    assert not packs.within("unheard-of", "unheard-of")
    assert packs.category_within("pi.sensitive.health", "pi")
    assert "pi.sensitive.health" in packs.sensitive
    assert "pi" not in packs.sensitive
    assert packs.titles["benefits"]["zh"]


def local(folder: Path, text: str) -> str:
    path = folder / "local.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_local_pack_adds_to_others(tmp_path: Path) -> None:
    text = "pack: city\nversion: 1\ncompartments: [LE]\n"
    text += "purposes: {benefits.heating: {parent: benefits}}\n"
    with pytest.raises(HubError, match="no parent `benefits`"):
        load([local(tmp_path, text)])
    text = text.replace("parent: benefits", "title: {en: Heating}")
    packs = load(["cn", local(tmp_path, text)])
    assert packs.ids == ("cn", "city")
    assert "benefits.heating" in packs.purposes
    assert packs.scheme.compartments == {"LE"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pack: x\nversion: 1\nladder: []\n", "unknown field"),
        ("pack: x\n", "missing required field"),
        (": [", "faulty rule pack"),
        ("pack: x\nversion: 1\npreference: [allow]\n", "must order"),
        (
            "pack: x\nversion: 1\n"
            "preference: [redact, noise, bucket, generalise, partial, hash, tokenise, constant,"
            ' allow, "null"]\n',
            "runs from `allow`",
        ),
        ("pack: x\nversion: 1\ncategories: {a: {parent: b}, b: {parent: a}}\n", "below itself"),
        ("pack: x\nversion: 1\ncategories: {pi: {parent: business}}\n", "says something else"),
        (
            "pack: x\nversion: 1\n"
            "preference: [allow, partial, generalise, bucket, noise, hash, tokenise, constant,"
            ' redact, "null"]\n',
            "different preference orders",
        ),
    ],
)
def test_faulty_packs_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(HubError, match=said) as caught:
        load(["cn", local(tmp_path, text)])
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("name", ["nowhere", "../packs/cn", "no/such.yaml", ""])
def test_unknown_packs(name: str) -> None:
    with pytest.raises(HubError) as caught:
        load([name])
    assert caught.value.code == "CONFIG_INVALID"
