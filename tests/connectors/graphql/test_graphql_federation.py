"""What the directives of subgraphs mean for a draft, in both versions and under other names."""

from __future__ import annotations

import pytest

from connectors.graphql.schema import from_text
from connectors.graphql.shape import shape_of
from connectors.spi import ShapeTable
from schema.errors import SourceError

LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key",
  "@external", "@requires", "@shareable", "@override", "@interfaceObject", "@inaccessible",
  "@provides"])
"""


def tables(text: str, link: str = LINK) -> dict[str, ShapeTable]:
    return {table.name: table for table in shape_of(from_text(link + text)).tables}


def columns(table: ShapeTable) -> list[str]:
    return [column.name for column in table.columns if not column.elsewhere]


def test_composite_and_nested_keys_are_paths() -> None:
    (unit,) = tables(
        """type Unit @key(fields: "number organisation { code }") @key(fields: "id") {
             id: ID! number: Int! organisation: Organisation! floor: Int }
           type Organisation { code: String! name: String }"""
    ).values()
    assert unit.keys == (("number", "/organisation/code"), ("id",))
    assert unit.detail["entity"] == {
        "type": "Unit", "keys": [["number", "/organisation/code"], ["id"]],
    }  # fmt: skip
    assert set(columns(unit)) == {
        "id", "number", "floor", "/organisation/code", "/organisation/name",
    }  # fmt: skip


def test_external_fields_are_not_drafted_and_required_ones_are_asked_elsewhere() -> None:
    found = tables(
        """type Product @key(fields: "upc") { upc: ID! price: Int @external weight: Int @external
             stock: Int estimate: Int @requires(fields: "price weight") }"""
    )
    assert columns(found["Product"]) == ["upc", "stock"]
    assert found["Product"].extends
    derived = found["ProductEstimate"]
    assert derived.keys == (("upc", "price", "weight"),)
    assert columns(derived) == ["upc", "price", "weight", "estimate"]
    assert derived.detail == {
        "entity": {"type": "Product", "keys": [["upc"]], "requires": ["price", "weight"]}
    }
    (reference,) = derived.foreign_keys
    assert (reference.to_table, reference.to_columns) == ("Product", ("upc", "price", "weight"))


def test_a_type_with_nothing_but_required_fields_is_another_sources() -> None:
    found = tables(
        """type Product @key(fields: "upc") { upc: ID! price: Int @external
             estimate: Int @requires(fields: "price") }"""
    )
    assert found["Product"].elsewhere
    assert [column.name for column in found["Product"].columns] == ["upc", "price"]
    assert not found["ProductEstimate"].elsewhere


def test_inaccessible_is_not_drafted_wherever_it_stands() -> None:
    found = tables(
        """type Query { people: [Person!]! secrets: [Secret!]! hidden: [Person!]! @inaccessible }
           type Person @key(fields: "id") @key(fields: "number") { id: ID!
             number: String! @inaccessible name: String diagnosis: String @inaccessible }
           type Secret @key(fields: "id") @inaccessible { id: ID! text: String }"""
    )
    assert set(found) == {"Person"}
    assert columns(found["Person"]) == ["id", "name"]
    assert found["Person"].keys == (("id",),)
    assert found["Person"].detail["list"]["field"] == "people"


def test_override_takes_a_field_over_and_progressive_override_does_not() -> None:
    (bill,) = tables(
        """type Query { bills: [Bill!]! }
           type Bill @key(fields: "id") { id: ID! amount: Int @override(from: "payments")
             due: String @override(from: "payments", label: "percent(10)") }"""
    ).values()
    told = {column.name: column.authoritative for column in bill.columns}
    assert told == {"id": None, "amount": True, "due": None}


def test_keys_that_cannot_be_resolved_are_references_only() -> None:
    found = tables(
        """type Query { orders: [Order!]! }
           type Order @key(fields: "id") { id: ID! product: Product }
           type Product @key(fields: "upc", resolvable: false) { upc: ID! }"""
    )
    assert found["Product"].elsewhere
    (reference,) = found["Order"].foreign_keys
    assert reference.columns == ("/product/upc",)


def test_an_object_that_stands_for_an_interface_is_an_entity() -> None:
    (media,) = tables(
        'type Media @interfaceObject @key(fields: "id") { id: ID! stars: Int }'
    ).values()
    assert media.detail["entity"] == {"type": "Media", "keys": [["id"]]}


def test_lists_in_entities_are_read_through_them() -> None:
    found = tables(
        """type Product @key(fields: "upc") { upc: ID! reviews: [Review!]!
             best(first: Int = 3): [Review!]! }
           type Review @key(fields: "id") { id: ID! body: String product: Product! }"""
    )
    assert found["Review"].detail["through"] == [
        {"type": "Product", "key": {"upc": "/product/upc"}, "field": "reviews"}
    ]


def test_directives_under_other_names() -> None:
    link = """schema @link(url: "https://specs.apollo.dev/federation/v2.3", as: "fed",
                import: [{name: "@key", as: "@identified"}]) { query: Query }
              type Query { people: [Person!]! }"""
    (person,) = tables(
        """type Person @identified(fields: "id") { id: ID! a: Int @fed__external
             b: Int @external c: Int @fed__inaccessible }""",
        link,
    ).values()
    assert columns(person) == ["id", "b"]  # `@external` is here nobody's name for it


def test_the_first_version() -> None:
    found = tables(
        """type Query { reviews: [Review!]! }
           type Review @key(fields: "id") { id: ID! body: String author: User }
           extend type User @key(fields: "id") { id: ID! @external karma: Int }
           type Place @key(fields: "id") @extends { id: ID! @external height: Int }""",
        "",
    )
    assert found["User"].extends
    assert found["Place"].extends
    assert columns(found["User"]) == ["id", "karma"]
    assert not found["Review"].extends


@pytest.mark.parametrize(
    "text",
    [
        'extend schema @link(url: "https://specs.apollo.dev/federation/v3.0") type A { a: Int }',
        'type A @key(fields: "a(x: 1)") { a: Int }',
        'type A @key(fields: "... on A { a }") { a: Int }',
        'type A @key(fields: "b: a") { a: Int }',
        'type A @key(fields: "a {") { a: Int }',
        "type A @key { a: Int }",
        'type A @key(fields: "a { b { c { d { e { f } } } } }") { a: Int }',
        "type A { a: Missing }",
        "type A {",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        shape_of(from_text(text))
    assert caught.value.code == "SOURCE_BAD_DATA"


def test_a_plain_server_has_no_facts() -> None:
    served = from_text("type Query { people(ids: [ID!]!): [Person] } type Person { id: ID! }")
    assert not served.subgraph
    assert served.facts.types["Person"].keys == ()
    (person,) = shape_of(served).tables
    assert person.detail == {"get_many": {"field": "people", "arg": "ids", "key": "id"}}


def test_what_cannot_be_read_by_itself_is_not_drafted() -> None:
    found = tables(
        """type Query { me: User notes: [Note!]! best(first: Int = 3): [Film!]!
             film(id: ID!): Film allFilms: [Film!]! }
           type User { id: ID! name: String }
           type Note { id: ID! text: String author: User }
           type Film { id: ID! title: String }""",
        "",
    )
    assert set(found) == {"Note", "Film"}
    assert found["Film"].detail == {
        "list": {"field": "allFilms"}, "get": {"field": "film", "args": {"id": "id"}},
    }  # fmt: skip
    assert columns(found["Note"]) == ["id", "text", "/author/id"]
