"""What is in force: files, registered sources and rules together, and what else would be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from hub.loading import Loaded, Registered, engine_of, load_files
from hub.registration.approval import check_approved, named
from hub.rollout.active import rules_in_force
from hub.rollout.floor import check_kept
from hub.rollout.floors import SignedFloors
from hub.rollout.signer import read_signers
from hub.settings import Settings
from hub.store.engine import migrate, open_engine
from hub.store.registrations import NOTHING, Published, Version, in_force
from schema.errors import HubError


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The registered sources in force."""

    published: Published
    registered: Mapping[str, Registered]
    """Source -> its text."""


NONE = Held(published=NOTHING, registered={})


def read_held(engine: Engine, settings: Settings) -> Held:
    """What the database says is in force, as far as officers have approved it; blocking.

    Raises: `HubError` REGISTRY_UNAVAILABLE, REGISTRATION_INVALID.
    """
    published, found = in_force(engine)
    signers = read_signers(settings.release)
    for version, text in found:
        # fails closed: whoever can write to the database does not serve what nobody approved
        check_approved(version, text, signers)
        if version.state != "published":
            raise HubError("REGISTRY_UNAVAILABLE", "the registered sources cannot be read")
    return Held(
        published=published,
        registered={version.source: registered(version, text) for version, text in found},
    )


def registered(version: Version, text: str) -> Registered:
    """A version as it is loaded."""
    return Registered(path=named(version), text=text)


def load(settings: Settings, *, rules: bool = True, engine: Engine | None = None) -> Loaded:
    """The files of the settings with the registered sources; as `hub.loading.load_files`.

    Without `engine` the hub's database is opened for it. Raises: `HubError`.
    """
    return load_held(settings, rules=rules, engine=engine)[0]


def load_held(
    settings: Settings, *, rules: bool = True, engine: Engine | None = None
) -> tuple[Loaded, int]:
    """As `load`, with the number of the publication."""
    if not settings.registry.enabled:
        return load_files(settings, rules=rules), 0
    if engine is not None:
        return _load_held(engine, settings, rules=rules)
    opened = open_engine(settings.state.database_url)
    try:
        migrate(opened)
        return _load_held(opened, settings, rules=rules)
    finally:
        opened.dispose()


def _load_held(engine: Engine, settings: Settings, *, rules: bool) -> tuple[Loaded, int]:
    held = read_held(engine, settings)
    found = tuple(held.registered.values())
    return load_files(settings, rules=rules, registered=found), held.published.number


class Ground:
    """One look at what is in force, and what would be with other registered sources; blocking."""

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises: `HubError` where what is in force cannot be read or does not fit."""
        self._engine = engine
        self.settings = settings
        self._now = clock()
        self.held = read_held(engine, settings)
        self.loaded = self._loaded(tuple(self.held.registered.values()))

    def with_source(self, version: Version, text: str) -> Loaded:
        """With a version in the place of what is published of its source.

        Raises: `ManyErrors` with every problem, each with file:line:column.
        """
        return self._fitting(self.composed(version, text))

    def composed(self, version: Version, text: str) -> Loaded:
        """As `with_source`, whether the rules in force fit or not."""
        texts = {**self.held.registered, version.source: registered(version, text)}
        return self._loaded(tuple(texts.values()))

    def without(self, source: str) -> Loaded:
        """Without a source. Raises: `ManyErrors`."""
        kept = {name: one for name, one in self.held.registered.items() if name != source}
        return self._fitting(self._loaded(tuple(kept.values())))

    def check_fits(self, loaded: Loaded) -> None:
        """That workers will take it up: the rules in force fit, and owners' floors are kept.

        Raises: `ManyErrors` POLICY_INVALID; `HubError` FLOOR_LOWERED, RELEASE_INVALID.
        """
        engine_of(loaded, self.settings, 1)
        release = self.settings.release
        if release.required:
            home = Path(self.settings.state.directory)
            floors = SignedFloors(self._engine, release, read_signers(release), home).read()
            check_kept(floors, loaded.catalogue, loaded.packs, loaded.places)

    def _fitting(self, loaded: Loaded) -> Loaded:
        self.check_fits(loaded)
        return loaded

    def _loaded(self, texts: Sequence[Registered]) -> Loaded:
        signed = self.settings.release.required
        loaded = load_files(self.settings, rules=not signed, registered=texts)
        if not signed:
            return loaded
        return rules_in_force(self._engine, self.settings, loaded, self._now)[0]
