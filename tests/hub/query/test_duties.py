"""Obligations are told with the answer and stand on record."""

from __future__ import annotations

import pytest

from hub.query.duties import ENFORCED
from policies.obligation import (
    AggregateOnly,
    NoOnwardTransfer,
    NoStore,
    Notify,
    Obligation,
    Quota,
    Retain,
    Watermark,
)
from policies.ruling import Null
from tests.hub.query.small import OTHER, PlainEngine, Small

NAME = ("Person.name", "project")
TEXT = "{ persons(first: 1) { nodes { name } } }"


def bound(*obligations: Obligation, outcomes: dict[tuple[str, str], Null] | None = None) -> Small:
    return Small(PlainEngine(obligations={NAME: obligations}, outcomes=outcomes))


@pytest.mark.asyncio
async def test_none_are_told_where_there_are_none() -> None:
    small = bound(NoStore())
    assert "extensions" not in await small.ask("{ persons(first: 1) { nodes { number } } }")
    assert small.recorder.entries[-1].obligations == []


@pytest.mark.asyncio
async def test_those_for_the_record_alone_are_not_told() -> None:
    small = bound(Retain(90))
    assert set(await small.ask(TEXT)) == {"data"}
    assert small.recorder.entries[-1].obligations == [{"Retain": {"days": 90}}]


@pytest.mark.asyncio
async def test_told_and_recorded() -> None:
    small = bound(NoStore(), NoOnwardTransfer(), Notify("owner"), Retain(90))
    told = await small.ask(TEXT)
    assert told["data"] == {"persons": {"nodes": [{"name": "Ann"}]}}
    assert told["extensions"]["governance"] == {
        "obligations": {"noStore": True, "noOnwardTransfer": True}
    }
    (entry,) = small.recorder.entries
    assert entry.obligations == [
        {"NoOnwardTransfer": {}},
        {"NoStore": {}},
        {"Notify": {"whom": "owner"}},
        {"Retain": {"days": 90}},
    ]


@pytest.mark.asyncio
async def test_a_watermark_names_each_recipient_though_they_share_a_plan() -> None:
    small = bound(Watermark("For official use"))
    marks = []
    for subject in ({}, {"subject": OTHER}):
        told = await small.ask(TEXT, **subject)
        marks.append(told["extensions"]["governance"]["obligations"]["watermark"])
    assert marks == [
        {"captions": ["For official use"], "recipient": "app:one", "operation": "op-1"},
        {"captions": ["For official use"], "recipient": "app:two", "operation": "op-2"},
    ]
    assert small.recorder.entries[0].obligations == [{"Watermark": {}}]


@pytest.mark.asyncio
async def test_notes_on_fields_stay_beside_them() -> None:
    small = bound(NoStore(), outcomes={("Person.age", "project"): Null("NO_GRANT")})
    told = await small.ask("{ persons(first: 1) { nodes { name age } } }")
    assert set(told["extensions"]["governance"]) == {"fields", "obligations"}


def test_the_query_path_says_what_it_carries_out() -> None:
    assert {AggregateOnly, NoStore, NoOnwardTransfer, Notify, Retain, Watermark} <= ENFORCED
    assert Quota not in ENFORCED
