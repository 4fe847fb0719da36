"""MariaDB keeps every law of the connector SPI, and is only read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from connectors import contract
from connectors.kit.blind import digest_of
from connectors.kit.sample import SALT, digest_column
from connectors.spi import Aggregate, Ask, Call, Column, Connector, Join, Measure, OrderBy
from connectors.sql.connector import SqlConnector, connect
from connectors.sql.mysql_values import literal, written
from schema.errors import HubError, SourceError
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName
from schema.model.predicate import Compare, Const, Param
from tests.connectors.sql.sample import of_mariadb
from tests.connectors.sql.test_sql_failures import made
from tests.connectors.sql.test_sql_natives import column_of
from tests.mariadb import LocalMariadb

NATIVE = {
    "ID": "VARCHAR(40)", "String": "VARCHAR(200)", "Int": "INT", "BigInt": "BIGINT",
    "Float": "DOUBLE", "Decimal": "DECIMAL(30,2)", "Boolean": "BOOLEAN", "Date": "DATE",
    "LocalDateTime": "DATETIME(6)", "DateTime": "DATETIME(6)", "Time": "TIME(6)",
}  # fmt: skip
COLLATIONS = ("utf8mb4_general_ci", "utf8mb4_unicode_520_nopad_ci", "utf8mb4_nopad_bin")
HELD = """
CREATE TABLE held (
  id INT PRIMARY KEY, mood ENUM('sad', 'ok', 'Happy'), tags SET('x', 'y', 'Z'),
  fixed CHAR(5), latin VARCHAR(20) CHARACTER SET latin1, narrow TEXT CHARACTER SET utf8mb3,
  folded VARCHAR(20) COLLATE utf8mb4_general_ci, long_text TEXT, yes BOOLEAN, bit1 BIT(1),
  bits BIT(12), tiny TINYINT UNSIGNED, filled INT(6) ZEROFILL, big BIGINT UNSIGNED,
  price DECIMAL(12,2), whole DECIMAL(30,0), widest DECIMAL(65,10), real4 FLOAT, real8 DOUBLE,
  since YEAR, day DATE, at DATETIME(3), stamp TIMESTAMP(6) NULL, clock TIME(2), shape JSON,
  u UUID, hash BINARY(4));
