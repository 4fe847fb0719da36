"""A hub over sources that write codes, dates and amounts in their own ways, asked over HTTP."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from hub.serve.app import create_app
from hub.serve.options import DoorOptions
from hub.settings import read_settings
from hub.wiring import Hub, build_hub
from schema.model.names import DepartmentName
from schema.model.subject import Subject

FRAGMENT = """\
hub: 1
source: {{name: civil, department: civil-affairs, title: {{en: Civil Affairs, zh: 民政局}},
         kind: {kind}, connect: {connect}}}
codes:
  civil-sex:
    of: gb-t-2261.1
    title: {{en: How civil affairs writes sexes, zh: 民政局性别代码}}
    codes:
      M: {{to: 1, title: {{en: man, zh: 男}}}}
      F: 2
      W: 2
      "?": 0
types:
  Resident:
    key: [number]
    from: {{table: residents}}
    label: internal
    share: unconditional
    region: region
    fields:
      number: {{type: String}}
      sex: {{type: String, codes: gb-t-2261.1, from_codes: civil-sex}}
      region: {{type: String, codes: gb-t-2260, from_codes: gb-t-2260@2020-12-31}}
      born: {{type: Date, from_format: yyyymmdd}}
      paid: {{type: Decimal, unit: CNY, from_unit: fen}}
      land: {{type: Decimal, unit: m2, from_unit: {{unit: mu, digits: 2}}}}
"""
OPEN = """\
policy: open
effect: permit
subjects: {app: desk}
resources: {types: ["*"]}
modes: all
"""
COLUMNS = ("number", "sex", "region", "born", "paid", "land")
ROWS: tuple[tuple[Any, ...], ...] = (
    ("1", "M", "330103", "19900102", 1250, 3),
    ("2", "F", "330105", "20010203", 0, 1),
    ("3", "W", "330104", "00000000", 99, None),
    ("4", "X", "330110", "1990-1-2", None, 2),
    ("5", None, "999999", None, 100, 10),
    ("6", "?", "330106001", "20000229", -5, 0),
    ("7", "M", None, "20010229", 1251, 7),
)
DESK = Subject(
    id="app:desk", app="desk", department=DepartmentName("tax"),
    clearance={"plain": "restricted"}, region="330105",
)  # fmt: skip
OTHER = Subject(
    id="app:other", app="other", department=DepartmentName("tax"),
    clearance={"plain": "restricted"}, region="330105",
)  # fmt: skip
SUBJECTS = {"desk": DESK, "other": OTHER}


class Known:
    """Knows callers by a word."""

    def known(self, text: str) -> Subject | None:
        return SUBJECTS.get(text)


class Asker:
    """A client of one hub."""

    def __init__(self, hub: Hub, client: httpx.AsyncClient) -> None:
        self.hub = hub
        self._client = client

    async def told(self, text: str, *, app: str = "desk", **extensions: Any) -> dict[str, Any]:
        """The whole response; `extensions` go with the request."""
        body: dict[str, Any] = {"query": text}
        if extensions:
            body["extensions"] = extensions
        headers = {"authorization": f"Bearer {app}"}
        got = await self._client.post("/graphql", json=body, headers=headers)
        told: dict[str, Any] = got.json()
        return told

    async def nodes(self, text: str, **more: Any) -> list[dict[str, Any]]:
        """The nodes of the only root."""
        told = await self.told(text, **more)
        (root,) = told["data"].values()
        rows: list[dict[str, Any]] = root["nodes"]
        return rows


def sqlite_file(path: Path, rows: Sequence[Sequence[Any]] = ROWS) -> str:
    """`connect` of a database with the rows."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE residents (number TEXT PRIMARY KEY, sex TEXT, region TEXT, born TEXT,"
            " paid INTEGER, land INTEGER)"
        )
        connection.executemany("INSERT INTO residents VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    return f'{{url: "sqlite:///{path}"}}'


def csv_file(path: Path, rows: Sequence[Sequence[Any]] = ROWS) -> str:
    """`connect` of a file with the rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([["" if part is None else part for part in row] for row in rows])
    return f"{{path: {path}}}"


@asynccontextmanager
async def asking(
    home: Path, fragments: Mapping[str, str], rules: str = OPEN, more: str = ""
) -> AsyncIterator[Asker]:
    """A client of a hub of these fragments and rules."""
    for name, text in fragments.items():
        (home / f"{name}.fragment.yaml").write_text(text, encoding="utf-8")
    (home / "rules.yaml").write_text(rules, encoding="utf-8")
    config = home / "hub.yaml"
    config.write_text(
        'fragments: ["*.fragment.yaml"]\npolicies: ["rules.yaml"]\naudit: {enabled: false}\n'
        f"state: {{directory: state}}\ninstance: {{mode: development}}\n{more}",
        encoding="utf-8",
    )
    hub = build_hub(read_settings(config, {}))
    await hub.open()
    hub.identifier = Known()  # type: ignore[assignment]
    transport = httpx.ASGITransport(app=create_app(hub, DoorOptions()))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            yield Asker(hub, client)
    finally:
        await hub.close()
