"""Drafts: whatever a source is called inside, the draft reads and composes without edits."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from hub.registry.discover import draft_fragment
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.label import LabelScheme, Ladder
from schema.model.names import Coordinate, SourceName, TypeName
from schema.model.scalar import SCALAR_KINDS, ScalarKind

SCHEME = LabelScheme(ladders=(Ladder(id="g", levels=("G1", "G2")),))


def table(
    name: str,
    columns: str,
    *,
    key: str = "",
    refers: tuple[tuple[str, str, str], ...] = (),
    comment: str | None = None,
) -> ShapeTable:
    """``a:Int b`` are columns (text by default); `refers` holds (columns, table, columns)."""
    split = [part.partition(":") for part in columns.split()]
    kinds: dict[str, ScalarKind] = {kind: kind for kind in SCALAR_KINDS}  # type: ignore[misc]
    return ShapeTable(
        name=name,
        columns=tuple(
            ShapeColumn(name=one, kind=kinds[kind or "String"]) for one, _, kind in split
        ),
        keys=tuple(tuple(one.split()) for one in key.split(",") if one),
        foreign_keys=tuple(
            ForeignKey(columns=tuple(ours.split()), to_table=to, to_columns=tuple(theirs.split()))
            for ours, to, theirs in refers
        ),
        comment=comment,
    )


def draft(*tables: ShapeTable, level: str | None = "G1") -> str:
    return draft_fragment(
        SourceShape(tables=tables),
        name="civil",
        department="civil-affairs",
        kind="sql",
        connect={"url": "sqlite:////data/civil.sqlite"},
        level=level,
    )


def published(*tables: ShapeTable) -> Catalogue:
    return compose([read_fragment(draft(*tables), "draft.yaml")], SCHEME)


def fields(catalogue: Catalogue, type_name: str) -> dict[str, str]:
    """Field -> column."""
    columns = catalogue.bindings[TypeName(type_name)][SourceName("civil")].columns
    return {field: one.column for field, one in columns.items()}


def relations(catalogue: Catalogue) -> dict[str, str]:
    return {
        f"{name}.{relation.name}": f"[{relation.to}]" if relation.many else relation.to
        for name, entity in catalogue.types.items()
        for relation in entity.relations.values()
    }


def test_names_follow_graphql_whatever_the_source_uses() -> None:
    catalogue = published(
        table("TBL_Civil-Cases", "ID CASE_NO caseTitle Opened-On HTTPCode 2nd_name x", key="ID"),
        table("people", "id", key="id"),
    )
    assert fields(catalogue, "CivilCase") == {
        "civilCaseId": "ID",
        "caseNo": "CASE_NO",
        "caseTitle": "caseTitle",
        "openedOn": "Opened-On",
        "httpCode": "HTTPCode",
        "field2NdName": "2nd_name",
        "x": "x",
    }
    assert catalogue.types[TypeName("CivilCase")].plural == "civilCases"
    assert fields(catalogue, "Person") == {"personId": "id"}


def test_chinese_names_become_titles() -> None:
    catalogue = published(table("居民", "编号 姓名 name拼音", key="编号"))
    entity = catalogue.types[TypeName("Table1")]
    assert entity.title == {"zh": "居民"}
    assert fields(catalogue, "Table1") == {"column1": "编号", "column2": "姓名", "name": "name拼音"}
    name = catalogue.field(Coordinate("Table1.column2"))
    assert name is not None
    assert name.title == {"zh": "姓名"}


def test_clashing_names_are_told_apart_the_same_way_each_time() -> None:
    tables = (
        table("order item", "k a_b aB a-b", key="k"),
        table("order_item", "k", key="k"),
        table("order", "k and not id", key="k"),
        table("query", "k", key="k"),
        table("order_order", "k", key="k"),
        table("data_connection", "k", key="k"),
    )
    catalogue = published(*tables)
    assert list(catalogue.types) == [
        "DataConnectionRecord", "Order", "OrderItem", "OrderItem2", "OrderOrderRecord",
        "QueryRecord",
    ]  # fmt: skip
    assert list(fields(catalogue, "OrderItem")) == ["k", "aB", "aB2", "aB3"]
    assert list(fields(catalogue, "Order")) == ["k", "andValue", "notValue", "orderId"]
    assert draft(*tables) == draft(*reversed(tables))


def test_relations_from_foreign_keys_in_both_directions() -> None:
    catalogue = published(
        table("artist", "artist_id:Int", key="artist_id"),
        table("album", "album_id:Int artist_id:Int", key="album_id",
              refers=(("artist_id", "artist", "artist_id"),)),
    )  # fmt: skip
    assert relations(catalogue) == {"Album.artist": "Artist", "Artist.albums": "[Album]"}
    back = catalogue.relation(Coordinate("Artist.albums"))
    assert back is not None
    assert back.match == (("artistId", "artistId"),)


def test_self_references_and_several_references_to_one_table() -> None:
    catalogue = published(
        table("region", "code parent_code", key="code",
              refers=(("parent_code", "region", "code"),)),
        table("employee", "no boss", key="no", refers=(("boss", "employee", "no"),)),
        table("trip", "n from_code to_code region", key="n", refers=(
            ("from_code", "region", "code"), ("to_code", "region", "code"),
            ("region", "region", "code"))),
    )  # fmt: skip
    assert relations(catalogue) == {
        "Region.parent": "Region",
        "Region.children": "[Region]",
        "Employee.bossEmployee": "Employee",
        "Employee.employeesByBoss": "[Employee]",
        "Trip.from": "Region",
        "Region.tripsByFrom": "[Trip]",
        "Trip.to": "Region",
        "Region.tripsByTo": "[Trip]",
        "Trip.regionRecord": "Region",
        "Region.trips": "[Trip]",
    }


def test_link_tables_stay_types_and_one_to_one_is_to_one() -> None:
    catalogue = published(
        table("playlist", "id:Int", key="id"),
        table("track", "id:Int", key="id"),
        table("playlist_track", "playlist_id:Int track_id:Int", key="playlist_id track_id",
              refers=(("playlist_id", "playlist", "id"), ("track_id", "track", "id"))),
        table("cover", "track_id:Int", key="track_id", refers=(("track_id", "track", "id"),)),
    )  # fmt: skip
    assert catalogue.types[TypeName("PlaylistTrack")].key == ("playlistId", "trackId")
    assert relations(catalogue) == {
        "PlaylistTrack.playlist": "Playlist",
        "Playlist.playlistTracks": "[PlaylistTrack]",
        "PlaylistTrack.track": "Track",
        "Track.playlistTracks": "[PlaylistTrack]",
        "Cover.track": "Track",
        "Track.cover": "Cover",
    }


def test_composite_foreign_keys() -> None:
    catalogue = published(
        table("flat", "street number:Int", key="street number"),
        table("lease", "n s h:Int", key="n", refers=(("s h", "flat", "street number"),)),
    )
    one = catalogue.relation(Coordinate("Lease.flat"))
    assert one is not None
    assert one.match == (("s", "street"), ("h", "number"))


def test_whole_numbers_that_refer_get_the_wider_kind() -> None:
    catalogue = published(
        table("a", "k:Int", key="k"),
        table("b", "k a:Int", key="k", refers=(("a", "a", "k"),)),
        table("c", "k a:BigInt", key="k", refers=(("a", "a", "k"),)),
    )
    kinds = {str(at): catalogue.field(Coordinate(at)) for at in ("A.k", "B.a", "C.a")}
    assert {field.kind for field in kinds.values() if field is not None} == {"BigInt"}


def test_what_cannot_be_a_relation_is_said() -> None:
    text = draft(
        table("a", "k:Date u", key="k"),
        table("b", "k a", key="k", refers=(("a", "a", "k"), ("a", "a", "u"), ("a", "gone", "k"))),
    )
    assert "# no relation from B to A: the columns have types that do not compare" in text
    assert "# no relation from B to A: it refers to columns that are no key" in text
    assert relations(compose([read_fragment(text, "d.yaml")], SCHEME)) == {}


def test_a_table_without_a_key_is_drafted_as_a_comment() -> None:
    text = draft(table("a", "k", key="k"), table("log", "at text"), table("f", "x:Float", key="x"))
    assert list(compose([read_fragment(text, "d.yaml")], SCHEME).types) == ["A"]
    assert "has no key in the source" in text
    mended = text.replace("\n#  ", "\n  ").replace("key: []", "key: [at]")
    mended = mended.replace("key: [at]\n    from: {table: f}", "key: [x]\n    from: {table: f}")
    mended = mended.replace("x: {type: Float}", "x: {type: Int}")
    assert "Log" in compose([read_fragment(mended, "d.yaml")], SCHEME).types


def test_several_keys_comments_and_details() -> None:
    text = draft_fragment(
        SourceShape(
            tables=(
                ShapeTable(
                    name="r",
                    columns=(
                        ShapeColumn(name="a", kind="String", comment="the\n 'first': #1"),
                        ShapeColumn(name="b", kind="String"),
                    ),
                    keys=(("a",), ("b",), ("a",)),
                    comment="人口: 表",
                    rows=12,
                    detail={"path": "/people", "paging": {"kind": "page", "size": 50}},
                ),
            )
        ),
        name="rest",
        department="d",
        kind="rest",
        connect={"url": "https://x.test", "token": "${env:TOKEN}"},
        title="市监: 局",
        tier="city",
        region="3301",
        level="G2",
    )
    fragment = read_fragment(text, "d.yaml")
    assert fragment.types[0].keys == (("a",), ("b",))
    assert fragment.types[0].about == {"zh": "人口: 表"}
    assert fragment.types[0].fields["a"].about == {"en": "the 'first': #1"}  # type: ignore[index]
    assert fragment.source.tables == {
        "r": {"path": "/people", "paging": {"kind": "page", "size": 50}}
    }
    assert fragment.source.connect == {"url": "https://x.test", "token": "${env:TOKEN}"}
    assert (fragment.source.title, fragment.source.region) == ({"zh": "市监: 局"}, "3301")


def test_labels_are_left_to_a_person() -> None:
    text = draft(table("a", "k", key="k"), level=None)
    assert "# label: set the level" in text
    assert read_fragment(text, "d.yaml").types[0].label is None
    labelled = text.replace("# label: set the level of", "label: G1  #")
    assert compose([read_fragment(labelled, "d.yaml")], SCHEME).types


def test_an_empty_source_gives_an_empty_draft() -> None:
    assert read_fragment(draft(), "d.yaml").types == ()


@pytest.mark.parametrize(
    "connect", [{"url": "postgresql://hub:s3cret@db/x"}, {"host": "db", "password": "s3cret"}]
)
def test_a_secret_is_not_written_into_a_draft(connect: dict[str, str]) -> None:
    with pytest.raises(HubError) as found:
        draft_fragment(
            SourceShape(tables=()), name="a", department="b", kind="sql", connect=connect
        )
    assert found.value.code == "CONFIG_INVALID"
    assert "s3cret" not in str(found.value)


def test_names_of_sources_are_checked() -> None:
    with pytest.raises(HubError, match="a source cannot be called so"):
        draft_fragment(SourceShape(tables=()), name="A b", department="b", kind="sql", connect={})


_NAMES = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="abAB_- 01姓é", max_size=8),
    st.sampled_from(
        ["id", "and", "Query", "orders", "order", "person", "person_order", "null", "no"]
    ),
)


@st.composite
def shapes(draw: st.DrawFn) -> SourceShape:
    names = draw(st.lists(_NAMES, max_size=5, unique=True))
    tables: list[ShapeTable] = []
    for name in names:
        columns = draw(st.lists(_NAMES, min_size=1, max_size=5, unique=True))
        kinds = st.sampled_from(sorted(SCALAR_KINDS))
        subset = st.lists(st.sampled_from(columns), min_size=1, max_size=2, unique=True)
        refers = []
        for other in draw(st.lists(st.sampled_from(names), max_size=3)):
            there = next((one for one in tables if one.name == other), None)
            to = [column.name for column in there.columns] if there else columns
            key = draw(st.sampled_from(there.keys)) if there and there.keys else tuple(to[:1])
            ours = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2))
            refers.append(ForeignKey(columns=tuple(ours), to_table=other, to_columns=key))
        tables.append(
            ShapeTable(
                name=name,
                columns=tuple(
                    ShapeColumn(name=one, kind=draw(kinds), comment=draw(st.none() | _NAMES))  # type: ignore[arg-type]
                    for one in columns
                ),
                keys=tuple(tuple(key) for key in draw(st.lists(subset, max_size=2))),
                foreign_keys=tuple(refers),
                comment=draw(st.none() | _NAMES),
            )
        )
    return SourceShape(tables=tuple(tables))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shapes())
def test_any_draft_reads_and_composes_without_edits(shape: SourceShape) -> None:
    text = draft(*shape.tables)
    catalogue = compose([read_fragment(text, "draft.yaml")], SCHEME)
    written = {one.name for one in shape.tables}
    for bindings in catalogue.bindings.values():
        assert bindings[SourceName("civil")].table in written


def test_a_database_of_sqlite_drafts_from_its_own_catalogue() -> None:
    """The same through a real database's own words, reserved ones included."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute('CREATE TABLE "group" ("order" INTEGER PRIMARY KEY, "null" TEXT)')
        names = [row[1] for row in database.execute('PRAGMA table_info("group")')]
    catalogue = published(table("group", " ".join(names), key="order"))
    assert fields(catalogue, "Group") == {"order": "order", "nullValue": "null"}
