"""Registered sources: what was opened is closed, also what a reload replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.registry.sources import Sources, placed
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

NAME = SourceName("civil")


class Told:
    """A connector that only tells whether it is open."""

    def __init__(self) -> None:
        self.is_open = False

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


def wanted(url: str) -> dict[SourceName, tuple[SourceDecl, Path]]:
    decl = SourceDecl(
        name=NAME, department=DepartmentName("test"), kind="told", connect={"url": url}
    )
    return {NAME: (decl, Path())}


def registered() -> Sources:
    return Sources(lambda kind: lambda decl, resolve: Told())  # type: ignore[arg-type,return-value]


@pytest.mark.asyncio
async def test_a_source_as_before_stays_open() -> None:
    sources = registered()
    assert await sources.use(wanted("a")) == []
    before = sources.open[NAME]
    assert await sources.use(wanted("a")) == []
    assert sources.open[NAME] is before
    await sources.close()
    assert not before.is_open  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_what_is_given_back_works_until_it_is_let_go() -> None:
    sources = registered()
    await sources.use(wanted("a"))
    before = sources.open[NAME]
    gone = await sources.use(wanted("b"))
    assert gone == [before]
    assert before.is_open  # type: ignore[attr-defined]
    await sources.let_go(gone)
    assert not before.is_open  # type: ignore[attr-defined]
    assert sources.open[NAME].is_open  # type: ignore[attr-defined]
    await sources.close()


@pytest.mark.asyncio
async def test_closing_closes_what_was_given_back_too() -> None:
    sources = registered()
    await sources.use(wanted("a"))
    gone = await sources.use(wanted("b"))
    now = sources.open[NAME]
    await sources.close()
    assert [one.is_open for one in (*gone, now)] == [False, False]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "moved"), [("sql", "public"), ("graphql", "/city/public"), ("rest", "public")]
)
def test_the_schema_of_a_database_is_no_file(kind: str, moved: str) -> None:
    decl = SourceDecl(
        name=NAME, department=DepartmentName("test"), kind=kind, connect={"schema": "public"}
    )
    assert placed(decl, Path("/city")).connect == {"schema": moved}
