"""A hub's folder with rules of early warning, a record to write into and a clock to move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from hub.audit.entry import Entry, encoder
from hub.audit.link import link
from hub.loading import engine_of, load_files
from hub.settings import Settings
from hub.store.engine import migrate, open_engine
from hub.store.ledger import open_ledger
from hub.store.warnings import Warned, Warnings
from hub.warning.watch import WarningWatch
from policies.engine import Engine as Rules
from tests.hub.audit.chains import entry
from tests.hub.rollout.office import Office

BEGIN = 1_782_693_000.0
"""Monday, 2026-06-29 08:30 in China, which is a working day."""
OFFICER = "owner: {duty: security-officer}"
TEAM = (
    "owner: {app: benefits, department: human-resources, clearance: {plain: restricted}, "
    "purpose: benefits}"
)


class Outlook:
    """One hub's record and its watch."""

    def __init__(self, home: Path, *, url: str | None = None) -> None:
        self.office = Office(home, required=False)
        self.home = home
        self.now = BEGIN
        self.url = url
        self.configure()
        self.engine: Engine = open_engine(url or f"sqlite:///{home / 'state.sqlite'}")
        migrate(self.engine)
        self.rules: Rules | None = self.in_force()
        self.watch = self.worker()

    def configure(self, more: str = "", settings: str = "") -> None:
        """Write the configuration anew."""
        self.office.configure(required=False)
        config = self.home / "hub.yaml"
        config.write_text(
            config.read_text().replace('"drafts/*.yaml"', '"drafts/rules.yaml"')
            + 'packs: ["cn", "plain"]\n'
            + f"state: {{url: '{self.url or f'sqlite:///{self.home}/state.sqlite'}'}}\n"
            + f"warnings:\n  enabled: true\n  rules: ['{self.home}/warn*.yaml']\n{more}"
            + settings
        )

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @property
    def settings(self) -> Settings:
        return self.office.settings

    def in_force(self) -> Rules:
        """The policies of the files, as they are now."""
        return engine_of(load_files(self.settings), self.settings, 1)

    def worker(self) -> WarningWatch:
        """Another worker on the same database."""
        return WarningWatch(self.settings, self.engine, lambda: self.rules, clock=lambda: self.now)

    def rule(self, text: str) -> None:
        """The rules from now on."""
        (self.home / "warn.yaml").write_text(text)

    def record(self, *entries: Entry) -> None:
        """Put entries on record."""
        with closing(open_ledger(self.engine)) as ledger:
            ledger.append([encoder.encode(one).decode() for one in entries], link)

    def asked(self, count: int, *, at: float | None = None, **changes: object) -> None:
        """Put as many like entries on record, now or at a moment."""
        moment = self.now if at is None else at
        self.record(*(entry(ts=moment, rows={}, **changes) for _ in range(count)))

    async def turn(self, later: float = 0.0) -> None:
        """Move the clock, and let the worker do its work."""
        self.now += later
        assert await self.watch.turn()

    async def begin(self) -> None:
        """The first turn, from which on is told what comes."""
        await self.turn()

    @property
    def told(self) -> Sequence[Warned]:
        """The warnings, the earliest first."""
        return tuple(reversed(Warnings(self.engine).listed()))


@pytest.fixture
def outlook(tmp_path: Path) -> Iterator[Outlook]:
    made = Outlook(tmp_path)
    yield made
    made.close()


def fields(*uses: str) -> msgspec.Raw:
    """As an entry has them, of uses written `mode element`."""
    rows = [[use.partition(" ")[2], use.partition(" ")[0], "allow", ["r1"]] for use in uses]
    return msgspec.Raw(msgspec.json.encode(rows))
