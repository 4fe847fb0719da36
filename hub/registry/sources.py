"""Registered sources: connectors made from declarations, opened, watched and closed."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import structlog

from connectors.spi import Connector
from hub.registry.deferred import Deferred
from hub.registry.kinds import Connect, connect_of
from hub.registry.vault import read_vault
from hub.settings.declared import VaultSettings
from schema.errors import HubError
from schema.model.binding import SourceDecl
from schema.model.names import SourceName

log = structlog.get_logger("hub.sources")

OPEN_TIMEOUT_S = 15.0
RETRY_S = 10.0
_PATHS = frozenset({"path"})
"""Entries of `connect` that name files."""
_GRAPHQL_PATHS = frozenset({"path", "schema"})
"""The same of `kind: graphql`; of a database, `schema` is a name."""
_REFERENCE = re.compile(r"\$\{(env|file|vault):([^}]+)\}")
_OWN = VaultSettings()
"""Vault where its own variables say."""


def resolver(
    folder: Path, vault: VaultSettings = _OWN, environ: Mapping[str, str] = os.environ
) -> Callable[[str], str]:
    """A function that puts secrets where references stand: ``${env:NAME}``, ``${file:PATH}``,
    ``${vault:MOUNT/PATH#KEY}``, for which it blocks.

    Raises, when called: `HubError` CONFIG_INVALID for a reference to nothing, SECRET_UNAVAILABLE.
    """

    def one(match: re.Match[str]) -> str:
        kind, name = match.group(1), match.group(2)
        if kind == "env":
            value = environ.get(name)
            if value is None:
                raise HubError(
                    "CONFIG_INVALID", f"the environment has no `{name}`",
                    hint="set it before the hub starts",
                )  # fmt: skip
            return value
        if kind == "vault":
            return read_vault(name, vault, environ)
        try:
            return (folder / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise HubError(
                "CONFIG_INVALID", "a secret's file cannot be read", where=name, cause=error
            ) from error

    return lambda text: _REFERENCE.sub(one, text)


def placed(decl: SourceDecl, folder: Path) -> SourceDecl:
    """The declaration with relative paths taken from the folder of its fragment."""
    names = _GRAPHQL_PATHS if decl.kind == "graphql" else _PATHS
    moved = {
        key: str(folder / path)
        for key, path in decl.connect.items()
        if key in names
        and isinstance(path, str)
        and "${" not in path
        and not Path(path).is_absolute()
    }
    if not moved:
        return decl
    return msgspec.structs.replace(decl, connect={**decl.connect, **moved})


class Sources:
    """The connectors of one hub; those that could not be opened are tried again."""

    def __init__(
        self, kinds: Callable[[str], Connect] = connect_of, vault: VaultSettings = _OWN
    ) -> None:
        self._kinds = kinds
        self._vault = vault
        self._held: dict[SourceName, tuple[SourceDecl, Connector]] = {}
        self._gone: list[Connector] = []
        self.open: dict[SourceName, Connector] = {}

    async def use(self, wanted: Mapping[SourceName, tuple[SourceDecl, Path]]) -> list[Connector]:
        """Connect what is new or changed; gives what is no longer used, for closing later.

        Raises: `HubError` for a declaration that no connector takes; nothing is changed then.
        """
        made: dict[SourceName, tuple[SourceDecl, Connector]] = {}
        for name, (decl, folder) in wanted.items():
            held = self._held.get(name)
            here = placed(decl, folder)
            if held is not None and held[0] == here:
                made[name] = held
            else:
                made[name] = (here, self._connector(here, folder))
        before = self._held
        self._held = made
        gone = [
            connector
            for name, (_, connector) in before.items()
            if name not in made or made[name][1] is not connector
        ]
        self._gone.extend(gone)
        self.open = {n: c for n, c in self.open.items() if n in made and made[n][1] is c}
        await self.open_missing()
        return gone

    def _connector(self, decl: SourceDecl, folder: Path) -> Connector:
        try:
            connect = self._kinds(decl.kind)
        except HubError as error:
            raise HubError(
                error.code, error.message, where=decl.name, hint=error.hint, cause=error
            ) from error
        resolve = resolver(folder, self._vault)
        if "${vault:" in repr((decl.connect, decl.tables)):
            # Vault may be away when the hub starts: the source then opens later, like any other
            deferred = Deferred(decl.name, lambda: connect(decl, resolve))
            return cast("Connector", deferred)
        return connect(decl, resolve)

    async def open_missing(self) -> bool:
        """Open what is not open; whether any was."""
        missing = [
            (name, connector)
            for name, (_, connector) in self._held.items()
            if name not in self.open
        ]
        if not missing:
            return False
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(_opened(name, one)) for name, one in missing]
        for (name, connector), tried in zip(missing, tries, strict=True):
            if tried.result():
                self.open[name] = connector
        return any(tried.result() for tried in tries)

    def every(self) -> dict[SourceName, tuple[SourceDecl, Connector | None]]:
        """Each source's declaration, and its connector if it is open."""
        return {name: (decl, self.open.get(name)) for name, (decl, _) in self._held.items()}

    @property
    def missing(self) -> tuple[SourceName, ...]:
        """Sources that are not open."""
        return tuple(name for name in self._held if name not in self.open)

    async def let_go(self, gone: Sequence[Connector]) -> None:
        """Close what `use` gave back."""
        for connector in gone:
            await close_quietly(connector)
            self._gone.remove(connector)

    async def close(self) -> None:
        """Close everything, also what was given back and not let go yet."""
        for connector in (*(connector for _, connector in self._held.values()), *self._gone):
            await close_quietly(connector)
        self._held, self.open, self._gone = {}, {}, []


async def _opened(name: SourceName, connector: Connector) -> bool:
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await connector.open()
    except (HubError, TimeoutError) as error:
        code = error.code if isinstance(error, HubError) else None
        log.warning("source.not_open", source=name, kind=type(error).__name__, code=code)
        return False
    except Exception as error:
        # a connector may be anybody's code; the others must open all the same
        log.exception("source.failed", source=name, kind=type(error).__name__)
        return False
    return True


async def close_quietly(connector: Connector) -> None:
    """Close a connector; a failure is logged, nothing waits for it."""
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await connector.close()
    except Exception as error:  # noqa: BLE001 - nothing is left to do with a closed source
        log.warning("source.not_closed", kind=type(error).__name__)


async def retry_missing(sources: Sources, plan_anew: Callable[[], Awaitable[None]]) -> None:
    """Open again and again what is away."""
    while True:
        await asyncio.sleep(RETRY_S)
        try:
            if sources.missing and await sources.open_missing():
                # plans made while a source was away say so: they are made anew
                await plan_anew()
        except Exception as error:
            # what stays away is asked for again; the pipeline in use goes on without it
            log.exception("sources.failed", kind=type(error).__name__)
