"""Random worlds for properties: catalogue, data, rulings, subject and operations from one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from msgspec import structs

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from policies.ruling import Allow, Lent, Masked, Null, Reject, Rowwise, Ruling
from schema.model.binding import ColumnBinding, SourceDecl, TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, Relation
from schema.model.label import Label, LabelScheme, Ladder
from schema.model.names import coordinate, split_coordinate
from schema.model.predicate import (
    And,
    Compare,
    Const,
    In,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    Related,
)
from schema.model.scalar import NUMERIC, TEXTUAL, ScalarKind
from schema.model.subject import Context, Subject
from schema.model.use import AGGREGATE_FUNCTIONS, FieldUse
from schema.model.visible import Visible

KINDS: tuple[ScalarKind, ...] = (
    "String", "Int", "BigInt", "Float", "Decimal", "Boolean", "Date", "DateTime", "ID",
)  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "ID": ["a", "b", "c", "é"],
    "String": ["", "a", "ab", "abc", "B", "ß", "王", "%", "a_b", "😀"],
    "Int": [-3, 0, 1, 2, 7],
    "BigInt": ["-9", "0", "1", "12", "9007199254740993"],
    "Float": [-1.5, 0.0, 0.25, 2.0, 10.0],
    "Decimal": ["-1.50", "0.00", "1.5", "2.25", "10.00"],
    "Boolean": [True, False],
    "Date": ["1990-01-01", "1999-12-31", "2024-02-29"],
    "DateTime": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "1999-01-01T12:30:00Z"],
}
KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"]
PREDICATES = [
    "eq",
    "ne",
    "in",
    "range",
    "prefix",
    "contains",
    "is_null",
    "and",
    "or",
    "not",
    "keys",
]


class World:
    """One random world."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.sources = ["s0", "s1", "s2"][: self.chance.randint(1, 3)]
        self.passing = Random(f"passing {seed}")  # apart: what is drawn for the rest stays so
        self.passed = {name for name in self.sources if self.passing.random() < 0.5}
        self.catalogue, self.tables = self._catalogue()
        self.subject = Subject(
            id="app:test",
            app="test",
            purposes=frozenset({"p"}),
            region=self.chance.choice(["a", "ab", "B"]),
        )
        self.engine = RandomEngine(self.catalogue, self.chance)
        self.capabilities = {name: self._capabilities() for name in self.sources}
        if self.passed and self.passing.random() < 0.6:
            self.favour()

    def favour(self) -> None:
        """Capable sources and little masking: what pass-through needs to happen often."""
        chance = self.passing
        for name in self.passed:
            self.capabilities[name] = structs.replace(EVERYTHING, max_keys=chance.choice([1, 100]))
        for at in self.engine.outcomes:
            if chance.random() < 0.9:
                self.engine.outcomes[at] = chance.choice([Allow(), Allow(), Allow(), Null()])
        for name in self.engine.rows:
            if chance.random() < 0.6:
                self.engine.rows[name] = Not(And((IsNull("key"),)))

    def _capabilities(self) -> Capabilities:
        chance = self.chance
        return Capabilities(
            predicates=frozenset(p for p in PREDICATES if chance.random() < 0.7),
            orders=chance.random() < 0.6,
            limits=chance.random() < 0.6,
            key_limits=chance.random() < 0.5,
            aggregates=frozenset(f for f in sorted(AGGREGATE_FUNCTIONS) if chance.random() < 0.6),
            groups=chance.random() < 0.5,
            joins=chance.random() < 0.5,
            digests=chance.random() < 0.5,
            documents=self.passing.random() < 0.7,
            max_keys=chance.choice([1, 2, 100]),
        )

    def _catalogue(self) -> tuple[Catalogue, dict[str, dict[str, list[dict[str, Any]]]]]:
        chance = self.chance
        names = ["Alpha", "Beta", "Gamma", "Delta"][: chance.randint(1, 4)]
        types: dict[Any, EntityType] = {}
        bindings: dict[Any, dict[Any, TypeBinding]] = {}
        tables: dict[str, dict[str, list[dict[str, Any]]]] = {s: {} for s in self.sources}
        for name in names:
            anchor = chance.choice(self.sources)
            fields = {"key": self._field(name, "key", "String", anchor)}
            for number in range(chance.randint(1, 5)):
                kind = chance.choice(KINDS)
                fields[f"f{number}"] = self._field(name, f"f{number}", kind, anchor)
            for other in names:
                fields[f"to{other}"] = self._field(name, f"to{other}", "String", anchor)
            held = {f: ColumnBinding(column=f"c_{f}", kind=v.kind) for f, v in fields.items()}
            bindings[name] = {
                anchor: TypeBinding(
                    type=name,
                    source=anchor,
                    table=name.lower(),
                    columns=held,
                    pass_through=anchor in self.passed,
                )
            }
            keys = chance.sample(KEYS, chance.randint(0, len(KEYS)))
            tables[anchor][name.lower()] = [
                {
                    f"c_{f}": key if f == "key" else self._value(f, field)
                    for f, field in fields.items()
                }
                for key in keys
            ]
            extra = [s for s in self.sources if s != anchor]
            if extra and chance.random() < 0.5:
                source = chance.choice(extra)
                more = {
                    f"x{n}": self._field(name, f"x{n}", chance.choice(KINDS), source)
                    for n in range(chance.randint(1, 2))
                }
                fields.update(more)
                columns = {f: ColumnBinding(column=f"d_{f}", kind=v.kind) for f, v in more.items()}
                columns["key"] = ColumnBinding(column="d_key", kind="String")
                table = f"{name.lower()}_more"
                bindings[name][source] = TypeBinding(
                    type=name, source=source, table=table, columns=columns
                )
                tables[source][table] = [
                    {"d_key": key, **{f"d_{f}": self._value(f, v) for f, v in more.items()}}
                    for key in chance.sample(KEYS, chance.randint(0, len(KEYS)))
                ]
            types[name] = EntityType(
                name=name,
                plural=f"{name.lower()}s",
                singular=name.lower(),
                keys=(("key",),),
                fields=fields,
                relations={},
                owner="d",
                anchor=anchor,
            )
        for name in names:
            relations = {}
            for other in names:
                if chance.random() < 0.6:
                    relations[f"one{other}"] = Relation(
                        name=f"one{other}", of=name, to=other, many=False,
                        match=((f"to{other}", "key"),), owner="d",
                    )  # fmt: skip
                if chance.random() < 0.6:
                    relations[f"many{other}"] = Relation(
                        name=f"many{other}", of=name, to=other, many=True,
                        match=(("key", f"to{name}"),), owner="d",
                        as_list=chance.random() < 0.3,
                    )  # fmt: skip
            entity = types[name]
            types[name] = EntityType(
                name=entity.name, plural=entity.plural, singular=entity.singular,
                keys=entity.keys, fields=entity.fields, relations=relations,
                owner=entity.owner, anchor=entity.anchor,
            )  # fmt: skip
        scheme = LabelScheme(ladders=(Ladder(id="l", levels=("low", "high")),))
        sources = {s: SourceDecl(name=s, department="d", kind="memory") for s in self.sources}
        made = Catalogue(
            version=str(chance.random()), scheme=scheme, types=types, sources=sources,
            bindings=bindings,
        )  # fmt: skip
        return made, tables

    def _field(self, type_name: str, name: str, kind: ScalarKind, source: str) -> Field:
        return Field(
            name=name,  # type: ignore[arg-type]
            kind=kind,
            label=Label(levels=(("l", "low"),)),
            share="unconditional",
            owner="d",  # type: ignore[arg-type]
            source=source,  # type: ignore[arg-type]
        )

    def _value(self, name: str, field: Field) -> Any:
        if self.chance.random() < 0.2:
            return None
        if name.startswith("to"):
            return self.chance.choice(KEYS)
        return self.chance.choice(VALUES[field.kind])


