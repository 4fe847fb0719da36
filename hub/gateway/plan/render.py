"""Fetches as GraphQL text, and the shapes by which their answers join the tree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from hub.gateway.model import FieldSet
from hub.gateway.plan.asked import TYPENAME, Selection, Wanted, of_fields
from hub.gateway.plan.known import Entry, Known, graph_of
from hub.gateway.plan.solution import Input, Item, Unit, VariantSolution, sure
from hub.gateway.plan.steps import Fetch, Part, Read, Shape, ShapeField
from hub.gateway.plan.waves import Asking, FetchKey, Placed, Waves, find, ordered

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\Z")
_Signature = tuple[str, str, str, str]


class _Names:
    """Response keys of one object: equal ones only for what is equal in every way."""

    def __init__(self) -> None:
        self._taken: dict[str, _Signature] = {TYPENAME: ("", "", "", "")}

    def take(self, one: Wanted, signature: _Signature) -> str:
        """A response key for a field."""
        name = one.tree if _NAME.match(one.tree) else one.name
        number = 0
        wish = name
        while self._taken.setdefault(wish, signature) != signature:
            number += 1
            wish = f"_{number}_{name}"
        return wish


class Render:
    """The fetches of one plan section."""

    def __init__(
        self, known: Known, waves: Waves, kind: str, name: str | None, declared: Mapping[str, str]
    ) -> None:
        self._known = known
        self._waves = waves
        self._kind = kind
        self._name = name
        self._declared = declared
        self._variables: set[str] = set()

    def fetches(self, first: int) -> tuple[Fetch, ...]:
        """All fetches, earlier ones first; indices begin at `first`."""
        keys = ordered(self._waves.fetches)
        index = {key: first + number for number, key in enumerate(keys)}
        return tuple(self._fetch(key, self._waves.fetches[key], index) for key in keys)

    def _fetch(self, key: FetchKey, asking: Asking, index: Mapping[FetchKey, int]) -> Fetch:
        place, graph, name_of = asking.place, asking.graph, graph_of(asking.graph)
        after = tuple(sorted(index[one] for one in asking.after))

        def made(asked: Mapping[str, Sequence[str]], apart: tuple[Fetch, ...] = ()) -> Fetch:
            self._variables = set()
            variants = place.solution.variants
            kind = next(variants[name].hops[graph].kind for name in asked)
            if kind == "root":
                (name,) = asked
                text, shape = self._object(place, graph, asked, Entry(name_of, name))
                shapes, parts = {name: shape}, {}
            else:
                text, shapes = self._entities(place, graph, asked)
                parts = {name: self._part(place, variants[name], graph, keys)
                         for name, keys in asked.items()}  # fmt: skip
            variables = tuple(sorted(self._variables))
            operation = self._operation(name_of, index[key])
            word = self._kind if place is self._waves.root else "query"
            head = self._head(word, kind, variables, operation)
            return Fetch(
                index=index[key], graph=name_of, kind=kind, wave=key[2], after=after,
                path=place.steps(), text=head + text, variables=variables,
                operation=operation, parts=parts, shapes=shapes, apart=apart,
            )  # fmt: skip

        by_needs: dict[FieldSet, dict[str, list[str]]] = {}
        for name, keys in asking.parts.items():
            needs = place.solution.variants[name].needs
            for one in keys:
                some = by_needs.setdefault(needs.get((one, graph), ()), {})
                some.setdefault(name, []).append(one)
        if len(by_needs) < 2:
            return made(asking.parts)
        return made(asking.parts, tuple(made(some) for some in by_needs.values()))

    def _entities(
        self, place: Placed, graph: str, asked: Mapping[str, Sequence[str]]
    ) -> tuple[str, dict[str, Shape]]:
        """What is asked about representations, and its shapes by their types."""
        groups: dict[str, dict[str, Sequence[str]]] = {}
        for name, keys in asked.items():
            groups.setdefault(place.solution.variants[name].hops[graph].type, {})[name] = keys
        names = _Names()
        shapes, pieces = {}, []
        for type_name, held in groups.items():
            piece, shapes[type_name] = self._object(
                place, graph, held, Entry(graph_of(graph), type_name), names=names
            )
            pieces.append(f"... on {type_name} {piece}")
        inside = " ".join(pieces)
        return f"{{ _entities(representations: $representations) {{ {inside} }} }}", shapes

    def _operation(self, graph: str, index: int) -> str | None:
        if self._name is None:
            return None
        return f"{self._name}__{re.sub('[^_0-9A-Za-z]', '_', graph)}__{index}"

    def _head(self, word: str, kind: str, variables: Sequence[str], operation: str | None) -> str:
        declared = [f"${name}: {self._declared[name]}" for name in variables]
        if kind == "entity":
            declared.insert(0, "$representations: [_Any!]!")
        if not declared and operation is None:
            return "" if word == "query" else f"{word} "
        named = f" {operation}" if operation else ""
        listed = f"({', '.join(declared)})" if declared else ""
        return f"{word}{named}{listed} "

    # -- selections

    def _object(
        self,
        place: Placed,
        graph: str,
        chosen: Mapping[str, Sequence[str]],
        entry: Entry,
        *,
        names: _Names | None = None,
    ) -> tuple[str, Shape]:
        """The selection set of a place for one subgraph, fields given by concrete type."""
        known = self._known
        solution = place.solution
        names = names or _Names()
        sets: dict[str, list[str]] = {}
        fields: dict[str, list[ShapeField]] = {}
        for name, keys in chosen.items():
            variant = solution.variants[name]
            for key in keys:
                item = variant.items[key]
                if item.wanted.name == TYPENAME:
                    continue
                text, field = self._field(place, name, item, graph, names)
                sets.setdefault(name, []).append(text)
                fields.setdefault(name, []).append(field)
        blind = entry.type not in chosen and known.through(entry)
        if blind:
            texts = list(dict.fromkeys(t for some in sets.values() for t in some))
            flat: list[ShapeField] = []
            for listed in fields.values():
                flat.extend(field for field in listed if field not in flat)
            return _braces(texts), Shape(fields=tuple(flat))
        if entry.type in chosen and known.types[entry.type].kind == "object":
            only = tuple(fields.get(entry.type, ()))
            return _braces(sets.get(entry.type, [])), Shape(type=entry.type, fields=only)
        texts = [TYPENAME]
        if solution.uniform:
            texts += sets.get(entry.type, [])
            return _braces(texts), Shape(told=True, fields=tuple(fields.get(entry.type, ())))
        first = next(iter(chosen), "")
        if self._alike(entry, chosen, sets, fields, variants=solution.variants):
            texts += sets[first]
            return _braces(texts), Shape(told=True, fields=tuple(fields[first]))
        for name, some in sets.items():
            texts.append(f"... on {name} {_braces(some)}")
        per = {name: tuple(some) for name, some in fields.items()}
        return _braces(texts), Shape(told=True, per=per)

    def _alike(
        self,
        entry: Entry,
        chosen: Mapping[str, Sequence[str]],
        sets: Mapping[str, list[str]],
        fields: Mapping[str, list[ShapeField]],
        *,
        variants: Mapping[str, VariantSolution],
    ) -> bool:
        """Whether all types are asked for the same, and their interface has it: asked for once."""
        known = self._known
        if known.types[entry.type].kind != "interface" or not sets:
            return False
        members = known.concrete(entry.graph, entry.type)
        first = next(iter(chosen))
        if set(sets) != set(members) or any(
            sets[name] != sets[first] or fields[name] != fields[first] for name in members
        ):
            return False
        for key in chosen[first]:
            item = variants[first].items[key]
            if item.wanted.name == TYPENAME:
                continue
            above = known.held(entry.type, item.wanted.name, entry)
            own = _unit(item, entry.graph).held
            if above is None or own is None or above.type != own.type:
                return False
            if not item.wanted.arguments.names <= above.arguments:
                return False
        return True

    def _locals(self, place: Placed, entry: Entry) -> dict[str, list[str]]:
        """By concrete type what a subgraph answers of a place in the fetch that ends there."""
        solution = place.solution
        types = self._known.concrete(entry.graph, entry.type)
        return {
            name: [key for key, item in variant.items.items() if _local(item, entry.graph)]
            for name, variant in solution.variants.items()
            if solution.uniform or name in types
        }

    def _field(
        self, place: Placed, name: str, item: Item, graph: str, names: _Names
    ) -> tuple[str, ShapeField]:
        one = item.wanted
        unit = _unit(item, graph)
        below, shape = "", None
        if unit.below is not None:
            child = self._waves.child(place, name, one.tree, item)
            below, shape = self._object(child, graph, self._locals(child, unit.below), unit.below)
            below = " " + below
        self._variables |= one.arguments.variables
        alias = names.take(one, (one.name, one.arguments.text, sure(unit.held).type, below))
        told = one.name if alias == one.name else f"{alias}: {one.name}"
        if one.arguments.text:
            told += f"({one.arguments.text})"
        return told + below, ShapeField(alias, one.tree, shape)

    # -- representations

    def _part(
        self, place: Placed, variant: VariantSolution, graph: str, keys: Sequence[str]
    ) -> Part:
        ways = variant.inputs[graph]
        made = [self._way(place, variant, graph, keys, inputs) for inputs in ways]
        return msgspec.structs.replace(made[0], others=tuple(made[1:]))

    def _way(
        self,
        place: Placed,
        variant: VariantSolution,
        graph: str,
        keys: Sequence[str],
        inputs: Sequence[Input],
    ) -> Part:
        hop = variant.hops[graph]
        reads: list[Read] = []
        for one in inputs:
            if one.name != TYPENAME:
                item = variant.items[one.tree]
                below = item.wanted.below
                reads.append(self._read(place, variant, one.tree, item, must=True, below=below))
        for key in keys:
            needs = variant.needs.get((key, graph))
            for asked in self._waves.asked(variant.type, of_fields(needs)) if needs else ():
                tree, item = find(variant, asked)
                below = asked.below
                read = self._read(place, variant, tree, item, must=False, below=below)
                if all(read.per is not None or one.name != read.name for one in reads):
                    reads.append(read)
        return Part(
            type=hop.type, reads=tuple(reads), blind=hop.type != variant.type and hop.typer is None
        )

    def _read(
        self,
        place: Placed,
        variant: VariantSolution,
        tree: str,
        item: Item,
        *,
        must: bool,
        below: Sequence[Selection],
    ) -> Read:
        one = item.wanted
        if item.inner is None:
            return Read(name=one.name, tree=tree, must=must)
        child = self._waves.child(place, variant.type, tree, item)
        per: dict[str, tuple[Read, ...]] = {}
        for name, inner in child.solution.variants.items():
            made = []
            for asked in self._waves.asked(name, below):
                key, held = find(inner, asked)
                made.append(self._read(child, inner, key, held, must=must, below=asked.below))
            per[name] = tuple(made)
        abstract = len(per) > 1 or child.solution.uniform
        return Read(name=one.name, tree=tree, must=must, told=abstract, per=per)


def _local(item: Item, graph: str) -> Unit | None:
    return next((u for u in item.units if graph_of(u.graph) == graph and u.local), None)


def _unit(item: Item, door: str) -> Unit:
    """The answer of one subgraph."""
    held = {unit.graph: unit for unit in item.units}
    return held.get(door) or sure(_local(item, graph_of(door)))


def _braces(texts: Sequence[str]) -> str:
    return "{ " + (" ".join(texts) or TYPENAME) + " }"
