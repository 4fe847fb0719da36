"""An Ask over converted columns means the same whatever its source is asked instead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit.local import apply
from connectors.kit.norm import UNREAD, has_norms, without_norms
from connectors.memory import EVERYTHING, MemoryConnector
from connectors.spi import Aggregate, Ask, Batch, Call, Capabilities, Column, Measure, OrderBy
from schema.errors import HubError
from schema.model.names import SourceName
from schema.model.norm import DateText, Scale, converted
from schema.model.predicate import (
    And,
    Compare,
    Const,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
)

WAYS = {"d": DateText("yyyymmdd"), "e": DateText("dd.mm.yyyy"), "m": Scale(1, 100),
        "r": Scale(2_000, 3, 2)}  # fmt: skip
KINDS = {"n": "Int", "d": "Date", "e": "Date", "m": "Decimal", "r": "Decimal"}
COLUMNS = tuple(
    Column(name, kind, convert=WAYS.get(name))  # type: ignore[arg-type]
    for name, kind in KINDS.items()
)
RAW = [
    {
        "n": number,
        "d": ["20010203", "19991231", "x", None, "20019999", ""][number % 6],
        "e": ["03.02.2001", None, "31.12.1999", "1.1.2000", "29.02.2000"][number % 5],
        "m": [None, "0", "-5", "1250", "99"][number % 5],
        "r": ["1", "2", None, "3", "0"][number % 5],
    }
    for number in range(30)
]
ROWS = [
    {name: converted(WAYS[name], value) if name in WAYS else value for name, value in row.items()}
    for row in RAW
]
WHOLE = Batch({name: [row[name] for row in ROWS] for name in KINDS}, len(ROWS))
POOL: dict[str, list[Any]] = {
    "n": [0, 3, 29], "d": ["2001-02-03", "1999-12-31", "2000-02-29"],
    "e": ["2001-02-03", "1999-12-31", "2000-02-29"], "m": ["0", "-0.05", "12.5", "0.005"],
    "r": ["666.67", "2000", "1000", "0.00"],
}  # fmt: skip
PARAMS: dict[str, Any] = {
    f"{name}{i}": v for name, held in POOL.items() for i, v in enumerate(held)
}
PARAMS |= {f"{name}s": [*held[:2], None] for name, held in POOL.items()}
PARAMS |= {"ks": [("2001-02-03",), ("2000-02-29",)]}


@st.composite
def leaves(draw: st.DrawFn) -> Predicate:
    name = draw(st.sampled_from(sorted(KINDS)))
    kind: Any = KINDS[name]
    number = draw(st.integers(0, 2))
    operand = draw(st.sampled_from([Const(POOL[name][number]), Param(f"{name}{number}")]))
    op = draw(st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "in", "ins", "null", "keys"]))
    if op == "in":
        return In(name, (operand, Const(POOL[name][0])), kind)
    if op == "ins":
        return In(name, Param(f"{name}s"), kind)
    if op == "null":
        return IsNull(name)
    if op == "keys":
        return InKeys(("d",), Param("ks"), ("Date",))
    return Compare(name, op, operand, kind)


PREDICATES = st.recursive(
    leaves(),
    lambda below: st.one_of(
        st.lists(below, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(below, max_size=3).map(lambda parts: Or(tuple(parts))),
        below.map(Not),
    ),
    max_leaves=5,
)
WEAK = Capabilities(predicates=frozenset({"eq", "and"}), max_keys=9)
SOURCES = {
    name: MemoryConnector(SourceName(name), {"t": RAW}, capabilities)
    for name, capabilities in (("able", EVERYTHING), ("weak", WEAK))
}
AGGREGATES = [
    Aggregate((), (Measure("a", "count"), Measure("b", "sum", "m"), Measure("c", "min", "d"))),
    Aggregate(("m",), (Measure("a", "countDistinct", "e"), Measure("b", "sum", "r"))),
    Aggregate(("d",), (Measure("a", "count"), Measure("b", "max", "m"))),
]


async def answered(ask: Ask, keys: list[tuple[Any, ...]], source: MemoryConnector) -> Batch:
    """The Ask carried out as a run does it."""
    norm = without_norms(ask)
    assert not has_norms(norm.ask)
    offer = source.offer(norm.ask)
    params = norm.params_of(PARAMS)
    call = Call(keys=norm.keys_of(keys), params=params)
    (batch,) = [one async for one in source.fetch(offer.handle, call)]
    if offer.residual is not None:
        batch = apply(batch, offer.residual, params, norm.keys_of(keys))
    batch = norm.batch_of(batch)
    return batch if norm.left is None else apply(batch, norm.left, PARAMS, keys)


@settings(max_examples=200)
@given(
    must=st.none() | PREDICATES,
    wish=st.none() | PREDICATES,
    order=st.sampled_from([(), ("m",), ("d",), ("r",)]),
    limit=st.none() | st.integers(0, 9),
    grouped=st.none() | st.sampled_from(AGGREGATES),
    key=st.sampled_from(["", "d", "m"]),
    which=st.sampled_from(sorted(SOURCES)),
)
def test_what_is_asked_and_what_is_left_make_the_whole(
    must: Predicate | None, wish: Predicate | None, order: tuple[str, ...], limit: int | None,
    grouped: Aggregate | None, key: str, which: str,
) -> None:  # fmt: skip
    ordered = tuple(OrderBy(name, descending=name == "m") for name in (*order, "n"))
    ask = Ask(
        table="t",
        columns=() if grouped is not None else COLUMNS,
        known=COLUMNS if grouped is not None else (),
        key_columns=(key,) if key and grouped is None else (),
        must=must,
        wish=wish,
        order=() if grouped is not None else ordered,
        limit=None if grouped is not None else limit,
        aggregate=grouped,
    )
    keys = [(value,) for value in POOL[key][:2]] if ask.key_columns else []
    got = asyncio.run(answered(ask, keys, SOURCES[which]))
    expected = apply(WHOLE, ask, PARAMS, keys)
    for name, column in expected.columns.items():
        assert list(got.columns[name]) == list(column), name


def test_what_cannot_be_read_is_marked() -> None:
    ask = Ask(table="t", columns=COLUMNS)
    got = asyncio.run(answered(ask, [], SOURCES["able"]))
    marked = [bool(one) for one in got.columns[f"{UNREAD}d"]]
    assert marked == [row["d"] in ("x", "20019999", "") for row in RAW]
    assert f"{UNREAD}m" not in got.columns


def test_a_rounded_value_is_no_key() -> None:
    with pytest.raises(HubError):
        without_norms(Ask(table="t", columns=COLUMNS, key_columns=("r",)))


def test_an_unbound_param_fails_closed() -> None:
    ask = Ask(table="t", columns=COLUMNS, must=Compare("d", "eq", Param("gone"), "Date"))
    with pytest.raises(KeyError):
        without_norms(ask).params_of({})
