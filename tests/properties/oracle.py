"""The oracle: graphql-core executed over the materialised masked view. Slow on purpose.

Nothing here is shared with the query path: rows are whole tables in memory, policy is applied
cell by cell, filters and orders are evaluated row by row, graphql-core writes the answer.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from graphql import GraphQLResolveInfo, build_schema, execute_sync, parse, print_schema

from policies.ruling import Allow, Masked, MaskFunction, Rowwise
from schema.graph.build import Face
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Relation
from schema.model.predicate import (
    And,
    Not,
    Or,
    Predicate,
    Related,
    compare,
    evaluate,
)
from schema.model.scalar import order_key
from schema.model.subject import Context, Subject

Tables = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


class Row:
    """One entity: raw values by field, and what the subject may see of them."""

    def __init__(self, entity: EntityType, raw: dict[str, Any]) -> None:
        self.entity = entity
        self.raw = raw
        self.shown: dict[str, Any] = {}


class Oracle:
    """The masked view of one subject, and operations over it."""

    def __init__(
        self,
        catalogue: Catalogue,
        tables: Tables,
        engine: Any,
        masks: Mapping[str, MaskFunction],
        subject: Subject,
        face: Face,
        default_page: int = 50,
        secret: bytes = b"",
    ) -> None:
        self.catalogue = catalogue
        self.engine = engine
        self.masks = masks
        self.default_page = default_page
        self.subject = subject
        self.sealing = hmac.digest(secret, b"hub-seal-1:blind", "sha512")
        self.params: Mapping[str, Any] = {}
        self.schema = build_schema(print_schema(face.schema))
        self._look(tables)

    def over(self, tables: Tables) -> Oracle:
        """The same subject's view of another database."""
        other = copy.copy(self)
        other._look(tables)
        return other

    def _look(self, tables: Tables) -> None:
        catalogue, engine, subject = self.catalogue, self.engine, self.subject
        self.everything = {
            name: self._load(entity, tables) for name, entity in catalogue.types.items()
        }
        uses = []
        for name, entity in catalogue.types.items():
            from schema.model.use import FieldUse

            uses += [FieldUse(f"{name}.{f}", "project") for f in entity.fields]  # type: ignore[arg-type]
            uses += [FieldUse(f"{name}.{f}", "sort") for f in entity.key]  # type: ignore[arg-type]
        ruling = engine.rule(subject, uses, Context(purpose="p"))
        self.params = ruling.params
        self.view: dict[str, list[Row]] = {}
        for name, rows in self.everything.items():
            wanted = ruling.row_filters.get(name)
            self.view[name] = [
                row for row in rows if wanted is not None and self._holds(wanted, row) is True
            ]
        outcomes = {u.coordinate: o for u, o in ruling.outcomes.items() if u.mode == "project"}
        self.sortable = {
            use.coordinate for use, outcome in ruling.outcomes.items()
            if use.mode == "sort" and outcome == Allow()
        }  # fmt: skip
        for name, rows in self.view.items():
            for row in rows:
                for field in row.raw:
                    row.shown[field] = self._cell(row, field, outcomes[f"{name}.{field}"])

    def run(self, text: str, variables: Mapping[str, Any] | None = None) -> Any:
        """``data`` of an operation; raises when graphql-core reports errors."""
        result = execute_sync(
            self.schema,
            parse(text),
            variable_values=dict(variables or {}),
            field_resolver=self._resolve,
        )
        if result.errors:
            raise AssertionError(result.errors)
        return result.data

    def _load(self, entity: EntityType, tables: Tables) -> list[Row]:
        bindings = self.catalogue.bindings[entity.name]
        anchor = bindings[entity.anchor]
        rows = []
        for held in tables[entity.anchor][anchor.table]:
            raw: dict[str, Any] = dict.fromkeys(entity.fields)
            raw.update({f: held[c.column] for f, c in anchor.columns.items()})
            for source, binding in bindings.items():
                if source == entity.anchor:
                    continue
                for other in tables[source][binding.table]:
                    if all(other[binding.columns[k].column] == raw[k] for k in entity.key):
                        raw.update({f: other[c.column] for f, c in binding.columns.items()})
                        break
            rows.append(Row(entity, raw))
        return rows

    def _cell(self, row: Row, field: str, outcome: Any) -> Any:
        match outcome:
            case Allow():
                return row.raw[field]
            case Masked(mask=mask, params=params):
                return self.masks[mask].apply([row.raw[field]], dict(params))[0]
            case Rowwise(cases=cases):
                for condition, inner in cases:
                    if self._holds(condition, row) is True:
                        return self._cell(row, field, inner)
                return None
            case _:
                return None

    def _holds(self, predicate: Predicate, row: Row) -> bool | None:
        """Row conditions look at everything (definer's rights)."""
        match predicate:
            case And(parts=parts):
                return _all([self._holds(part, row) for part in parts])
            case Or(parts=parts):
                return _any([self._holds(part, row) for part in parts])
            case Not(part=part):
                return _not(self._holds(part, row))
            case Related(relation=name, quantifier=quantifier, part=part):
                relation = row.entity.relations[name]  # type: ignore[index]
                met = [
                    self._holds(part, other) is True
                    for other in self._matching(relation, row, self.everything)
                ]
                return _quantified(quantifier, met)
            case _:
                return evaluate(predicate, row.raw, self.params)

    def _matching(
        self, relation: Relation, row: Row, world: Mapping[str, Sequence[Row]]
    ) -> list[Row]:
        return [
            other
            for other in world[relation.to]
            if all(row.raw[a] is not None and row.raw[a] == other.raw[b] for a, b in relation.match)
        ]

    def _resolve(self, source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        name = info.field_name
        if info.parent_type.name == "Query":
            return self._root(name, args)
        if isinstance(source, Row):
            if name in source.entity.relations:
                return self._relation(source.entity.relations[name], source, args)  # type: ignore[index]
            return source.shown[name]
        return source[name]

    def _root(self, name: str, args: dict[str, Any]) -> Any:
        for type_name, entity in self.catalogue.types.items():
            rows = self.view[type_name]
            if name == entity.plural:
                return self._page(entity, rows, args)
            if name == entity.singular:
                for row in rows:
                    if all(row.raw[k] == v for k, v in args.items()):
                        return row
                return None
            if name == f"{entity.plural}Aggregate":
                kept = self._filtered(rows, args.get("filter"))
                return self._aggregate(entity, kept, args.get("groupBy") or [])
        raise AssertionError(name)

    def _relation(self, relation: Relation, row: Row, args: dict[str, Any]) -> Any:
        rows = self._matching(relation, row, self.view)
        entity = self.catalogue.types[relation.to]
        if not relation.many:
            return rows[0] if rows else None
        page = self._page(entity, rows, args)
        return page["nodes"] if relation.as_list else page

    def _filtered(self, rows: Sequence[Row], wanted: Any) -> list[Row]:
        return [row for row in rows if wanted is None or self._meets(row, wanted) is True]

    def _page(self, entity: EntityType, rows: Sequence[Row], args: dict[str, Any]) -> Any:
        kept = self._ordered(entity, self._filtered(rows, args.get("filter")), args)
        first, last = args.get("first"), args.get("last")
        if first is None and last is None:
            first = self.default_page
        shown = kept[:first] if first is not None else kept[len(kept) - min(last, len(kept)) :]
        more = len(shown) < len(kept)
        return {
            "nodes": shown,
            "edges": [{"node": row} for row in shown],
            "totalCount": len(kept),
            "pageInfo": {
                "hasNextPage": more and first is not None,
                "hasPreviousPage": more and first is None,
            },
        }

    def _ordered(self, entity: EntityType, rows: Sequence[Row], args: dict[str, Any]) -> list[Row]:
        terms = []
        for word in args.get("orderBy") or []:
            shout, _, direction = word.rpartition("_")
            field = next(f for f in entity.fields if _shout(f) == shout)
            terms.append((field, direction == "DESC"))
        implied = [f for f in entity.key if f not in [field for field, _ in terms]]
        if all(f"{entity.name}.{f}" in self.sortable for f in implied):
            terms += [(field, False) for field in implied]
        else:
            # sorting is stable: what stands last is sorted by first
            rows = sorted(rows, key=lambda row: self._blind(entity, row))

        def sign(one: Row, two: Row) -> int:
            for field, descending in terms:
                a, b = one.raw[field], two.raw[field]
                if a == b:
                    continue
                key = order_key(entity.fields[field].kind)
                if a is None or b is None:
                    larger = a is None
                elif key(a) == key(b):
                    continue
                else:
                    larger = key(a) > key(b)
                return 1 if larger != descending else -1
            return 0

        return sorted(rows, key=cmp_to_key(sign))

    def _blind(self, entity: EntityType, row: Row) -> str:
        """What rows are ordered by where the key may not be: nothing that tells of it."""
        bound = json.dumps([self.subject.id, entity.name], separators=(",", ":")).encode()
        told = hmac.digest(self.sealing, bound, "sha256").hex()[:32]
        for field in entity.key:
            held = row.raw[field]
            assert isinstance(held, str), "keys of random worlds are text"
            told += f"{len(held)}:{held}"
        return hashlib.sha256(told.encode()).hexdigest()

    def _meets(self, row: Row, wanted: Mapping[str, Any]) -> bool | None:
        results: list[bool | None] = []
        for name, condition in wanted.items():
            if name == "and":
                results.append(_all([self._meets(row, part) for part in condition]))
            elif name == "or":
                results.append(_any([self._meets(row, part) for part in condition]))
            elif name == "not":
                results.append(_not(self._meets(row, condition)))
            elif name in row.entity.relations:
                relation = row.entity.relations[name]  # type: ignore[index]
                others = self._matching(relation, row, self.view)
                if relation.many:
                    results += [
                        _quantified(word, [self._meets(o, part) is True for o in others])
                        for word, part in condition.items()
                    ]
                else:
                    met = [self._meets(o, condition) is True for o in others]
                    results.append(_quantified("some", met))
            else:
                kind = row.entity.fields[name].kind  # type: ignore[index]
                held = row.shown[name]
                results += [_operator(op, kind, held, v) for op, v in condition.items()]
        return _all(results)

    def _aggregate(
        self, entity: EntityType, rows: Sequence[Row], group_by: Sequence[str]
    ) -> list[dict[str, Any]]:
        fields = [next(f for f in entity.fields if _shout(f) == word) for word in group_by]
        groups: dict[tuple[Any, ...], list[Row]] = {}
        if not fields:
            groups[()] = list(rows)
        for row in rows if fields else ():
            key = tuple(_group(entity, f, row.shown[f]) for f in fields)
            groups.setdefault(key, []).append(row)
        result = []
        for key in sorted(
            groups, key=lambda parts: [(p is None, 0 if p is None else p) for p in parts]
        ):
            members = groups[key]
            values = {
                f: [row.shown[f] for row in members if row.shown[f] is not None]
                for f in entity.fields
            }
            result.append(
                {
                    "count": len(members),
                    "group": {f: members[0].shown[f] for f in fields},
                    "countDistinct": {
                        f: len({_group(entity, f, x) for x in v}) for f, v in values.items()
                    },
                    **{
                        fn: {f: _measured(fn, entity, f, v) for f, v in values.items()}
                        for fn in ("sum", "avg", "min", "max")
                    },
                }
            )
        return result


def _group(entity: EntityType, field: str, value: Any) -> Any:
    try:
        return None if value is None else order_key(entity.fields[field].kind)(value)  # type: ignore[index]
    except (ValueError, ArithmeticError):
        return str(value)


def _measured(function: str, entity: EntityType, field: str, values: list[Any]) -> Any:
    try:
        return _measure(function, entity, field, values)
    except (ValueError, ArithmeticError):
        return None  # a masked column that nobody may aggregate


def _measure(function: str, entity: EntityType, field: str, values: list[Any]) -> Any:
    kind = entity.fields[field].kind  # type: ignore[index]
    if not values:
        return None
    key = order_key(kind)
    if function in ("min", "max"):
        return (min if function == "min" else max)(values, key=key)
    if kind not in ("Int", "BigInt", "Float", "Decimal"):
        return None
    if kind == "Float":
        total: Any = sum(values)
    elif kind == "Decimal":
        total = sum((Decimal(v) for v in values), Decimal(0))
    else:
        total = sum(int(v) for v in values)
    if function == "avg":
        return float(total) / len(values)
    return total if kind == "Float" else str(total)


def _shout(name: str) -> str:
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in name).upper()


def _operator(op: str, kind: Any, held: Any, value: Any) -> bool | None:
    if op == "isNull":
        return (held is None) == value
    if held is None:
        return None
    if op == "in":
        return any(compare("eq", kind, held, one) for one in value)
    if op == "between":
        low, high = (value["from"], value["to"]) if isinstance(value, dict) else value
        return compare("ge", kind, held, low) and compare("le", kind, held, high)
    word = {"startsWith": "prefix"}.get(op, op)
    return compare(word, kind, held, value)  # type: ignore[arg-type]


def _all(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _any(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _quantified(quantifier: str, met: list[bool]) -> bool:
    if quantifier == "some":
        return any(met)
    return all(met) if quantifier == "every" else not any(met)
