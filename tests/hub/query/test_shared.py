"""What rules declare of masked values counts where enough persons of the answer share each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from msgspec import structs

from hub.query.keys import Keyring
from hub.query.request import Request
from policies.ruling import Declassified, Masked, Ruling
from schema.model.label import Label
from schema.model.names import FieldName, TypeName
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from tests.hub.query.metered import COUNTED
from tests.hub.query.small import SECRET, SUBJECT, TABLES, PlainEngine, Small

pytestmark = pytest.mark.asyncio
HIGH = {"Person": ("age", "score"), "Job": ("pay",)}
CATALOGUE = structs.replace(
    COUNTED,
    types={
        **COUNTED.types,
        **{
            TypeName(of): structs.replace(
                COUNTED.types[TypeName(of)],
                fields={
                    name: structs.replace(field, label=Label(levels=(("l", "high"),)))
                    if name in fields
                    else field
                    for name, field in COUNTED.types[TypeName(of)].fields.items()
                },
                data_subject=(FieldName("personNumber" if of == "Job" else "number"),),
            )
            for of, fields in HIGH.items()
        },
    },
)
TENS = Masked("bucket", (("kind", "Int"), ("width", 100)))
JOBS = [
    {"jobId": "a", "personNumber": "1", "title": "cook", "pay": 10},
    {"jobId": "b", "personNumber": "1", "title": "clerk", "pay": 20},
    {"jobId": "c", "personNumber": "2", "title": "cook", "pay": 30},
    {"jobId": "d", "personNumber": None, "title": "cook", "pay": 40},
    {"jobId": "e", "personNumber": "2", "title": "smith", "pay": 150},
]
PEOPLE = [
    {"number": str(n), "name": "N", "age": 10 if n < 4 else 200, "score": None, "born": None,
     "homeCode": "h1"} for n in range(6)
]  # fmt: skip
DATA = {**TABLES, "hr": {"jobs": JOBS}, "civil": {**TABLES["civil"], "persons": PEOPLE}}


class Declaring(PlainEngine):
    """Declares of masked values what it is told."""

    def __init__(self, k: int, **more: Any) -> None:
        outcomes = {("Person.age", "project"): TENS, ("Job.pay", "project"): TENS}
        super().__init__(CATALOGUE, {**outcomes, **more})
        self.k = k

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        ruling = super().rule(subject, uses, context, implied)
        said = (Declassified("", "low", "shared", self.k),)
        masked = [use for use, found in ruling.outcomes.items() if found == TENS]
        return structs.replace(ruling, declassified=dict.fromkeys(masked, said))


async def level(text: str, k: int, subject: Subject = SUBJECT, **outcomes: Any) -> str:
    """Told, and on record."""
    more = {(f"Job.{name}", "project"): outcome for name, outcome in outcomes.items()}
    small = Small(Declaring(k), tables=DATA, keys=Keyring(SECRET))
    small.engine.outcomes.update(more)
    request = Request(text=text, variables={}, subject=subject, purpose="p")
    told = orjson.loads((await small.pipeline.answer(request)).body)
    assert "errors" not in told
    assert told["extensions"]["governance"]["label"] == small.recorder.entries[-1].label
    found: str = told["extensions"]["governance"]["label"]["levels"]["l"]
    return found


AGES = "{ persons { nodes { age } } }"
PAY = "{ jobs(filter: {jobId: {in: %s}}) { nodes { pay personNumber } } }"


@pytest.mark.parametrize(
    ("text", "k", "found"),
    [
        (AGES, 2, "low"),  # 4 persons and 2
        (AGES, 3, "high"),
        # of two places each is counted for itself
        ("{ a: persons { nodes { age } } b: persons(first: 1) { nodes { age } } }", 2, "high"),
        ("{ a: persons { nodes { age } } b: persons { edges { node { age } } } }", 2, "low"),
        ("{ persons(first: 2) { nodes { age } } }", 2, "low"),
        ("{ persons(first: 1) { nodes { age } } }", 2, "high"),  # the row beyond does not count
        ('{ person(number: "1") { age } }', 2, "high"),
        ('{ person(number: "none") { age } }', 2, "low"),
        (AGES.replace("age", "age @skip(if: true) name"), 9, "low"),
        # other uses keep their label whatever is shared
        ("{ persons(orderBy: AGE_ASC) { nodes { age } } }", 2, "high"),
        # several rows of one person are one, and nobody is nobody else
        (PAY % '["a", "b"]', 2, "high"),
        (PAY % '["a", "d"]', 2, "high"),
        (PAY % '["a", "b", "c"]', 2, "low"),
        (PAY % '["a", "b", "c"]', 3, "high"),
        (PAY % '["a", "b", "c", "e"]', 2, "high"),  # one value is of one person
        # whose rows they are is not shown, so that the label does not tell either
        ((PAY % '["a", "b", "c"]').replace(" personNumber", ""), 2, "high"),
        # below others the same row may stand twice
        ("{ homes { nodes { people(first: 9) { nodes { age } } } } }", 2, "high"),
        ("{ homes { nodes { people(first: 9) { nodes { age number } } } } }", 2, "low"),
    ],
)
async def test_by_the_persons_of_each_place(text: str, k: int, found: str) -> None:
    assert await level(text, k) == found


async def test_persons_are_counted_as_they_are_shown() -> None:
    text = PAY % '["a", "b", "c"]'
    same = Masked("constant", (("kind", "String"), ("value", "x")))
    assert await level(text, 2, personNumber=same) == "high"
    last = Masked("hash", (("kind", "String"),))
    assert await level(text, 2, personNumber=last) == "low"


async def test_where_nothing_says_whose_rows_are_it_never_counts() -> None:
    home = CATALOGUE.types[TypeName("Job")]
    pi = structs.replace(home.fields[FieldName("title")], label=Label(
        levels=(("l", "low"),), categories=frozenset({"pi.named"})))  # fmt: skip
    bare = structs.replace(home, data_subject=(), fields={**home.fields, pi.name: pi})
    engine = Declaring(2)
    engine.catalogue = structs.replace(CATALOGUE, types={**CATALOGUE.types, bare.name: bare})
    small = Small(engine, tables=DATA)
    for text, found in ((PAY % '["a", "b", "c"]', "high"), (PAY % "[]", "low")):
        request = Request(text=text, variables={}, subject=SUBJECT, purpose="p")
        told = orjson.loads((await small.pipeline.answer(request)).body)
        assert told["extensions"]["governance"]["label"]["levels"]["l"] == found


async def test_one_plan_tells_both() -> None:
    """What is kept of an operation is used for answers of either label."""
    small = Small(Declaring(2), tables=DATA)
    text = "query Q($n: Int) { persons(first: $n) { nodes { age } } }"
    found = []
    for size in (2, 1, 2):
        request = Request(text=text, variables={"n": size}, subject=SUBJECT, purpose="p")
        told = orjson.loads((await small.pipeline.answer(request)).body)
        found.append(told["extensions"]["governance"]["label"]["levels"]["l"])
    assert found == ["low", "high", "low"]