class RandomEngine:
    """A policy engine whose rulings are random, fixed per world; rows filtered at random."""

    epoch = 1
    reads: frozenset[str] = frozenset()

    def __init__(self, catalogue: Catalogue, chance: Random) -> None:
        self.catalogue = catalogue
        self.outcomes: dict[str, Any] = {}
        self.rows: dict[str, Predicate] = {}
        self.hidden: set[str] = set()
        self.shut: set[tuple[str, str]] = set()
        for name, entity in catalogue.types.items():
            for field in entity.fields.values():
                self.outcomes[f"{name}.{field.name}"] = self._outcome(entity, field, chance)
            self.rows[name] = random_predicate(catalogue, entity, chance, depth=2, params=True)
            if chance.random() < 0.3:
                self.rows[name] = Not(And((IsNull("key"),)))
            for mode in ("list", "open", "count"):
                if chance.random() < 0.1:
                    self.shut.add((name, mode))

    def _outcome(self, entity: EntityType, field: Field, chance: Random) -> Any:
        roll = chance.random()
        if roll < 0.6:
            return Allow()
        if roll < 0.75:
            return Masked("hide", (("seed", chance.randint(0, 3)),))
        if roll < 0.85:
            return Null()
        if roll < 0.93:
            here = [f for f in entity.fields.values() if f.source == field.source]
            part = leaf(chance.choice(here), chance)
            return Rowwise(((part, Allow()), (Not(IsNull("key")), Masked("hide", (("seed", 1),)))))
        return None

    def visible(self, _subject: Subject) -> Visible:
        selectable, uses = set(), set()
        for name, entity in self.catalogue.types.items():
            for mode in ("list", "open", "count"):
                if (name, mode) not in self.shut:
                    uses.add(FieldUse(coordinate(name), mode))  # type: ignore[arg-type]
            for field in entity.fields.values():
                at = coordinate(name, field.name)
                outcome = self.outcomes[at]
                if outcome is not None:
                    selectable.add(at)
                if isinstance(outcome, Allow):
                    uses |= set(all_uses(at, field, entity.anchor))
            for relation in entity.relations.values():
                at = coordinate(name, relation.name)
                selectable.add(at)
                uses.add(FieldUse(at, "traverse"))
        return Visible(selectable=frozenset(selectable), uses=frozenset(uses))

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        _context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        uses = (*uses, *implied)
        outcomes: dict[FieldUse, Any] = {}
        visible = self.visible(subject)
        for use in uses:
            if use.mode == "project":
                outcomes[use] = self.outcomes.get(use.coordinate) or Null()
            else:
                outcomes[use] = Allow() if use in visible.uses else Reject()
        return Ruling(
            epoch=1,
            outcomes=outcomes,
            row_filters=dict(self.rows),  # type: ignore[arg-type]
            params={"s.region": subject.region},
            reasons={},
        )

    def delegations_of(self, _subject: Subject, _context: Context) -> tuple[Lent, ...]:
        return ()

    def explain(
        self, subject: Subject, use: FieldUse, context: Context, *, redacted: bool = False
    ) -> str:
        return f"{subject.id} {use.coordinate} {context.purpose}"


