"""Supergraphs that were composed before are read as they are."""

from __future__ import annotations

import pytest
from graphql import print_schema

from hub.gateway.compose.problems import CompositionError
from hub.gateway.compose.supergraph import read_supergraph
from hub.gateway.model import Chosen, Graph, HeldField, Key

HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
{ query: Query }

directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable
  on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet,
  type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable
  on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) on SCHEMA
directive @inaccessible on FIELD_DEFINITION | OBJECT
directive @live on QUERY
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  GOODS_1 @join__graph(name: "goods-1", url: "http://goods.test/")
  STOCK @join__graph(name: "stock", url: "http://stock.test/")
  NOTES @join__graph(name: "notes", url: "http://notes.test/")
}
"""

BODY = """
type Query @join__type(graph: GOODS_1) @join__type(graph: STOCK) @join__type(graph: NOTES) {
  item: Item @join__field(graph: GOODS_1, provides: "weight")
  kinds(of: [Kind!] = [BIG]): U @join__field(graph: GOODS_1)
}
interface Item
  @join__type(graph: GOODS_1, key: "id")
  @join__type(graph: NOTES, key: "id", isInterfaceObject: true)
{
  id: ID!
  notes(first: Int): [String!]! @join__field(graph: NOTES)
}
type Book implements Item
  @join__implements(graph: GOODS_1, interface: "Item")
  @join__type(graph: GOODS_1, key: "id")
  @join__type(graph: GOODS_1, key: "code { of }", resolvable: false)
  @join__type(graph: STOCK, key: "id", extension: true)
{
  id: ID!
  code: Code @join__field(graph: GOODS_1)
  weight: Float @join__field(graph: GOODS_1, external: true)
    @join__field(graph: STOCK, type: "Float!")
  price: Int @join__field(graph: STOCK, requires: "weight")
    @join__field(graph: GOODS_1, usedOverridden: true)
  secret: Int @inaccessible @join__field(graph: STOCK)
  notes(first: Int): [String!]! @join__field
}
type Code @join__type(graph: GOODS_1) { of: ID }
union U
  @join__type(graph: GOODS_1) @join__type(graph: STOCK)
  @join__unionMember(graph: GOODS_1, member: "Book")
  @join__unionMember(graph: STOCK, member: "Code")
  = Book | Code
enum Kind @join__type(graph: GOODS_1) @join__type(graph: STOCK) {
  BIG @join__enumValue(graph: GOODS_1) @join__enumValue(graph: STOCK)
  SMALL @join__enumValue(graph: STOCK)
}
"""


def test_graphs_types_and_fields_are_read() -> None:
    supergraph = read_supergraph(HEAD + BODY)
    assert supergraph.graphs["goods-1"] == Graph("goods-1", "http://goods.test/")
    assert set(supergraph.types) == {"Query", "Item", "Book", "Code", "U", "Kind"}
    book = supergraph.types["Book"]
    assert book.held["goods-1"].keys == (
        Key((Chosen("id"),)),
        Key((Chosen("code", "", (Chosen("of"),)),), resolvable=False),
    )
    assert book.held["goods-1"].interfaces == {"Item"}
    assert book.held["stock"].interfaces == frozenset()
    assert [each.graph for each in book.fields["id"].held if not each.through] == [
        "goods-1",
        "stock",
    ]
    assert book.fields["weight"].held == (
        HeldField(graph="goods-1", type="Float", external=True),
        HeldField(graph="stock", type="Float!"),
    )
    assert book.fields["price"].held[0].requires == (Chosen("weight"),)
    assert book.fields["price"].held[1].external
    assert supergraph.types["Query"].fields["item"].held == (
        HeldField(graph="goods-1", type="Item", provides=(Chosen("weight"),)),
    )


def test_fields_of_interface_objects_are_read() -> None:
    supergraph = read_supergraph(HEAD + BODY)
    assert supergraph.types["Item"].held["notes"].interface_object
    assert supergraph.types["Item"].held["goods-1"].members == {"Book"}
    assert supergraph.types["Book"].fields["notes"].held == (
        HeldField(graph="notes", type="[String!]!", arguments=frozenset({"first"}), through="Item"),
    )


def test_members_and_values_are_read_for_each_graph() -> None:
    supergraph = read_supergraph(HEAD + BODY)
    union = supergraph.types["U"]
    assert union.held["goods-1"].members == {"Book"}
    assert union.held["stock"].members == {"Code"}
    assert supergraph.types["Kind"].values == {
        "BIG": {"goods-1", "stock"},
        "SMALL": {"stock"},
    }


def test_clients_see_neither_machinery_nor_what_is_inaccessible() -> None:
    supergraph = read_supergraph(HEAD + BODY)
    shown = print_schema(supergraph.api)
    assert "join__" not in shown
    assert "link" not in shown
    assert "secret" not in shown
    assert "directive @live on QUERY" in shown
    assert "kinds(of: [Kind!] = [BIG]): U" in shown
    assert "secret" in print_schema(supergraph.whole)


def test_the_first_join_has_owners() -> None:
    supergraph = read_supergraph(
        """
        schema @core(feature: "https://specs.apollo.dev/core/v0.2")
          @core(feature: "https://specs.apollo.dev/join/v0.1", for: EXECUTION) { query: Query }
        enum join__Graph {
          A @join__graph(name: "a" url: "http://a.test/")
          B @join__graph(name: "b" url: "http://b.test/")
        }
        type Query { t: T @join__field(graph: A) }
        type T @join__owner(graph: A) @join__type(graph: A, key: "id")
          @join__type(graph: B, key: "id") {
          id: ID @join__field(graph: A)
          n: Int
          r: V @join__field(graph: B, requires: "n")
        }
        type V { x: Int }
        """
    )
    fields = supergraph.types["T"].fields
    assert [each.graph for each in fields["n"].held] == ["a"]
    assert [each.graph for each in fields["r"].held] == ["b"]
    assert {each.graph for each in supergraph.types["V"].fields["x"].held} == {"a", "b"}


def test_progressive_overrides_stay_with_their_source_until_whole() -> None:
    for share, holder in ((99, "stock"), (100, "notes")):
        supergraph = read_supergraph(
            HEAD.replace("v0.3", "v0.4")
            + f"""
            type Query @join__type(graph: STOCK) @join__type(graph: NOTES) {{
              x: Int @join__field(graph: STOCK)
                @join__field(graph: NOTES, override: "stock", overrideLabel: "percent({share})")
            }}
            """
        )
        assert [each.graph for each in supergraph.types["Query"].fields["x"].held] == [holder]


@pytest.mark.parametrize(
    "text",
    [
        "type Query {",
        "type Query { x: " + "[" * 5_000,
        "type Query { x: Int }",
        HEAD + "type Query @join__type(graph: NOBODY) { x: Int }",
        HEAD + "type Query @join__type(graph: STOCK) { x: Nothing }",
        HEAD + 'type Query @join__type(graph: STOCK, key: "x {") { x: Int }',
        HEAD + "type Query @join__type(graph: STOCK) { x(a: Int = true): Int }",
        HEAD + "type Other @join__type(graph: STOCK) { x: Int }",
    ],
)
def test_what_is_no_supergraph_is_refused(text: str) -> None:
    with pytest.raises(CompositionError) as caught:
        read_supergraph(text)
    assert {each.code for each in caught.value.problems} == {"INVALID_GRAPHQL"}
