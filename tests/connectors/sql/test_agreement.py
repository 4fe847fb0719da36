"""Random Asks: what the source carries out and the hub's rest equal the reference."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from connectors.kit.local import apply, pick
from connectors.kit.sample import SALT, digest_column
from connectors.spi import (
    Aggregate,
    Ask,
    Batch,
    Call,
    Column,
    Join,
    Measure,
    OrderBy,
)
from connectors.sql.connector import SqlConnector
from schema.model.predicate import (
    Always,
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
    both,
)
from tests.connectors.sql.sample import COLUMNS, KINDS, memory, tables
from tests.seeds import first_seed

ROWS = tables()
ODD: dict[str, list[Any]] = {
    "ID": ["007", "abc", "9223372036854775808", "7.0", " 7", ""],
    "String": ["%", "_", "a%", "' OR 1=1 --", "é", "\U0010ffff", "a\\"],
    "Int": [0, 2147483647, -2147483648],
    "BigInt": ["1", "-1"],
    "Decimal": ["0.1", "0.100", "0.1000000000000000055511151231257827",
                "99999999999999999999.5", "12.5"],
    "Float": [0.30000000000000004, -0.0],
    "Date": ["2020-03-02"],
    "LocalDateTime": ["2020-02-29T12:00:00.25"],
    "DateTime": ["2020-02-29T12:00:00.25Z"],
    "Time": ["12:30:00.1"],
}  # fmt: skip


class Asker:
    """Random Asks over the sample."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.params: dict[str, Any] = {}

    def value(self, name: str, *, as_key: bool = False) -> Any:
        known = [row[name] for row in ROWS["things"] if row[name] is not None]
        odd = ODD.get(KINDS[name], [])
        if as_key and KINDS[name] == "Decimal":
            odd = []  # keys are compared as they are written
        return self.chance.choice(odd if odd and self.chance.random() < 0.3 else known)

    def param(self, value: Any) -> Param:
        name = f"v.{len(self.params)}"
        self.params[name] = value
        return Param(name)

    def operand(self, name: str) -> Const | Param:
        if self.chance.random() < 0.3:
            return Const(self.value(name))
        return self.param(None if self.chance.random() < 0.1 else self.value(name))

    def predicate(self, depth: int = 2) -> Predicate:
        chance = self.chance
        roll = chance.random()
        if depth and roll < 0.5:
            parts = tuple(self.predicate(depth - 1) for _ in range(chance.randint(0, 3)))
            return chance.choice([And(parts), Or(parts), Not(self.predicate(depth - 1))])
        name = chance.choice(list(KINDS))
        kind: Any = KINDS[name]
        if roll < 0.55:
            return Always(chance.random() < 0.5)
        if roll < 0.65:
            return IsNull(name)
        if roll < 0.72:
            other = chance.choice(list(KINDS))
            keys = [(self.value(name), self.value(other)) for _ in range(chance.randint(0, 3))]
            held = self.param(keys)
            return InKeys((name, other), held, (kind, KINDS[other]))  # type: ignore[arg-type]
        if roll < 0.76:
            held = self.param([(self.value(name),) for _ in range(chance.randint(0, 3))])
            return InKeys((name,), held, (kind,))
        if roll < 0.86:
            values = [self.value(name) for _ in range(chance.randint(0, 3))]
            if chance.random() < 0.2:
                values.append(None)
            if chance.random() < 0.5:
                return In(name, self.param(values), kind)
            return In(name, tuple(Const(v) for v in values if v is not None), kind)
        ops = ["eq", "ne", "lt", "le", "gt", "ge"]
        if kind in ("ID", "String"):
            ops += ["prefix", "contains"] * 2
        if kind == "Boolean":
            ops = ["eq", "ne"]
        return Compare(name, chance.choice(ops), self.operand(name), kind)  # type: ignore[arg-type]

    def order(self) -> tuple[OrderBy, ...]:
        names = self.chance.sample(list(KINDS), self.chance.randint(0, 2))
        terms = [OrderBy(name, self.chance.random() < 0.5) for name in names if name != "id"]
        return (*terms, OrderBy("id", self.chance.random() < 0.5))

    def limit(self) -> int | Param | None:
        count = self.chance.randint(0, 9)
        return self.chance.choice([None, count, self.param(count)])

    def rows(self, table: str = "things", *, keyed: bool = False, joins: int = 0) -> Ask:
        chance = self.chance
        shown = chance.sample(COLUMNS, chance.randint(1, len(COLUMNS)))
        keys = tuple(chance.sample(list(KINDS), chance.randint(1, 2))) if keyed else ()
        shown += [column for column in COLUMNS if column.name in keys and column not in shown]
        made = Ask(
            table=table,
            columns=tuple(shown),
            known=tuple(column for column in COLUMNS if column not in shown),
            key_columns=keys,
            must=self.predicate(1) if chance.random() < 0.4 else None,
            wish=self.predicate() if chance.random() < 0.6 else None,
            order=self.order(),
            limit=self.limit(),
            joins=tuple(self.join(n, joins) for n in range(chance.randint(1, 2))) if joins else (),
        )
        if chance.random() < 0.2:
            made = self.pinned(made)
        return self.blind(made) if chance.random() < 0.3 else made

    def pinned(self, ask: Ask) -> Ask:
        """One value of a text, and what a row filter asks of the same text."""
        chance = self.chance
        name = chance.choice([name for name, kind in KINDS.items() if kind in ("ID", "String")])
        kind: Any = KINDS[name]
        value = self.value(name)
        start = Const(value[: chance.randint(0, len(value))])
        about: Predicate = Compare(name, chance.choice(["prefix", "contains"]), start, kind)
        if chance.random() < 0.3:
            about = Or((Not(about), Compare(name, "prefix", self.operand(name), kind)))
        pin = Compare(
            name, "eq", Const(value) if chance.random() < 0.5 else self.param(value), kind
        )
        return msgspec.structs.replace(ask, must=both(ask.must, about), wish=both(ask.wish, pin))

    def blind(self, ask: Ask) -> Ask:
        """Digests of the key and others instead of the key: ordered by, shown, compared."""
        chance = self.chance
        of = [*chance.sample(COLUMNS[1:], chance.randint(0, 3)), COLUMNS[0]]
        made = digest_column(*of)
        self.params[SALT] = "salt's"
        shown = chance.random() < 0.5
        op: Any = chance.choice(["lt", "le", "gt", "ge"])
        after = Compare(made.name, op, self.param("6" + "0" * 31), "String")
        return msgspec.structs.replace(
            ask,
            columns=(*ask.columns, made) if shown else ask.columns,
            known=ask.known if shown else (*ask.known, made),
            order=(*ask.order[:-1], OrderBy(made.name, chance.random() < 0.5)),
            wish=both(ask.wish, after) if chance.random() < 0.5 else ask.wish,
        )

    def join(self, number: int, depth: int) -> Join:
        chance = self.chance
        many = chance.random() < 0.5
        on = [("id", "parent")] if many else [chance.choice([("parent", "id"), ("id", "parent")])]
        if many and chance.random() < 0.2:
            on = [("number", "number"), ("flag", "flag")]
        ask = self.rows(chance.choice(["things", "children"]), joins=max(0, depth - 1))
        if not many:
            ask = msgspec.structs.replace(ask, limit=None)
        return Join(name=f"j{number}", on=tuple(on), many=many, ask=ask)

    def keys(self, ask: Ask) -> list[tuple[Any, ...]]:
        made = [
            tuple(self.value(name, as_key=True) for name in ask.key_columns)
            for _ in range(self.chance.randint(0, 6))
        ]
        return list(dict.fromkeys(made))

    def aggregate(self) -> Ask:
        chance = self.chance
        groups = tuple(chance.sample(list(KINDS), chance.randint(0, 2)))
        measures = [Measure("rows", "count")]
        for name in chance.sample(list(KINDS), 3):
            functions = ["count", "countDistinct", "min", "max"]
            if KINDS[name] in ("Int", "Decimal"):
                functions.append("sum")
            measures.append(Measure(f"m {name}", chance.choice(functions), name))  # type: ignore[arg-type]
        return Ask(
            table="things",
            columns=(),
            known=COLUMNS,
            wish=self.predicate(1),
            aggregate=Aggregate(groups, tuple(measures)),
        )


