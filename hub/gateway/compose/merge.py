"""Merge parts into one set of types: unions of what answers, intersections of what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from msgspec.structs import replace

from hub.gateway.compose.fields import Sourced, merge_field
from hub.gateway.compose.inputs import merge_inputs, most
from hub.gateway.compose.parts import Executable, Field, Input, Part, Type, Value, named
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.subtypes import Subtypes
from hub.gateway.compose.uses import Coordinate
from hub.gateway.model import TypeKind


class Merged:
    """The types of all parts, merged; `through` says what interface objects give.

    `problems` grows while merging. `given` has for each implementation and field the pairs of a
    subgraph and the interface by whose name it has the field.
    """

    def __init__(self, parts: Sequence[Part], problems: list[Problem]) -> None:
        self.parts = parts
        self.problems = problems
        self.subtypes = Subtypes(parts)
        self._asked, self._answered = _positions(parts)
        self.given: dict[Coordinate, list[tuple[Part, str]]] = {}
        self.types: dict[str, Type] = {}
        self._sources: dict[str, dict[str, list[Sourced]]] = {}
        self._merge()

    def _merge(self) -> None:
        for name in dict.fromkeys(name for part in self.parts for name in part.types):
            kind = self._kind(name)
            if kind is not None:
                self.types[name] = self._type(name, kind)
        self._give()

    def having(self, name: str) -> list[tuple[Part, Type]]:
        """The parts that have a type, with the type as each has it."""
        return [(part, part.types[name]) for part in self.parts if name in part.types]

    def sources(self, type_: str, field: str) -> Sequence[Sourced]:
        """The field as the parts have it that have it under the type's own name."""
        return self._sources.get(type_, {}).get(field, ())

    def _kind(self, name: str) -> TypeKind | None:
        """The kind of a type, `None` where subgraphs do not agree."""
        having = self.having(name)
        objects = [part.name for part, held in having if held.interface_object]
        kinds: dict[TypeKind, list[str]] = {}
        for part, held in having:
            kind: TypeKind = "interface" if held.interface_object else held.kind
            kinds.setdefault(kind, []).append(part.name)
        if len(kinds) == 1:
            if len(objects) == len(having):
                self._report(
                    "INTERFACE_OBJECT_USAGE_ERROR",
                    f"`{name}` is an @interfaceObject everywhere, and an interface nowhere",
                    objects,
                    name,
                )
            return next(iter(kinds))
        shown = " but ".join(f"{kind} in {', '.join(graphs)}" for kind, graphs in kinds.items())
        graphs = [part.name for part, _ in having]
        self._report("TYPE_KIND_MISMATCH", f"`{name}` is {shown}", graphs, name)
        return None

    def _type(self, name: str, kind: TypeKind) -> Type:
        having = self.having(name)
        every = [held for _, held in having]
        return Type(
            name=name,
            called=name,
            kind=kind,
            fields=self._fields(name, having) if kind in {"object", "interface"} else {},
            inputs=self._inputs(name, having) if kind == "input" else {},
            values=self._values(name, having) if kind == "enum" else {},
            interfaces=_unique(one for held in every for one in held.interfaces),
            members=_unique(one for held in every for one in held.members),
            specified_by=most(held.specified_by for held in every),
            one_of=any(held.one_of for held in every),
            description=most(held.description for held in every),
            inaccessible=any(held.inaccessible for held in every),
        )

    def _fields(self, name: str, having: Sequence[tuple[Part, Type]]) -> dict[str, Field]:
        fields = {}
        by_field: dict[str, list[Sourced]] = {}
        for part, held in having:
            for field in held.fields.values():
                by_field.setdefault(field.name, []).append(Sourced(part, field))
        self._sources[name] = by_field
        for each, sources in by_field.items():
            merged = merge_field(
                f"{name}.{each}",
                sources,
                given=self._from_stand_ins(each, having),
                subtypes=self.subtypes,
                problems=self.problems,
            )
            if merged is not None:
                fields[each] = merged
        return fields

    def _from_stand_ins(self, field: str, having: Sequence[tuple[Part, Type]]) -> list[Sourced]:
        """The field as those resolve it who have an interface of the type as an object."""
        interfaces = _unique(one for _, held in having for one in held.interfaces)
        return [
            Sourced(part, above.fields[field])
            for part in self.parts
            for name in interfaces
            if (above := part.types.get(name)) is not None
            and above.interface_object
            and field in above.fields
            and not above.fields[field].external
        ]

    def _inputs(self, name: str, having: Sequence[tuple[Part, Type]]) -> dict[str, Input]:
        merged = merge_inputs(
            [(part.name, held.inputs) for part, held in having],
            name,
            "input field",
            subtypes=self.subtypes,
            problems=self.problems,
        )
        if not merged:
            self._report(
                "EMPTY_MERGED_INPUT_TYPE",
                f"no field of input `{name}` is in all subgraphs that have it",
                [part.name for part, _ in having],
                name,
            )
        return merged

    def _values(self, name: str, having: Sequence[tuple[Part, Type]]) -> dict[str, Value]:
        asked, answered = name in self._asked, name in self._answered
        merged = {}
        for each in _unique(value for _, held in having for value in held.values):
            found = [held.values[each] for _, held in having if each in held.values]
            hidden = any(one.inaccessible for one in found)
            whole = len(found) == len(having)
            if asked and answered and not whole and not hidden:
                lacking = [part.name for part, held in having if each not in held.values]
                self._report(
                    "ENUM_VALUE_MISMATCH",
                    f"enum `{name}` is both asked for and answered, but `{each}` is not in "
                    + ", ".join(f"`{graph}`" for graph in lacking),
                    [part.name for part, _ in having],
                    f"{name}.{each}",
                )
            if whole or answered or not asked:
                merged[each] = Value(
                    name=each,
                    description=most(one.description for one in found),
                    deprecated=most(one.deprecated for one in found),
                    inaccessible=hidden,
                )
        if not merged:
            self._report(
                "EMPTY_MERGED_ENUM_TYPE",
                f"no value of enum `{name}` is in all subgraphs that have it",
                [part.name for part, _ in having],
                name,
            )
        return merged

    def _give(self) -> None:
        """Give the fields of interface objects to all implementations."""
        for part in self.parts:
            for held in part.types.values():
                if not held.interface_object or held.name not in self.types:
                    continue
                for name, target in list(self.types.items()):
                    if target.kind == "object" and held.name in target.interfaces:
                        self._give_one(part, held, name)

    def _give_one(self, part: Part, held: Type, to: str) -> None:
        target = self.types[to]
        fields = dict(target.fields)
        interface = self.types[held.name]
        for each in held.fields.values():
            if each.external or each.name not in interface.fields:
                continue
            self.given.setdefault((to, each.name), []).append((part, held.name))
            own = fields.get(each.name)
            if own is None:
                fields[each.name] = interface.fields[each.name]
        self.types[to] = replace(target, fields=fields)

    def executables(self) -> dict[str, Executable]:
        """Directives for operations that all subgraphs define, in the places all allow."""
        merged: dict[str, Executable] = {}
        if not self.parts:
            return merged
        first, *others = self.parts
        for name, one in first.directives.items():
            every = [one, *(part.directives[name] for part in others if name in part.directives)]
            places = frozenset.intersection(*(each.locations for each in every))
            if len(every) < len(self.parts) or not places:
                continue
            merged[name] = Executable(
                name=name,
                arguments=merge_inputs(
                    [(p.name, p.directives[name].arguments) for p in self.parts],
                    "@" + name,
                    "argument",
                    subtypes=self.subtypes,
                    problems=self.problems,
                ),
                locations=places,
                repeatable=any(each.repeatable for each in every),
                description=most(each.description for each in every),
            )
        return merged

    def _report(self, code: str, message: str, graphs: Iterable[str], *where: str) -> None:
        self.problems.append(
            Problem(code=code, message=message, subgraphs=tuple(graphs), coordinates=where)
        )


def _positions(parts: Sequence[Part]) -> tuple[Set[str], Set[str]]:
    """Names of types that are asked for (arguments, inputs) and that are answered (fields)."""
    asked: set[str] = set()
    answered: set[str] = set()
    for part in parts:
        for held in part.types.values():
            for field in held.fields.values():
                answered.add(named(field.type))
                asked.update(named(one.type) for one in field.arguments.values())
            asked.update(named(one.type) for one in held.inputs.values())
    return asked, answered


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