def all_uses(at: str, field: Field, anchor: str) -> list[FieldUse]:
    """Every use that a face offers for a raw field, those a plan cannot carry out left out."""
    modes = ["filter_eq"]
    if field.kind != "Boolean":
        modes.append("filter_range")
    if field.kind in TEXTUAL:
        modes.append("filter_text")
    found = [FieldUse(at, mode) for mode in modes]  # type: ignore[arg-type]
    if field.source == anchor:
        found += [FieldUse(at, "sort"), FieldUse(at, "group")]  # type: ignore[arg-type]
        functions = ["count", "countDistinct", "min", "max"]
        if field.kind in NUMERIC:
            functions += ["sum", "avg"]
        found += [FieldUse(at, "aggregate", f) for f in functions]  # type: ignore[arg-type]
    return found


def leaf(field: Field, chance: Random, *, params: bool = False) -> Predicate:
    """A random condition on one field."""
    value = Const(chance.choice(VALUES[field.kind]))
    roll = chance.random()
    if params and field.kind == "String" and roll < 0.3:
        return Compare(field.name, "prefix", Param("s.region"), "String")
    if roll < 0.15:
        return IsNull(field.name)
    if roll < 0.4:
        several = tuple(Const(v) for v in chance.sample(VALUES[field.kind], 2))
        return In(field.name, several, field.kind)
    if field.kind == "String" and roll < 0.6:
        return Compare(field.name, chance.choice(["prefix", "contains"]), value, "String")
    ops = ["eq", "ne"] if field.kind == "Boolean" else ["eq", "ne", "lt", "le", "gt", "ge"]
    return Compare(field.name, chance.choice(ops), value, field.kind)  # type: ignore[arg-type]


def random_predicate(
    catalogue: Catalogue, entity: EntityType, chance: Random, *, depth: int, params: bool = False
) -> Predicate:
    """A random row filter: mostly wide, so that worlds are not empty."""
    roll = chance.random()
    if depth == 0 or roll < 0.35:
        return leaf(chance.choice(list(entity.fields.values())), chance, params=params)
    parts = tuple(
        random_predicate(catalogue, entity, chance, depth=depth - 1, params=params)
        for _ in range(2)
    )
    if roll < 0.5:
        return And(parts)
    if roll < 0.8:
        return Or(parts)
    if roll < 0.9 and entity.relations:
        relation = chance.choice(list(entity.relations.values()))
        child = catalogue.types[relation.to]
        part = leaf(chance.choice(list(child.fields.values())), chance, params=params)
        quantifier = chance.choice(["some", "every", "none"]) if relation.many else "some"
        return Related(relation.name, quantifier, part)  # type: ignore[arg-type]
    return Not(parts[0])


class HideMask:
    """A mask for tests: depends on the value and a setting, keeps the kind."""

    name = "hide"

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:
        return [
            None if v is None or not isinstance(v, str) else self._one(v, params) for v in column
        ]

    def _one(self, value: str, params: Mapping[str, str | int]) -> str | None:
        try:
            int(value)
        except ValueError:
            pass
        else:
            return None
        if len(value) >= 10 and value[4] == "-":
            return value[:4] + "-01-01" + ("T00:00:00Z" if "T" in value else "")
        return value[:1] + "*" * int(params["seed"])


def type_of(at: str) -> str:
    return split_coordinate(at)[0]
