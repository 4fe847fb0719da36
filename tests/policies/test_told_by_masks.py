"""Law: that a field is limited in some rows tells of a row nothing that the caller does not see."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from policies.engine import Engine
from policies.masks import MASKS
from policies.ruling import Allow, Masked, Outcome, Rowwise, Ruling
from policies.syntax import read_bundle
from schema.model.entity import RowLabel
from schema.model.names import TypeName
from schema.model.predicate import evaluate
from schema.model.subject import Context
from tests.policies.fixture import (
    CEILING,
    NOON,
    PACKS,
    catalogue,
    entity,
    field,
    label,
    subject,
    use,
)
from tests.policies.test_properties import text_of

NAMES = ("key", "name", "code", "day", "place")
CASE = entity(
    "Case",
    field("key", label("G1")),
    field("name", label("G2", "pi")),
    field("code", label("G2"), owner="tax"),
    field("day", label("G1"), kind="Date", owner="tax"),
    field("place", label("G1")),
    region="place",
)
VALUES: Mapping[str, tuple[object, ...]] = {
    "key": ("k",),
    "name": ("ann", "bob", None),
    "code": ("a1", "b1", None),
    "day": ("2020-01-01", "1980-01-01", None),
    "place": ("3301", "3302", None),
}
ROWS = [dict(zip(NAMES, row, strict=True)) for row in itertools.product(*VALUES.values())]
SUBJECTS = [
    subject("one", "G3", department="psb", region="3301"),
    subject("one", "G3", department="tax", region="3302"),
    subject("two", "G2", department=None, region=None),
    subject("two", "G1", department="psb", region="3301"),
]
_CONDITIONS = [
    "{eq: [row.name, ann]}",
    "{not: {eq: [row.code, a1]}}",
    "{younger_than: [row.day, 14]}",
    "{region_within: [row.region, subject.region]}",
    "{any: [{eq: [row.name, bob]}, {clearance: G3}]}",
    "{all: [{present: row.day}, {ne: [row.place, '3302']}]}",
    "{all: [{eq: [row.name, ann]}, {not: resource.owned}]}",
    "{any: [{eq: [row.code, b1]}, {eq: [subject.department, tax]}]}",
    "{all: [{eq: [resource.owner, tax]}, {eq: [row.place, '3301']}]}",
]
_PLACES = [
    "{types: [Case]}",
    "{types: [Case], owner: tax}",
    "{types: [Case], owner: psb}",
    "{types: [Case], categories: [pi]}",
    *(f"{{fields: [Case.{name}]}}" for name in NAMES[1:]),
]
_MODES = ["all", "[read]", "[project]", "[read, filter]", "[list, open, count]", "[filter, group]"]
_CUT, _NULL = "{mask: {partial: {keep_first: 1}}}", '"null"'


@st.composite
def limits(draw: st.DrawFn) -> str:
    effect = draw(st.sampled_from(["forbid", "require"]))
    place = draw(st.sampled_from(_PLACES))
    parts = [f"effect: {effect}", f"resources: {place}"]
    parts += [f"modes: {draw(st.sampled_from(_MODES))}"]
    word = draw(st.sampled_from(["when", "when", "unless", "rows"]))
    parts.append(f"{word}: {draw(st.sampled_from(_CONDITIONS))}")
    if word != "unless" and draw(st.integers(0, 3)) == 0:
        parts.append("unless: resource.owned")
    if effect == "require" and (word != "rows" or draw(st.booleans())):
        cut = "{mask: {generalise: {to: year}}}" if "Case.day" in place else _CUT
        parts.append(f"outcome: {draw(st.sampled_from(['redact', cut, _NULL]))}")
    return "\n".join(parts)


permits = st.lists(
    st.builds(
        "effect: permit\nsubjects: {{app: [one, two]}}\nmodes: {}\nresources: {}{}".format,
        st.sampled_from(["all", "read", "[project, list]"]),
        st.sampled_from(_PLACES),
        st.sampled_from(["", "", "\noutcome: redact", "\nwhen: resource.owned"]),
    ),
    min_size=1,
    max_size=3,
)

labels = st.lists(
    st.builds(
        lambda when, held, fields, existence: RowLabel(
            name="label.Case.1", when=when, label=held, fields=fields, existence=existence
        ),
        st.sampled_from(
            ['{"eq": ["row.name", "ann"]}', '{"younger_than": ["row.day", 14]}',
             '{"not": {"eq": ["row.place", "3301"]}}']
        ),
        st.sampled_from([label("G3"), label("G1", "pi"), label("G2", "pi.sensitive.minor")]),
        st.frozensets(st.sampled_from(NAMES[1:]), min_size=1),
        st.sampled_from([False, False, True]),
    ),
    max_size=1,
)  # fmt: skip


def seen(outcome: Outcome, row: Mapping[str, Any], name: str, ruling: Ruling) -> object:
    """What the caller sees of a field of a row."""
    match outcome:
        case Allow():
            return ("value", row[name])
        case Masked(mask=mask, params=params):
            (value,) = MASKS[mask].apply([row[name]], dict(params))
            return ("value", value)
        case Rowwise(cases=cases):
            for where, held in cases:
                if evaluate(where, row, ruling.params) is True:
                    return seen(held, row, name, ruling)
            return None
        case _:
            return None


@settings(max_examples=60)
@given(permits, st.lists(limits(), min_size=1, max_size=4), labels)
def test_rows_that_are_seen_alike_are_limited_alike(
    some: list[str], others: list[str], held: list[RowLabel]
) -> None:
    world = catalogue(structs.replace(CASE, row_labels=tuple(held)))
    bundle = read_bundle(text_of(some + others), "random.yaml")
    by = Engine(world, [bundle], PACKS, epoch=1, ceiling=CEILING)
    uses = [use(f"Case.{name}") for name in NAMES]
    for who in SUBJECTS:
        ruling = by.rule(who, uses, Context(now=NOON))
        where = ruling.row_filters.get(TypeName("Case"))
        if where is None:
            continue
        there = [row for row in ROWS if evaluate(where, row, ruling.params) is True]
        shown = [
            [seen(ruling.outcomes[one], row, one.coordinate.partition(".")[2], ruling)
             for one in uses]
            for row in there
        ]  # fmt: skip
        for (one, ours), (two, theirs) in itertools.combinations(zip(there, shown, strict=True), 2):
            apart = [place for place, name in enumerate(NAMES) if one[name] != two[name]]
            # they differ in nothing that is seen of them
            if len(apart) == 1 and ours[apart[0]] == theirs[apart[0]]:
                assert ours == theirs, (who, one, two, ruling.outcomes)
