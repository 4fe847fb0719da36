"""A hub over a database as `hub source draft` describes it, and the database itself to compare."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner

from connectors.sql.connector import connect
from hub.cli.source import source as source_command
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World
from hub.registry.secret import resolve
from policies.engine import Engine
from policies.masks import MASKS
from policies.packs import load
from policies.syntax import read_bundle
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.subject import Subject

PACKS = load(["plain"])
READER = Subject(
    id="app:reader", app="reader", clearance={"plain": "internal"},
    purposes=frozenset({"statistics"}),
)  # fmt: skip
PERMIT_ALL = """\
policy: everything
version: 1
owner: culture
about: {en: Everything in the sample}
effect: permit
subjects: {app: reader}
resources: {types: ["*"]}
modes: [all]
"""


def drafted(database: Path | str, level: str = "internal") -> str:
    """What `hub source draft` writes for a database: a file, or a URL by reference."""
    result = CliRunner().invoke(
        source_command, ["draft", str(database), "--department", "culture", "--level", level]
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def answers(
    database: Path | str, asked: list[tuple[str, dict[str, Any]]], **bounds: int
) -> list[dict[str, Any]]:
    """The data that a hub over the draft answers with, operation by operation."""

    fragment = read_fragment(drafted(database), "draft.yaml")

    def known(text: str) -> str:
        return resolve(text, os.environ)

    async def run() -> list[dict[str, Any]]:
        catalogue = compose([fragment], PACKS.scheme)
        engine = Engine(
            catalogue, [read_bundle(PERMIT_ALL, "all.yaml")], PACKS, epoch=1, ceiling={}
        )
        sources = {name: connect(decl, known) for name, decl in catalogue.sources.items()}
        for source in sources.values():
            await source.open()
        try:
            pipeline = Pipeline(
                catalogue=catalogue,
                engine=engine,
                world=World(sources, MASKS, Seal(b"k" * 32, lambda: 0.0)),
                recorder=None,
                limits=Limits(**bounds),
                deadline_s=60.0,
                ids=lambda: "op",
            )
            found = []
            for text, variables in asked:
                answer = await pipeline.answer(
                    Request(text=text, variables=variables, subject=READER, purpose="statistics")
                )
                told = orjson.loads(answer.body)
                assert "errors" not in told, told
                found.append(told["data"])
            return found
        finally:
            for source in sources.values():
                await source.close()

    return asyncio.run(run())


def rows(database: Path, statement: str, **params: Any) -> list[tuple[Any, ...]]:
    """What SQLite itself answers."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as held:
        return held.execute(statement, params).fetchall()


def one(database: Path, text: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return answers(database, [(text, dict(variables or {}))])[0]
