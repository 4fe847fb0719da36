"""Printed schemas: golden files, and nothing hidden from a subject in what it can read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import build_schema, get_introspection_query, graphql_sync, introspection_from_schema

from schema.graph.build import Face, build_face
from schema.graph.sdl import print_face
from schema.graph.spelling import word_of
from schema.model.whole import see_everything
from tests.city import CATALOGUE, ENGINE, persona

WHOLE = build_face(CATALOGUE, see_everything(CATALOGUE))
CLERK = build_face(CATALOGUE, ENGINE.visible(persona("township-clerk")))
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Golden = Callable[[str, str], None]


def block(sdl: str, kind: str, name: str) -> set[str]:
    """Member names of one printed type."""
    found = re.search(rf"^{kind} {name}\b[^{{]*{{\n(.*?)^}}", sdl, re.MULTILINE | re.DOTALL)
    if found is None:
        return set()
    bare = re.sub(r'"""(.*?)"""', "", found[1], flags=re.DOTALL)
    return set(re.findall(r"^  ([A-Za-z_]\w*)", bare, re.MULTILINE))


def test_whole_city(golden: Golden) -> None:
    golden("city.graphql", print_face(WHOLE))


def test_township_clerk(golden: Golden) -> None:
    golden("city-township-clerk.graphql", print_face(CLERK))


def test_a_masked_key_cannot_be_looked_up() -> None:
    """Its last four characters and a few hundred guesses would tell the whole number."""
    roots = block(print_face(CLERK), "type", "Query")
    assert "person" not in roots
    assert {"persons", "node", "enterprise"} <= roots
    assert "person" in block(print_face(WHOLE), "type", "Query")


@pytest.mark.parametrize("face", [WHOLE, CLERK], ids=["whole", "clerk"])
def test_printed_schema_is_valid(face: Face) -> None:
    built = build_schema(print_face(face))
    assert set(built.type_map) == set(face.schema.type_map)


def test_every_entity_field_tells_owner_and_label() -> None:
    printed = print_face(WHOLE)
    for entity in CATALOGUE.types.values():
        found = re.search(rf"^type {entity.name} [^{{]*{{\n(.*?)^}}", printed, re.M | re.S)
        assert found is not None
        for field in entity.fields.values():
            line = next(li for li in found[1].splitlines() if li.startswith(f"  {field.name}:"))
            assert f'@owner(department: "{field.owner}")' in line
            for _, level in field.label.levels:
                assert f'"{level}"' in line
            for word in (*field.label.categories, *field.label.compartments):
                assert f'"{word}"' in line


def test_running_schema_has_no_such_directives() -> None:
    names = {directive.name for directive in WHOLE.schema.directives}
    assert not names & {"label", "owner"}


def test_clerk_sees_only_what_it_may_use() -> None:
    """Each element of the clerk's schema is there because the clerk may select or use it."""
    printed, visible = print_face(CLERK), CLERK.visible
    for name, entity in CATALOGUE.types.items():
        fields = block(printed, "type", name) - {"id"}
        assert fields <= {
            at.split(".")[1] for at in visible.selectable if at.startswith(f"{name}.")
        }
        words = word_of(entity)
        for enum, mode in ((f"{name}Order", "sort"), (f"{name}Group", "group")):
            allowed = {w for f, w in words.items() if visible.may(f"{name}.{f}", mode)}  # type: ignore[arg-type]
            shown = {re.sub(r"_(ASC|DESC)$", "", w) for w in block(printed, "enum", enum)}
            assert shown == allowed
        filters = block(printed, "input", f"{name}Filter") - {"and", "or", "not"}
        for field in filters:
            modes = ("filter_eq", "filter_range", "filter_text", "traverse")
            assert any(visible.may(f"{name}.{field}", mode) for mode in modes)  # type: ignore[arg-type]


def names_in(told: Any) -> Iterator[str]:
    """Every name that an introspection answers with."""
    if isinstance(told, dict):
        if isinstance(told.get("name"), str):
            yield told["name"]
        for held in told.values():
            yield from names_in(held)
    elif isinstance(told, list):
        for held in told:
            yield from names_in(held)


def test_introspection_and_print_hold_the_same_names() -> None:
    """What the printed schema leaves out, introspection cannot find either."""
    result = graphql_sync(CLERK.schema, get_introspection_query(input_value_deprecation=True))
    whole, part = (set(WORD.findall(print_face(face))) for face in (WHOLE, CLERK))
    hidden = whole - part
    assert len(hidden) > 100
    found = set(names_in(result.data))
    introspects = {"ENUM", "INPUT_OBJECT", "FIELD", "SCALAR"}  # values of `__TypeKind` and such
    assert not (hidden & found) - introspects


@pytest.mark.parametrize(
    "name",
    [
        "ID_NUMBER_ASC", "BIRTH_DATE_ASC", "PHONE_ASC", "MONTHLY_SALARY_ASC",
        "EmploymentAggregate", "PersonGroup", "EnterpriseKeyAggregate",
    ],
)  # fmt: skip
def test_hidden_from_the_clerk(name: str) -> None:
    assert name in print_face(WHOLE)
    told = json.dumps(introspection_from_schema(CLERK.schema))
    assert not re.search(rf"\b{name}\b", told)
    assert not re.search(rf"\b{name}\b", print_face(CLERK))