def plain(batch: Batch, names: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {name: list(batch.columns[name]) for name in names}
    made["(rows)"] = batch.rows
    for name, held in batch.nested.items():
        made[f"({name})"] = (list(held.offsets), plain(held.batch, sorted(held.batch.columns)))
    return made


async def answers(
    source: SqlConnector, ask: Ask, params: dict[str, Any], keys: list[tuple[Any, ...]]
) -> tuple[Any, Any]:
    """The source's answer with the hub's rest, and the reference's."""
    offer = source.offer(ask)
    assert offer == source.offer(ask)
    call = Call(keys=keys, params=params)
    got = await source.fetch_all(offer.handle, call)
    refused: tuple[str, ...] = ()
    if offer.residual is not None:
        refused = tuple(join.name for join in offer.residual.joins)
        got = apply(got, offer.residual, params, keys)
    wanted_ask = msgspec.structs.replace(
        ask, joins=tuple(join for join in ask.joins if join.name not in refused)
    )
    reference = memory()
    whole = reference.offer(wanted_ask)
    wanted = reference._rows(whole.handle, call)
    names = [column.name for column in ask.columns]
    if ask.aggregate is not None:
        names = [*ask.aggregate.group_by, *(m.name for m in ask.aggregate.measures)]
    if ask.key_columns:
        got, wanted = by_key(got, ask), by_key(wanted, ask)
    return plain(got, names), plain(wanted, names)


def by_key(batch: Batch, ask: Ask) -> Batch:
    """Rows put together by key, in the order they have within it: no other is promised."""
    keys = [repr(key) for key in zip(*(batch.columns[n] for n in ask.key_columns), strict=True)]
    return pick(batch, sorted(range(batch.rows), key=keys.__getitem__), batch.columns)


@pytest.mark.asyncio
@pytest.mark.parametrize("shape", ["rows", "keyed", "joins", "aggregate"])
async def test_random_asks_agree_with_the_reference(source: SqlConnector, shape: str) -> None:
    base = first_seed("AGREEMENT_SEED", 10**9)
    for seed in range(base, base + 150):
        asker = Asker(seed)
        keys: list[tuple[Any, ...]] = []
        if shape == "aggregate":
            ask = asker.aggregate()
        else:
            ask = asker.rows(keyed=shape == "keyed", joins=2 if shape == "joins" else 0)
            keys = asker.keys(ask)
        got, wanted = await answers(source, ask, asker.params, keys)
        assert got == wanted, f"seed {seed}: {source.offer(ask).handle!r} {asker.params} {keys}"


def test_every_kind_is_in_the_sample() -> None:
    assert {column.kind for column in COLUMNS} == set(KINDS.values())
    assert all(isinstance(column, Column) for column in COLUMNS)
