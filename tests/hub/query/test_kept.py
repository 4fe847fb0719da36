"""What is kept of documents is bounded in bytes, for all callers together."""

from __future__ import annotations

import pytest

from hub.query.limits import Limits
from hub.query.plancache import WeighedStore, kept_bytes
from tests.hub.query.small import OTHER, SUBJECT, Small

PLAIN = "{ caller { app } }"


@pytest.mark.asyncio
async def test_long_documents_are_answered_and_not_kept() -> None:
    small = Small()
    for number in range(3):
        told = await small.ask(f"# {number} {'x' * 40_000}\n{PLAIN}")
        assert told == {"data": {"caller": {"app": "one"}}}
    assert len(small.pipeline._documents) == 0
    await small.ask("# " + "x" * 30_000 + "\n" + PLAIN)
    assert len(small.pipeline._documents) == 1
    await small.ask(PLAIN, purpose="p" * 40_000)
    assert len(small.pipeline._documents) == 1


@pytest.mark.asyncio
async def test_one_budget_for_all_callers_the_least_recently_used_first() -> None:
    most = 5 * 2 * kept_bytes(len(PLAIN) + 4)
    small = Small(limits=Limits(max_kept_bytes=most))
    texts = [f"# {number}\n{PLAIN}" for number in range(10)]
    for text in texts:
        for subject in (SUBJECT, OTHER):
            await small.ask(text, subject=subject)
            await small.ask(texts[0], subject=SUBJECT)
            assert small.pipeline._documents.weight <= most
    kept = list(small.pipeline._documents._held)
    assert len(kept) == 5
    assert (kept[-1][0].subject, kept[-1][1]) == (SUBJECT, texts[0])
    assert {key[0].subject.id for key in kept} == {SUBJECT.id, OTHER.id}


@pytest.mark.asyncio
async def test_every_shape_of_the_variables_counts() -> None:
    small = Small()
    text = "query($o: [PersonOrder!]) { persons(orderBy: $o) { totalCount } }"
    await small.ask(text, {"o": ["AGE_ASC"]})
    before = small.pipeline._documents.weight
    await small.ask(text, {"o": ["AGE_ASC"]})
    assert small.pipeline._documents.weight == before
    await small.ask(text, {"o": ["AGE_DESC"]})
    assert small.pipeline._documents.weight == before + kept_bytes(len(text))


@pytest.mark.asyncio
async def test_nodes_keep_no_locations_but_errors_have_them() -> None:
    small = Small()
    await small.ask(PLAIN)
    (known,) = (held for held, _ in small.pipeline._documents._held.values())
    assert known.document.ast.loc is None
    assert known.document.ast.definitions[0].loc is None
    (error,) = (await small.ask("{ caller {\n  zzz } }"))["errors"]
    assert error["locations"] == [{"line": 2, "column": 3}]
    (error,) = (await small.ask("{ caller {\n  app"))["errors"]
    assert error["locations"] == [{"line": 2, "column": 6}]


def test_an_entry_heavier_than_the_store() -> None:
    store: WeighedStore[str, int] = WeighedStore(10)
    store.put("a", 1, 4)
    store.put("b", 2, 11)
    assert (len(store), store.weight) == (0, 0)
    store.put("a", 1, 4)
    store.put("a", 1, 8)
    assert (store.get("a"), store.weight) == (1, 8)
    assert store.get("b") is None
