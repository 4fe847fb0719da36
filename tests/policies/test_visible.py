"""What exists for a subject: over all its purposes, only what is of use, shared by class."""

from __future__ import annotations

import msgspec

from policies.engine import Engine
from tests.policies.fixture import (
    CEILING,
    PACKS,
    A,
    B,
    H,
    N,
    Q,
    T,
    bundle,
    catalogue,
    engine,
    entity,
    field,
    label,
    subject,
    use,
)

BY = engine()


def test_the_union_over_purposes() -> None:
    visible = BY.visible(A)
    assert {"Person.name", "Person.idNo", "Income.amount", "Person.incomes"} <= visible.selectable
    assert "Person.phone" in visible.selectable, "public metadata, null"
    assert "Map.pipeline" not in visible.selectable, "nothing of the type is permitted"
    assert "Person.health" not in visible.selectable
    assert visible.may("Person", "list")
    assert visible.may("Person.idNo", "filter_eq")
    assert not visible.may("Person.birthDate", "filter_eq")
    assert use("Person.incomes", "traverse") in visible.uses
    without = BY.visible(msgspec.structs.replace(A, purposes=frozenset()))
    assert without.selectable < visible.selectable


def test_only_uses_that_make_sense() -> None:
    rules = "policy: all\neffect: permit\nsubjects: {app: desk}\n"
    rules += "resources: {types: [Thing]}\nmodes: all\n"
    of = catalogue(
        entity(
            "Thing",
            field("key", label("G1")),
            field("number", label("G1"), kind="Int"),
            field("flag", label("G1"), kind="Boolean"),
            field("blob", label("G1"), kind="JSON"),
        )
    )
    visible = Engine(of, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING).visible(subject("desk"))
    modes = {
        name: {
            (held.mode, held.function)
            for held in visible.uses
            if held.coordinate == f"Thing.{name}"
        }
        for name in ("key", "number", "flag", "blob")
    }
    assert modes["blob"] == {("aggregate", "count")}
    assert ("filter_text", None) in modes["key"]
    assert ("aggregate", "sum") not in modes["key"]
    assert ("aggregate", "sum") in modes["number"]
    assert ("filter_text", None) not in modes["number"]
    assert ("filter_range", None) not in modes["flag"]


def test_an_analyst_sees_aggregates() -> None:
    visible = BY.visible(N)
    assert visible.may("Person", "count")
    assert not visible.may("Person", "list")
    assert use("Income.amount", "aggregate", "sum") in visible.uses
    assert use("Income.amount", "aggregate", "max") not in visible.uses


def test_a_case_to_come_is_foreseen() -> None:
    assert "Person.keyWatch" in BY.visible(Q).selectable


def test_classes_share_what_is_visible() -> None:
    other = msgspec.structs.replace(A, id="app:benefits|user:wang", user="wang", expires_at=5.0)
    assert BY.visible(other) is BY.visible(A)
    assert BY.visible(other).digest != BY.visible(B).digest
    assert len({BY.visible(who).digest for who in (A, B, H, N, Q, T)}) == 6


def test_stores_are_bounded() -> None:
    by = engine()
    for number in range(5000):
        by.visible(subject(f"app{number}"))
    assert len(by._standings._held) <= 2048
    assert len(by._standings._classes) <= 256