INSERT INTO held VALUES
  (1, 'sad', 'x,Z', 'ab', 'É€', 'é', 'Abc', 'Abc', 1, b'1', b'101', 255, 7, 18446744073709551615,
   12.5, 123456789012345678901234567890, 1234567890.5, 0.1, 0.30000000000000004, 2024,
   '2020-02-29', '2020-02-29 12:00:00.25', '2020-02-29 12:00:00.000001', '12:30:00.25',
   '{"a": [1, null]}', '00000000-0000-0000-0000-00000000000a', X'DEADBEEF'),
  (2, 'Happy', '', 'AB', 'e', 'E', 'abc', 'abc ', 0, b'0', b'0', 0, 123456, 9223372036854775807,
   -1, -7, 0, 1.5, 1e300, 1999, '0999-12-31', '9999-12-31 23:59:59.999',
   '2038-01-19 03:14:07.5', '23:59:59', '3', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
   X'00000000'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
SHOWN: dict[tuple[str, str], list[Any]] = {
    ("mood", "String"): ["sad", "Happy"],
    ("tags", "String"): ["x,Z", ""],
    ("fixed", "String"): ["ab", "AB"],
    ("latin", "String"): ["É€", "e"],
    ("narrow", "String"): ["é", "E"],
    ("long_text", "String"): ["Abc", "abc "],
    ("yes", "Boolean"): [True, False],
    ("bit1", "Boolean"): [True, False],
    ("bits", "Int"): [5, 0],
    ("tiny", "Int"): [255, 0],
    ("tiny", "ID"): ["255", "0"],
    ("filled", "Int"): [7, 123456],
    ("filled", "ID"): ["7", "123456"],
    ("big", "ID"): ["18446744073709551615", "9223372036854775807"],
    ("big", "Decimal"): ["18446744073709551615", "9223372036854775807"],
    ("price", "Decimal"): ["12.50", "-1.00"],
    ("price", "ID"): ["12.50", "-1.00"],
    ("whole", "Decimal"): ["123456789012345678901234567890", "-7"],
    ("real4", "Float"): [0.10000000149011612, 1.5],
    ("real8", "Float"): [0.30000000000000004, 1e300],
    ("since", "Int"): [2024, 1999],
    ("day", "Date"): ["2020-02-29", "0999-12-31"],
    ("at", "LocalDateTime"): ["2020-02-29T12:00:00.25", "9999-12-31T23:59:59.999"],
    ("at", "DateTime"): ["2020-02-29T12:00:00.25Z", "9999-12-31T23:59:59.999Z"],
    ("stamp", "DateTime"): ["2020-02-29T12:00:00.000001Z", "2038-01-19T03:14:07.5Z"],
    ("clock", "Time"): ["12:30:00.25", "23:59:59"],
    ("u", "ID"): [
        "00000000-0000-0000-0000-00000000000a",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
    ("hash", "String"): ["deadbeef", "00000000"],
}


async def opened(server: LocalMariadb, statements: str, **more: Any) -> SqlConnector:
    source = made(server.url(server.database(statements)), **more)
    await source.open()
    return source


async def rows_of(source: SqlConnector, ask: Ask, **call: Any) -> dict[str, list[Any]]:
    offer = source.offer(ask)
    assert offer.residual is None, offer.residual
    batch = await source.fetch_all(offer.handle, Call(**call))
    return {name: list(column) for name, column in batch.columns.items()}


def script(tables: Sequence[contract.TableData]) -> list[str]:
    """The statements that write the data set."""
    made = []
    for table in tables:
        columns = ", ".join(f"`{c.name}` {NATIVE[c.kind]}" for c in table.columns)
        made.append(
            f"CREATE TABLE `{table.name}` ({columns}, PRIMARY KEY (`{table.key}`), "
            "KEY (parent), KEY (name), KEY (code, big))"
        )
        rows = ", ".join(
            "(" + ", ".join(literal(of_mariadb(c.kind, row[c.name])) for c in table.columns) + ")"
            for row in table.rows
        )
        made.append(f"INSERT INTO `{table.name}` VALUES {rows}")  # noqa: S608
    return made


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("collation", COLLATIONS)
async def test_the_laws(mariadb: LocalMariadb, collation: str) -> None:
    async def loader(tables: Sequence[contract.TableData]) -> Connector:
        source = made(mariadb.url(mariadb.database(script(tables), collate=collation)))
        await source.open()
        return source

    setting = contract.Setting(asks=300, secret=("127.0.0.1", mariadb.password))
    report = await contract.check(loader, setting)
    assert report.ok, report


@pytest.mark.asyncio
async def test_native_types(mariadb: LocalMariadb) -> None:
    source = await opened(mariadb, HELD)
    for (name, kind), wanted in SHOWN.items():
        column = Column(name, kind)  # type: ignore[arg-type]
        assert await column_of(source, column) == [*wanted, None], column
        for value in wanted:
            assert await column_of(source, column, eq=value) == [value], column
    widest = Column("widest", "Decimal")
    ask = Ask(table="held", columns=(widest,), order=(OrderBy("id"),), known=(Column("id", "Int"),))
    assert (await rows_of(source, ask))["widest"] == ["1234567890.5000000000", "0.0000000000", None]
    ask = Ask(table="held", columns=(Column("shape", "JSON"),))
    assert (await rows_of(source, ask))["shape"] == [{"a": [1, None]}, 3, None]
    mood = Column("mood", "String")
    assert await column_of(source, mood, order="mood") == ["Happy", "sad", None]
    folded = Column("folded", "String")
    assert await column_of(source, folded, eq="abc") == ["abc"]
    assert await column_of(source, folded, eq="ABC") == []
    assert await column_of(source, folded, contains="A") == ["Abc"]
    assert await column_of(source, folded, prefix="a") == ["abc"]
    assert await column_of(source, folded, lt="Z") == ["Abc"]
    assert await column_of(source, Column("long_text", "String"), eq="abc") == []
    assert await column_of(source, Column("fixed", "String"), eq="ab ") == []
    assert await column_of(source, Column("filled", "ID"), eq="000007") == []
    assert await column_of(source, Column("big", "ID"), eq="-1") == []
    assert await column_of(
        source, Column("at", "LocalDateTime"), lt="2020-02-29T12:00:00.2501"
    ) == ["2020-02-29T12:00:00.25"]
    await source.close()


@pytest.mark.asyncio
async def test_what_has_no_canonical_form_is_bad_data(mariadb: LocalMariadb) -> None:
    source = await opened(
        mariadb,
        "CREATE TABLE held (id INT, zero DATE, part DATE, none DATETIME, stamp TIMESTAMP NULL, "
        "long_time TIME, before_time TIME, yes TINYINT(1), big BIGINT UNSIGNED, json TEXT, "
        "fixed DATE);\n"
        "INSERT INTO held VALUES (1, '0000-00-00', '2020-00-10', '0000-00-00', '0000-00-00', "
        "'25:00:00', '-01:00:00', 2, 18446744073709551615, '{', '2020-01-10')",
    )
    bad = {
        "zero": "Date", "part": "Date", "none": "LocalDateTime", "stamp": "DateTime",
        "long_time": "Time", "before_time": "Time", "yes": "Boolean", "big": "BigInt",
        "json": "JSON",
    }  # fmt: skip
    for name, kind in bad.items():
        with pytest.raises(SourceError) as caught:
            await rows_of(source, Ask(table="held", columns=(Column(name, kind),)))  # type: ignore[arg-type]
        assert caught.value.code == "SOURCE_BAD_DATA", name
        assert "0000" not in caught.value.message
    kinds = {c.name: c.kind for c in (await source.discover()).tables[0].columns}
    drafted = {name: kinds[name] for name in (*bad, "fixed")}
    assert drafted == {
        "zero": "String", "part": "String", "none": "String", "stamp": "String",
        "long_time": "String", "before_time": "String", "yes": "Int", "big": "Decimal",
        "json": "String", "fixed": "Date",
    }  # fmt: skip
    shown = Ask(table="held", columns=tuple(Column(name, kinds[name]) for name in bad))
    assert (await rows_of(source, shown))["zero"] == ["0000-00-00"]
    await source.close()


@pytest.mark.asyncio
async def test_long_text_is_put_in_order_by_the_hub(mariadb: LocalMariadb) -> None:
    source = await opened(mariadb, "CREATE TABLE held (id INT, name TEXT, brief VARCHAR(1024))")
    for name, ordered in (("name", False), ("brief", True)):
        column = Column(name, "String")
        ask = Ask(table="held", columns=(column,), order=(OrderBy(name),), limit=1)
        residual = source.offer(ask).residual
        assert (residual is None) == ordered
        groups = Aggregate((name,), (Measure("n", "count"),))
        counted = source.offer(Ask(table="held", columns=(), known=(column,), aggregate=groups))
        assert (counted.residual is None) == ordered
    wish = Compare("name", "prefix", Param("v"), "String")
    ask = Ask(table="held", columns=(Column("name", "String"),), wish=wish)
    assert source.offer(ask).residual is None
    await source.close()


@pytest.mark.asyncio
async def test_text_is_sought_by_its_index(mariadb: LocalMariadb) -> None:
    rows = ", ".join(f"({n}, 'name {n}', 'Area {n % 7}', {n})" for n in range(3000))
    source = await opened(
        mariadb,
        "CREATE TABLE held (id INT PRIMARY KEY, name VARCHAR(100), area VARCHAR(100), n INT, "
        f"KEY (name), KEY (area, n));\nINSERT INTO held VALUES {rows};\n"
        "ANALYZE TABLE held",
    )
    name, area, number = Column("name", "String"), Column("area", "String"), Column("n", "Int")
    asks = (
        (Ask(table="held", columns=(name,), wish=Compare("name", "eq", Const("name 7"), "String")),
         "name", {}),
        (Ask(table="held", columns=(name,), wish=Compare("name", "prefix", Const("name 299"),
                                                         "String")), "name", {}),
        (Ask(table="held", columns=(name,), key_columns=("name",)), "name",
         {"keys": [("name 1",), ("name 2",)]}),
        (Ask(table="held", columns=(area, number), key_columns=("area", "n")), "area",
         {"keys": [("Area 1", 1), ("Area 2", 2)]}),
    )  # fmt: skip
    for ask, index, call in asks:
        statement = source.offer(ask).handle
        text = written(statement.text, statement.slots, statement.arguments(Call(**call)))
        with mariadb.connect() as other, other.cursor() as cursor:
            cursor.execute(f"EXPLAIN {text}")
            (plan,) = cursor.fetchall()
        assert plan[5] == index, (text, plan)
        assert (await rows_of(source, ask, **call))[ask.columns[0].name]
    await source.close()


@pytest.mark.asyncio
async def test_a_join_that_no_index_serves_is_left_to_the_hub(mariadb: LocalMariadb) -> None:
    source = await opened(
        mariadb,
        "CREATE TABLE held (id INT PRIMARY KEY, code VARCHAR(20));\n"
        "CREATE TABLE alike (code VARCHAR(20), KEY (code));\n"
        "CREATE TABLE other (code VARCHAR(20) COLLATE utf8mb4_unicode_ci, KEY (code));\n"
        "INSERT INTO held VALUES (1, 'a'), (2, 'A');\n"
        "INSERT INTO alike VALUES ('a'), ('a'), ('A ')",
    )
    code = Column("code", "String")
    for table, taken in (("alike", True), ("other", False)):
        below = Ask(table=table, columns=(code,))
        join = Join(name="below", on=(("code", "code"),), many=True, ask=below)
        ask = Ask(table="held", columns=(code,), order=(OrderBy("code"),), joins=(join,))
        offer = source.offer(ask)
        assert (offer.residual is None) == taken
        batch = await source.fetch_all(offer.handle, Call())
        if taken:
            assert list(batch.nested["below"].offsets) == [0, 0, 2]
    await source.close()


@pytest.mark.asyncio
async def test_names_of_any_kind(mariadb: LocalMariadb) -> None:
    source = await opened(
        mariadb,
        "CREATE TABLE `order` (`select` INT, `Größe` VARCHAR(20), `a``b` INT, `50%s %(x)s` INT, "
        "`姓名` VARCHAR(20), PRIMARY KEY (`select`, `a``b`));\n"
        "CREATE TABLE `Order` (`select` INT PRIMARY KEY);\n"
        "CREATE TABLE item (n INT, s INT, b INT, UNIQUE (n, s), "
        "FOREIGN KEY (s, b) REFERENCES `order` (`select`, `a``b`));\n"
        "CREATE VIEW cheap AS SELECT `select` AS s FROM `order`;\n"
        "INSERT INTO `order` VALUES (1, 'M', 2, 3, '张三')",
    )
    names = {"select": 1, "Größe": "M", "a`b": 2, "50%s %(x)s": 3, "姓名": "张三"}
    kinds = {name: "Int" if isinstance(value, int) else "String" for name, value in names.items()}
    shown = tuple(Column(name, kind) for name, kind in kinds.items())  # type: ignore[arg-type]
    for name, value in names.items():
        wish = Compare(name, "eq", Param("v"), kinds[name])  # type: ignore[arg-type]
        found = await rows_of(source, Ask(table="order", columns=shown, wish=wish),
                              params={"v": value})  # fmt: skip
        assert found == {name: [value] for name, value in names.items()}
    assert await rows_of(source, Ask(table="Order", columns=(Column("select", "Int"),))) == {
        "select": []
    }
    assert await rows_of(source, Ask(table="cheap", columns=(Column("s", "Int"),))) == {"s": [1]}
    shape = {table.name: table for table in (await source.discover()).tables}
    assert set(shape) == {"order", "Order", "item", "cheap"}
    assert shape["order"].keys == (("select", "a`b"),)
    assert shape["item"].keys == ()
    (reference,) = shape["item"].foreign_keys
    assert (reference.columns, reference.to_table) == (("s", "b"), "order")
    assert reference.to_columns == ("select", "a`b")
    await source.close()


@pytest.mark.asyncio
async def test_other_databases_of_the_server(mariadb: LocalMariadb) -> None:
    here = mariadb.database("CREATE TABLE held (id INT);\nINSERT INTO held VALUES (1)")
    there = mariadb.database("CREATE TABLE away (id INT);\nINSERT INTO away VALUES (2)")
    column = (Column("id", "Int"),)
    by_option = made(mariadb.url(here), schema=there)
    await by_option.open()
    assert await rows_of(by_option, Ask(table="away", columns=column)) == {"id": [2]}
    with pytest.raises(HubError, match="no table `held`"):
        by_option.offer(Ask(table="held", columns=column))
    await by_option.close()
    tables = {"far": {"schema": there, "name": "away"}}
    declared = connect(
        SourceDecl(
            name=SourceName("made"),
            department=DepartmentName("test"),
            kind="sql",
            connect={"url": mariadb.url(here)},
            tables=tables,
        ),
        lambda text: text,
    )
    await declared.open()
    assert await rows_of(declared, Ask(table="far", columns=column)) == {"id": [2]}
    assert await rows_of(declared, Ask(table="held", columns=column)) == {"id": [1]}
    await declared.close()


@pytest.mark.asyncio
async def test_local_timestamps_of_another_zone_are_converted_by_the_hub(
    mariadb: LocalMariadb,
) -> None:
    source = await opened(
        mariadb,
        "CREATE TABLE held (id INT, at DATETIME, stamp TIMESTAMP NULL);\n"
        "INSERT INTO held VALUES (1, '2020-01-01 08:00:00', '2020-01-01 00:00:00'), "
        "(2, NULL, NULL)",
        timezone="Asia/Shanghai",
    )
    shown = (Column("at", "DateTime"), Column("stamp", "LocalDateTime"), Column("id", "Int"))
    ask = Ask(table="held", columns=shown, order=(OrderBy("id"),))
    assert await rows_of(source, ask) == {
        "at": ["2020-01-01T00:00:00Z", None], "stamp": ["2020-01-01T08:00:00", None], "id": [1, 2],
    }  # fmt: skip
    assert await column_of(source, Column("stamp", "DateTime"), eq="2020-01-01T00:00:00Z") == [
        "2020-01-01T00:00:00Z"
    ]
    wish = Compare("at", "eq", Const("2020-01-01T00:00:00Z"), "DateTime")
    residual = source.offer(Ask(table="held", columns=shown, wish=wish)).residual
    assert residual is not None
    assert residual.wish == wish
    await source.close()


@pytest.mark.asyncio
async def test_digests_of_whole_numbers_are_those_of_the_hub(mariadb: LocalMariadb) -> None:
    source = await opened(
        mariadb,
        "CREATE TABLE held (id INT PRIMARY KEY, big BIGINT UNSIGNED, n INT, name VARCHAR(9));\n"
        "INSERT INTO held VALUES (1, 18446744073709551615, -5, 'a'), (2, 0, NULL, 'b')",
    )
    number, big, small = Column("id", "Int"), Column("big", "ID"), Column("n", "BigInt")
    made_of = digest_column(number, big, small)
    ask = Ask(table="held", columns=(number, made_of), order=(OrderBy(made_of.name),), limit=2)
    salted = "a salt, it's secret: 王"
    found = await rows_of(source, ask, params={SALT: salted})
    wanted = {
        1: digest_of(salted, ["1", "18446744073709551615", "-5"]),
        2: digest_of(salted, ["2", "0", None]),
    }
    assert dict(zip(found["id"], found[made_of.name], strict=True)) == wanted
    assert found[made_of.name] == sorted(wanted.values())
    by_name = digest_column(Column("name", "String"))
    left = source.offer(Ask(table="held", columns=(number,), known=(by_name,),
                            order=(OrderBy(by_name.name),))).residual  # fmt: skip
    assert left is not None
    await source.close()
