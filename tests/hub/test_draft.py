"""A database nobody prepared: drafted, composed, asked, and compared with hand-written SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from tests.hub.drafted import PACKS, answers, drafted, one, rows

CHINOOK = Path(__file__).resolve().parents[1] / "data" / "chinook.sqlite"


def test_every_table_with_a_key_is_drafted() -> None:
    catalogue = compose([read_fragment(drafted(CHINOOK), "d.yaml")], PACKS.scheme)
    tables = {str(b.table) for held in catalogue.bindings.values() for b in held.values()}
    assert tables == {
        name for (name,) in rows(CHINOOK, "SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    for name, column in (("Track", "unitPrice"), ("Invoice", "total")):
        assert catalogue.types[name].fields[column].kind == "Decimal"  # type: ignore[index]
    assert catalogue.types["PlaylistTrack"].keys == (("playlistId", "trackId"),)  # type: ignore[index]
    arrows = rows(
        CHINOOK,
        "SELECT count(*) FROM sqlite_master m, pragma_foreign_key_list(m.name) "
        "WHERE m.type = 'table'",
    )[0][0]
    assert sum(len(entity.relations) for entity in catalogue.types.values()) == 2 * arrows


def test_counts() -> None:
    names = {
        "albums": "Album", "artists": "Artist", "customers": "Customer", "employees": "Employee",
        "genres": "Genre", "invoices": "Invoice", "invoiceLines": "InvoiceLine",
        "mediaTypes": "MediaType", "playlists": "Playlist", "playlistTracks": "PlaylistTrack",
        "tracks": "Track",
    }  # fmt: skip
    told = one(CHINOOK, "{" + " ".join(f"{name} {{ totalCount }}" for name in names) + "}")
    for name, table in names.items():
        assert told[name]["totalCount"] == rows(CHINOOK, f'SELECT count(*) FROM "{table}"')[0][0]  # noqa: S608


def test_filter_over_relations() -> None:
    told = one(
        CHINOOK,
        """query($genre: String!, $price: Decimal!) {
          tracks(first: 1000, orderBy: [MILLISECONDS_DESC, TRACK_ID_ASC], filter: {
            genre: {name: {eq: $genre}}, album: {artist: {name: {startsWith: "A"}}}
            or: [{unitPrice: {lt: $price}}, {composer: {isNull: true}}]
          }) { totalCount nodes { trackId name milliseconds unitPrice
                                  album { title artist { name } } } } }""",
        {"genre": "Rock", "price": "1"},
    )["tracks"]
    expected = rows(
        CHINOOK,
        """SELECT t.TrackId, t.Name, t.Milliseconds, printf('%.2f', t.UnitPrice), al.Title, ar.Name
           FROM Track t JOIN Genre g USING (GenreId) JOIN Album al USING (AlbumId)
           JOIN Artist ar ON ar.ArtistId = al.ArtistId
           WHERE g.Name = 'Rock' AND substr(ar.Name, 1, 1) = 'A'
             AND (t.UnitPrice < 1 OR t.Composer IS NULL)
           ORDER BY t.Milliseconds DESC, t.TrackId""",
    )
    found = [
        (
            node["trackId"], node["name"], node["milliseconds"], node["unitPrice"],
            node["album"]["title"], node["album"]["artist"]["name"],
        )
        for node in told["nodes"]
    ]  # fmt: skip
    assert len(expected) > 20
    assert found == expected
    assert told["totalCount"] == len(expected)


@pytest.mark.parametrize("quantifier", ["some", "none", "every"])
def test_quantifiers(quantifier: str) -> None:
    told = one(
        CHINOOK,
        "query($f: TrackRelationFilter) { albums(first: 1000, filter: {tracks: $f}) "
        "{ nodes { albumId } } }",
        {"f": {quantifier: {"milliseconds": {"gt": 300_000}}}},
    )["albums"]["nodes"]
    long = "SELECT 1 FROM Track t WHERE t.AlbumId = a.AlbumId AND t.Milliseconds > 300000"
    condition = {
        "some": f"EXISTS ({long})",
        "none": f"NOT EXISTS ({long})",
        "every": f"NOT EXISTS ({long.replace('>', '<=')})",
    }[quantifier]
    expected = rows(
        CHINOOK,
        f"SELECT a.AlbumId FROM Album a WHERE {condition} ORDER BY a.AlbumId",  # noqa: S608
    )
    assert [node["albumId"] for node in told] == [number for (number,) in expected]
    assert len(expected) > 5


def test_aggregates() -> None:
    told = one(
        CHINOOK,
        """{ invoicesAggregate(groupBy: BILLING_COUNTRY, filter: {total: {ge: "1.98"}}) {
               count group { billingCountry } sum { total } min { total invoiceDate }
               max { total invoiceDate } avg { total } countDistinct { customerId } } }""",
    )["invoicesAggregate"]
    expected = rows(
        CHINOOK,
        """SELECT BillingCountry, count(*), printf('%.2f', sum(Total)), printf('%.2f', min(Total)),
                  printf('%.2f', max(Total)), avg(Total), count(DISTINCT CustomerId),
                  replace(min(InvoiceDate), ' ', 'T'), replace(max(InvoiceDate), ' ', 'T')
           FROM Invoice WHERE Total >= 1.98 GROUP BY 1 ORDER BY 1""",
    )
    assert len(told) == len(expected) == 24
    for group, row in zip(told, expected, strict=True):
        found = (
            group["group"]["billingCountry"], group["count"], group["sum"]["total"],
            group["min"]["total"], group["max"]["total"],
        )  # fmt: skip
        assert found == row[:5]
        assert group["avg"]["total"] == pytest.approx(row[5])
        assert group["countDistinct"]["customerId"] == row[6]
        assert (group["min"]["invoiceDate"], group["max"]["invoiceDate"]) == row[7:]


def test_nested_connections() -> None:
    """The first tracks of each album, longest first: a page for each parent."""
    told = one(
        CHINOOK,
        """{ artists(first: 200, filter: {name: {contains: "e"}}, orderBy: NAME_ASC) { nodes {
               artistId name
               albums(first: 2, orderBy: TITLE_DESC) { totalCount nodes { title
                 tracks(first: 3, orderBy: [MILLISECONDS_DESC]) {
                   nodes { name } pageInfo { hasNextPage } } } } } } }""",
    )["artists"]["nodes"]
    artists = rows(
        CHINOOK,
        "SELECT ArtistId, Name FROM Artist WHERE instr(Name, 'e') ORDER BY Name, ArtistId "
        "LIMIT 200",
    )
    assert [(node["artistId"], node["name"]) for node in told] == artists
    for node in told:
        albums = rows(
            CHINOOK,
            "SELECT AlbumId, Title FROM Album WHERE ArtistId = :a ORDER BY Title DESC, AlbumId",
            a=node["artistId"],
        )
        assert node["albums"]["totalCount"] == len(albums)
        assert [album["title"] for album in node["albums"]["nodes"]] == [t for _, t in albums[:2]]
        for album, (number, _) in zip(node["albums"]["nodes"], albums, strict=False):
            tracks = rows(
                CHINOOK,
                "SELECT Name FROM Track WHERE AlbumId = :a ORDER BY Milliseconds DESC, TrackId",
                a=number,
            )
            assert [track["name"] for track in album["tracks"]["nodes"]] == [
                name for (name,) in tracks[:3]
            ]
            assert album["tracks"]["pageInfo"]["hasNextPage"] == (len(tracks) > 3)


def test_a_tree_in_one_table() -> None:
    told = one(
        CHINOOK,
        "{ employees { nodes { employeeId birthDate reportsToEmployee { employeeId } "
        "employeesByReportsTo { nodes { employeeId } } customers { totalCount } } } }",
    )["employees"]["nodes"]
    for node in told:
        who = node["employeeId"]
        (boss, born), *_ = rows(
            CHINOOK,
            "SELECT ReportsTo, replace(BirthDate, ' ', 'T') FROM Employee WHERE EmployeeId = :n",
            n=who,
        )
        above = node["reportsToEmployee"]
        assert (above["employeeId"] if above else None) == boss
        assert node["birthDate"] == born
        below = rows(CHINOOK, "SELECT EmployeeId FROM Employee WHERE ReportsTo = :n", n=who)
        assert [(n["employeeId"],) for n in node["employeesByReportsTo"]["nodes"]] == below
        count = rows(CHINOOK, "SELECT count(*) FROM Customer WHERE SupportRepId = :n", n=who)
        assert (node["customers"]["totalCount"],) == count[0]


def test_two_part_key() -> None:
    text = """query($p: Int!, $t: Int!) { playlistTrack(playlistId: $p, trackId: $t) {
      playlist { name } track { name } } }"""
    (p, t, playlist, track), *_ = rows(
        CHINOOK,
        "SELECT PlaylistId, TrackId, p.Name, t.Name FROM PlaylistTrack JOIN Playlist p "
        "USING (PlaylistId) JOIN Track t USING (TrackId) ORDER BY PlaylistId DESC LIMIT 1",
    )
    found, nothing = answers(CHINOOK, [(text, {"p": p, "t": t}), (text, {"p": p, "t": -1})])
    assert found == {"playlistTrack": {"playlist": {"name": playlist}, "track": {"name": track}}}
    assert nothing == {"playlistTrack": None}
