"""Introspection: what tools send is answered, what multiplies the schema is refused."""

from __future__ import annotations

import itertools
import time

import pytest
from graphql import build_client_schema, get_introspection_query

from tests.hub.query.small import Small

SUPPORT = """
query IntrospectionSupport {
  directive: __type(name: "__Directive") { fields { name args { name } } }
  type: __type(name: "__Type") { fields { name } }
  inputValue: __type(name: "__InputValue") { fields { name } }
  field: __type(name: "__Field") { fields { name args { name } } }
}
"""
ROVER = """
query GraphIntrospectQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) {
    name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
    kind name ofType { kind name ofType { kind name } } } } } } }
}
"""


def multiplied(aliases: str) -> str:
    """Every list and type of the introspection under several aliases, by fragments."""

    def under(field: str, below: str) -> str:
        return " ".join(f"{alias}_{field}: {field} {{ ...{below} }}" for alias in aliases)

    return (
        f"{{ __schema {{ {under('types', 'T')} }} }} "
        f"fragment T on __Type {{ {under('fields', 'F')} }} "
        f"fragment F on __Field {{ {under('args', 'A')} {under('type', 'R')} }} "
        f"fragment A on __InputValue {{ {under('type', 'R')} }} "
        f"fragment R on __Type {{ {under('ofType', 'S')} {under('fields', 'N')} }} "
        f"fragment S on __Type {{ {under('ofType', 'L')} }} "
        "fragment L on __Type { kind name } fragment N on __Field { name }"
    )


REFUSED = {
    "lists under three aliases": (multiplied("abc"), "TOO_COSTLY"),
    "lists under two aliases": (multiplied("ab"), "TOO_COSTLY"),
    "the schema 99 times": (
        "{" + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(99)) + "}",
        "TOO_MANY_ALIASES",
    ),
    "a type eleven times": (
        "{" + " ".join(f'a{n}: __type(name: "Person") {{ name }}' for n in range(11)) + "}",
        "TOO_MANY_ALIASES",
    ),
    "fields of fields of fields": (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "names in fragments": (
        "{ __schema { types { ...A ...B ...C } } } fragment A on __Type { a: name } "
        "fragment B on __Type { b: name } fragment C on __Type { c: name }",
        "TOO_MANY_ALIASES",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
async def test_refused(text: str, code: str) -> None:
    began = time.perf_counter()
    assert await Small().code(text) == code
    assert time.perf_counter() - began < 20


@pytest.mark.asyncio
@pytest.mark.parametrize("options", list(itertools.product((False, True), repeat=3)))
async def test_the_standard_query_with_any_option(options: tuple[bool, bool, bool]) -> None:
    one, two, three = options
    text = get_introspection_query(
        descriptions=one, specified_by_url=one, directive_is_repeatable=two,
        schema_description=two, input_value_deprecation=three, one_of=three,
    )  # fmt: skip
    told = await Small().ask(text)
    assert build_client_schema(told["data"]).get_type("Person")


@pytest.mark.asyncio
@pytest.mark.parametrize("text", [SUPPORT, ROVER, "{ __schema { description types { name } } }"])
async def test_what_tools_send(text: str) -> None:
    told = await Small().ask(text)
    assert "errors" not in told
    assert all(told["data"].values())
