"""Random operations over a world, as text that its subject's schema accepts."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from schema.model.entity import EntityType, Field
from schema.model.use import FieldUse
from schema.model.visible import Visible
from tests.properties.worlds import KEYS, VALUES, World


class Writer:
    """Writes one random operation."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.types = world.catalogue.types
        self.visible: Visible = world.engine.visible(world.subject)
        self.chance = chance
        self.variables: dict[str, Any] = {}
        self.declared: list[str] = []
        self.budget = 10

    def operation(self) -> tuple[str, dict[str, Any]]:
        """(document, variables)."""
        roots = [self._root(n) for n in range(self.chance.randint(1, 3))]
        body = " ".join(root for root in roots if root) or "caller { app }"
        used = set(re.findall(r"\$(v\d+)", body))
        declared = [text for text in self.declared if text[1:].split(":")[0] in used]
        head = f"query Q({', '.join(declared)})" if declared else "query Q"
        given = {name: value for name, value in self.variables.items() if name in used}
        return f"{head} {{ {body} }}", given

    def _root(self, number: int) -> str:
        entity = self.chance.choice(list(self.types.values()))
        roll = self.chance.random()
        may = self.visible.may
        if roll < 0.2 and may(entity.name, "open") and may(f"{entity.name}.key", "filter_eq"):
            key = self._value("String", self.chance.choice(KEYS))
            return f"r{number}: {entity.singular}(key: {key}) {{ {self._selection(entity, 2)} }}"
        if roll < 0.4 and self.visible.may(entity.name, "count"):
            return self._aggregate(entity, number)
        if self.visible.may(entity.name, "list"):
            args = self._arguments(entity)
            return f"r{number}: {entity.plural}{args} {{ {self._connection(entity, 2)} }}"
        return ""

    def _connection(self, entity: EntityType, depth: int) -> str:
        parts = []
        if self.chance.random() < 0.8:
            parts.append(f"nodes {{ {self._selection(entity, depth)} }}")
        if self.chance.random() < 0.3:
            parts.append(f"edges {{ node {{ {self._selection(entity, depth)} }} }}")
        if self.chance.random() < 0.4:
            parts.append("pageInfo { hasNextPage hasPreviousPage }")
        if self.visible.may(entity.name, "count") and self.chance.random() < 0.4:
            parts.append("totalCount")
        return " ".join(parts) or "__typename"

    def _selection(self, entity: EntityType, depth: int) -> str:
        parts = ["__typename"]
        for field in entity.fields.values():
            at = f"{entity.name}.{field.name}"
            if at in self.visible.selectable and self.chance.random() < 0.5:
                alias = (
                    f"a{self.chance.randint(0, 9)}{field.name}: "
                    if self.chance.random() < 0.2
                    else ""
                )
                skip = self._directive() if self.chance.random() < 0.1 else ""
                parts.append(f"{alias}{field.name}{skip}")
        for relation in entity.relations.values():
            if depth == 0 or self.budget <= 0 or self.chance.random() < 0.5:
                continue
            self.budget -= 1
            child = self.types[relation.to]
            if not self._reachable(child):
                continue
            alias = f"b{self.budget}"
            if not relation.many:
                parts.append(f"{alias}: {relation.name} {{ {self._selection(child, depth - 1)} }}")
            elif relation.as_list:
                args = self._arguments(child, backwards=False)
                parts.append(
                    f"{alias}: {relation.name}{args} {{ {self._selection(child, depth - 1)} }}"
                )
            else:
                args = self._arguments(child)
                parts.append(
                    f"{alias}: {relation.name}{args} {{ {self._connection(child, depth - 1)} }}"
                )
        if self.chance.random() < 0.2:
            return f"... on {entity.name} {{ {' '.join(parts)} }} __typename"
        return " ".join(parts)

    def _reachable(self, entity: EntityType) -> bool:
        return any(f"{entity.name}.{f}" in self.visible.selectable for f in entity.fields)

    def _directive(self) -> str:
        word = self.chance.choice(["skip", "include"])
        return f" @{word}(if: {self._value('Boolean', self.chance.random() < 0.5)})"

    def _arguments(self, entity: EntityType, *, backwards: bool = True) -> str:
        args = []
        if self.chance.random() < 0.6:
            text = self._filter(entity, 2)
            if text:
                args.append(f"filter: {text}")
        orders = [
            f"{_shout(f)}_{self.chance.choice(['ASC', 'DESC'])}"
            for f in entity.fields
            if self.visible.may(f"{entity.name}.{f}", "sort")
        ]
        if orders and self.chance.random() < 0.5:
            chosen = self.chance.sample(orders, self.chance.randint(1, min(2, len(orders))))
            args.append(f"orderBy: [{', '.join(chosen)}]")
        roll = self.chance.random()
        if roll < 0.3:
            args.append(f"first: {self._value('Int', self.chance.randint(0, 4))}")
        elif roll < 0.5 and backwards:
            args.append(f"last: {self._value('Int', self.chance.randint(0, 4))}")
        return f"({', '.join(args)})" if args else ""

    def _filter(self, entity: EntityType, depth: int) -> str:
        parts = []
        for field in entity.fields.values():
            if self.chance.random() < 0.25:
                condition = self._condition(entity, field)
                if condition:
                    parts.append(f"{field.name}: {{ {condition} }}")
        if depth and self.chance.random() < 0.3:
            word = self.chance.choice(["and", "or"])
            inner = [t for t in (self._filter(entity, depth - 1) for _ in range(2)) if t]
            if inner:
                parts.append(f"{word}: [{', '.join(inner)}]")
        if depth and self.chance.random() < 0.2:
            inner_text = self._filter(entity, depth - 1)
            if inner_text:
                parts.append(f"not: {inner_text}")
        if depth and entity.relations and self.chance.random() < 0.3:
            relation = self.chance.choice(list(entity.relations.values()))
            child = self.types[relation.to]
            text = self._filter(child, depth - 1)
            if text and self._reachable(child):
                word = self.chance.choice(["some", "every", "none"])
                parts.append(
                    f"{relation.name}: " + (f"{{ {word}: {text} }}" if relation.many else text)
                )
        return f"{{ {', '.join(parts)} }}" if parts else ""

    def _condition(self, entity: EntityType, field: Field) -> str:
        at = f"{entity.name}.{field.name}"
        value = self.chance.choice(VALUES[field.kind])
        other = VALUES[field.kind][0]
        choices = []
        if self.visible.may(at, "filter_eq"):
            choices += [
                f"eq: {self._value(field.kind, value)}",
                f"ne: {self._value(field.kind, value)}",
                f"in: [{_literal(field.kind, value)}, {_literal(field.kind, other)}]",
                f"isNull: {self.chance.choice(['true', 'false'])}",
            ]
        if self.visible.may(at, "filter_range"):
            op = self.chance.choice(["lt", "le", "gt", "ge"])
            choices.append(f"{op}: {self._value(field.kind, value)}")
        if self.visible.may(at, "filter_text"):
            op = self.chance.choice(["startsWith", "contains"])
            choices.append(f"{op}: {self._value(field.kind, value)}")
        return self.chance.choice(choices) if choices else ""

    def _value(self, kind: str, value: Any) -> str:
        if self.chance.random() < 0.5:
            return _literal(kind, value)
        name = f"v{len(self.variables)}"
        self.variables[name] = value
        self.declared.append(f"${name}: {kind}!")
        return f"${name}"

    def _aggregate(self, entity: EntityType, number: int) -> str:
        parts = ["count"] if self.chance.random() < 0.8 else ["__typename"]
        groups = [f for f in entity.fields if self.visible.may(f"{entity.name}.{f}", "group")]
        args = []
        text = self._filter(entity, 1) if self.chance.random() < 0.4 else ""
        if text:
            args.append(f"filter: {text}")
        if groups and self.chance.random() < 0.6:
            chosen = self.chance.sample(groups, self.chance.randint(1, min(2, len(groups))))
            args.append(f"groupBy: [{', '.join(_shout(f) for f in chosen)}]")
            parts.append(f"group {{ {' '.join(chosen)} }}")
        for function in ("countDistinct", "sum", "avg", "min", "max"):
            held = [
                f
                for f in entity.fields
                if FieldUse(f"{entity.name}.{f}", "aggregate", function) in self.visible.uses  # type: ignore[arg-type]
            ]
            if held and self.chance.random() < 0.5:
                chosen = self.chance.sample(held, self.chance.randint(1, len(held)))
                parts.append(f"{function} {{ {' '.join(chosen)} }}")
        shown = f"({', '.join(args)})" if args else ""
        return f"r{number}: {entity.plural}Aggregate{shown} {{ {' '.join(parts)} }}"


def _literal(kind: str, value: Any) -> str:
    if kind in ("Int", "Float", "Boolean"):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def _shout(name: str) -> str:
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in name).upper()
