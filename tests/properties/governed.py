"""Random worlds under the real engine: row labels, owners' floors, declarations, obligations."""

from __future__ import annotations

import copy
import json
from collections import Counter
from random import Random
from typing import Any

from msgspec import structs

from policies.engine import Engine
from policies.packs import load
from policies.syntax import read_bundle
from schema.model.entity import EntityType, Field, Floor, RowLabel
from schema.model.label import Label
from schema.model.names import FieldName, coordinate
from schema.model.scalar import NUMERIC
from tests.properties.operations import Writer
from tests.properties.worlds import VALUES, World

PI = {"pi": None, "pi.named": "pi"}
DUTIES = [
    "no_store",
    "no_onward_transfer",
    "{watermark: seen}",
    "{notify: owner}",
    "{retain: {days: 9}}",
]


class GovernedWorld(World):
    """A world whose random rules the engine that serves decides by."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn = Random(f"governed {seed}")  # apart: what is drawn for the rest stays so
        self.counted: Counter[str] = Counter()
        scheme = structs.replace(self.catalogue.scheme, categories=PI)
        types = {name: self._labelled(one) for name, one in self.catalogue.types.items()}
        self.catalogue = structs.replace(self.catalogue, scheme=scheme, types=types)
        self.subject = structs.replace(
            self.subject,
            department=self.drawn.choice(["d", "e", None]),  # type: ignore[arg-type]
            clearance={"l": self.drawn.choice(["low", "high", "high"])},
        )
        self.text = "\n---\n".join(self._rules())
        packs = structs.replace(load(["plain"]), scheme=scheme)
        bundle = read_bundle(self.text, "random.yaml")
        self.engine = Engine(  # type: ignore[assignment]
            self.catalogue, [bundle], packs, epoch=1, ceiling={"l": "high"}
        )

    def writer(self, number: int, seed: int) -> Writer:
        """Writes an operation over what the caller's schema has."""
        seen = self.engine.visible(self.subject).selectable
        world = copy.copy(self)
        world.catalogue = structs.replace(
            self.catalogue,
            types={
                name: structs.replace(
                    entity,
                    relations={
                        of: one
                        for of, one in entity.relations.items()
                        if coordinate(name, of) in seen
                    },
                )
                for name, entity in self.catalogue.types.items()
            },
        )
        return Writer(world, Random(f"{seed}/{number}"))

    def _labelled(self, entity: EntityType) -> EntityType:
        chance = self.drawn
        fields = {name: self._field_of(entity, one) for name, one in entity.fields.items()}
        texts = [one for one in entity.fields.values() if self._read(entity, one)]
        held = []
        for number in range(chance.choice([0, 1, 1, 2])):
            read = chance.choice(texts)
            when = {"eq": [f"row.{read.name}", chance.choice(VALUES["String"])]}
            self.counted["row label"] += 1
            held.append(
                RowLabel(
                    name=f"label.{entity.name}.{number}",
                    when=json.dumps(when, ensure_ascii=False),
                    label=Label(levels=(("l", chance.choice(["low", "high"])),)),
                    fields=frozenset(chance.sample(sorted(fields), chance.randint(1, len(fields)))),
                    existence=chance.random() < 0.2,
                )
            )
        person = (FieldName("key"),) if chance.random() < 0.5 else ()
        return structs.replace(entity, fields=fields, row_labels=tuple(held), data_subject=person)

    def _field_of(self, entity: EntityType, field: Field) -> Field:
        chance = self.drawn
        floors: tuple[Floor, ...] = ()
        if chance.random() < 0.15:
            self.counted["floor"] += 1
            shown = json.dumps(self._mask(field))
            level = (("l", "high"),) if chance.random() < 0.3 else ()
            name = f"floor.{field.source}.{entity.name}.{field.name}"
            floors = (Floor(name=name, outcome=shown, min_level=level),)
        level = "high" if chance.random() < 0.3 else "low"
        pi = frozenset({"pi.named"}) if chance.random() < 0.2 else frozenset[str]()
        label = Label(levels=(("l", level),), categories=pi)
        return structs.replace(field, label=label, floors=floors)

    @staticmethod
    def _read(entity: EntityType, field: Field) -> bool:
        return field.kind == "String" and field.source == entity.anchor

    def _mask(self, field: Field) -> Any:
        chance = self.drawn
        if field.kind == "String":
            return {"mask": {"partial": {"keep_first": chance.randint(0, 1)}}}
        if field.kind in NUMERIC:
            return {"mask": {"bucket": {"width": chance.choice([2, 100])}}}
        if field.kind in ("Date", "DateTime"):
            return {"mask": {"generalise": {"to": chance.choice(["year", "month"])}}}
        return "redact"

    def _rules(self) -> list[str]:
        chance, found = self.drawn, []
        for number in range(chance.randint(1, 3)):
            types = chance.sample(
                sorted(self.catalogue.types), chance.randint(1, len(self.catalogue.types))
            )
            duty = self._duty()
            found.append(
                f"policy: p{number}\neffect: permit\nsubjects: {{app: test}}\nmodes: all\n"
                f"resources: {{types: {json.dumps(types)}, categories: [pi, pi.named]}}{duty}"
            )
        for _, entity in sorted(self.catalogue.types.items()):
            for field in entity.fields.values():
                if chance.random() < 0.25:
                    found.append(self._limit(entity, field, len(found)))
        return found

    def _limit(self, entity: EntityType, field: Field, number: int) -> str:
        chance = self.drawn
        parts = [f"policy: r{number}", f"resources: {{fields: [{entity.name}.{field.name}]}}"]
        read = chance.choice([one for one in entity.fields.values() if self._read(entity, one)])
        when = json.dumps(
            {"eq": [f"row.{read.name}", chance.choice(VALUES["String"])]}, ensure_ascii=False
        )
        if chance.random() < 0.15:
            return "\n".join([*parts, "effect: forbid", f"when: {when}"])
        parts += ["effect: require", f"outcome: {json.dumps(self._mask(field))}", "modes: all"]
        if chance.random() < 0.25:
            parts.append(f"when: {when}")
        if chance.random() < 0.6 and "mask" in parts[3]:
            self.counted["declared"] += 1
            parts.append(f"declassify: {{level: low, k: {chance.randint(2, 3)}, reason: why}}")
        return "\n".join(parts) + self._duty()

    def _duty(self) -> str:
        if self.drawn.random() < 0.7:
            return ""
        self.counted["obligation"] += 1
        return f"\nobligations: [{self.drawn.choice(DUTIES)}]"
