"""Who takes a step at the command line is who their credentials say, as at the doors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.load import load_environment, read_text
from schema.errors import HubError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.loading import Loaded
    from hub.settings import Settings
    from policies.ruling import PolicyEngine
    from schema.model.subject import Subject

CREDENTIALS = click.option(
    "--credentials",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with your token or key, as you would show it to the hub.",
)


class AtHub:
    """A configuration's hub as somebody stands before it."""

    def __init__(self, settings: Settings, engine: Engine, loaded: Loaded, who: Subject) -> None:
        self.settings = settings
        self.engine = engine
        self.loaded = loaded
        self.who = who

    def rules(self) -> PolicyEngine:
        """What decides now. Raises: `HubError`."""
        import time

        from hub.loading import engine_of
        from hub.rollout.active import rules_in_force

        loaded = self.loaded
        if self.settings.release.required:
            loaded = rules_in_force(self.engine, self.settings, loaded, time.time())[0]
        return engine_of(loaded, self.settings, 1)


@contextmanager
def at_hub(config: Path, credentials: Path) -> Iterator[AtHub]:
    """The hub, and who holds the credentials. Raises: `HubError`, UNAUTHENTICATED among them."""
    import time

    from hub.callers import callers_of
    from hub.registration.ground import load
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine
    from hub.store.once import StoredOnce
    from hub.store.secret import shared_secret

    load_environment(config)
    settings = read_settings(config)
    token = read_text(credentials).strip()
    Path(settings.state.directory).mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.state.database_url)
    try:
        migrate(engine)
        loaded = load(settings, rules=not settings.release.required, engine=engine)
        once = StoredOnce(engine, wait_s=settings.audit.wait_s, clock=time.time)
        try:
            callers = callers_of(
                settings, engine, issuer=None, scheme=loaded.packs.scheme, once=once,
                secret=shared_secret(Path(settings.state.directory)), clock=time.time,
            )  # fmt: skip
            who = asyncio.run(callers.identifier.identify("bearer", token))
        finally:
            once.close()
        yield AtHub(settings, engine, loaded, who)
    except HubError as error:
        if error.code != "UNAUTHENTICATED":
            raise
        hint = "write a token that is still good into the file, or an API key"
        raise HubError(error.code, error.message, hint=hint) from error
    finally:
        engine.dispose()
