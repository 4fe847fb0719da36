"""The small world with quotas: persons are personal data, counters are real."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from hub.query.quota import Meter
from hub.store.engine import migrate, open_engine
from hub.store.quotas import StoredCounters
from policies.obligation import Obligation, Quota
from schema.model.label import Label
from schema.model.names import FieldName, TypeName
from tests.hub.query.small import CATALOGUE, SECRET, TABLES, PlainEngine, Small

_JOB = CATALOGUE.types[TypeName("Job")]
_PERSON = CATALOGUE.types[TypeName("Person")]
_NAME = _PERSON.fields[FieldName("name")]
_PI = Label(levels=_NAME.label.levels, categories=frozenset({"pi.named"}))
_NAMED = structs.replace(_NAME, label=_PI)
COUNTED = structs.replace(
    CATALOGUE,
    scheme=structs.replace(CATALOGUE.scheme, categories={"pi": None, "pi.named": "pi"}),
    types={
        **CATALOGUE.types,
        _PERSON.name: structs.replace(_PERSON, fields={**_PERSON.fields, _NAME.name: _NAMED}),
        _JOB.name: structs.replace(_JOB, data_subject=(FieldName("personNumber"),)),
    },
)
DAY = 86_400
MANY: dict[str, Any] = {
    **TABLES,
    "civil": {
        **TABLES["civil"],
        "persons": [
            {"number": f"{n:02}", "name": f"N{n % 7}", "age": n, "score": None, "born": None,
             "homeCode": f"h{n % 3}"}
            for n in range(30)
        ],
        "homes": [{"code": f"h{n}", "street": None} for n in range(3)],
    },
}  # fmt: skip
EVERYWHERE = (("Person.name", "project"), ("Person", "count"), ("Person.age", "group"),
              ("Person.age", "aggregate"), ("Person", "open"), ("Person", "list"))  # fmt: skip


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 10.0 * DAY

    def __call__(self) -> float:
        return self.now


class Worker(Small):
    """One worker with its own connection to counters in `url`."""

    def __init__(
        self,
        url: str,
        *quotas: Obligation,
        uses: tuple[tuple[str, str], ...] = EVERYWHERE,
        obligations: Mapping[tuple[str, str], tuple[Obligation, ...]] | None = None,
        secret: bytes = SECRET,
        clock: Clock | None = None,
        **more: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.database = open_engine(url)
        migrate(self.database)
        self.counters = StoredCounters(self.database, clock=self.clock)
        held = obligations or dict.fromkeys(uses, quotas)
        super().__init__(
            PlainEngine(COUNTED, obligations=held),
            tables=MANY,
            clock=self.clock,
            meter=Meter(self.counters, secret, self.clock),
            **more,
        )
        self.pipeline._ids = _ids.__next__

    def close(self) -> None:
        """As a worker ends."""
        self.counters.close()
        self.database.dispose()

    async def said(self, text: str, **more: Any) -> Any:
        """The code of a refusal, else the data."""
        told = await self.ask(text, **more)
        if "data" in told:
            return told["data"]
        (error,) = told["errors"]
        return error["extensions"]["code"]


_ids = (f"counted-{number}" for number in itertools.count())


def sqlite(folder: Path) -> str:
    """Where counters are kept in a folder."""
    return f"sqlite:///{folder / 'state.sqlite'}"


def persons(most: int, *, rule: str = "r", by: Any = "app") -> Quota:
    """So many distinct persons a day."""
    return Quota("persons", most, DAY, by, rule)


def rows(most: int) -> Quota:
    """So many rows a day."""
    return Quota("rows", most, DAY, rule="r")


def page(first: int, after: int = 0) -> str:
    """A page of persons, their keys not among what is asked."""
    nodes = "nodes { name age }"
    return f"{{ persons(filter: {{age: {{ge: {after}}}}}, first: {first}) {{ {nodes} }} }}"
