"""A light look at a live source: does it hold what a fragment says, and of the kinds it says?

A few rows of each table are read and thrown away; no value is told anywhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path

import structlog

from connectors.spi import Ask, Batch, Call, Column, Connector
from hub.loading import Loaded
from hub.registration.report import Finding
from hub.registry.kinds import connect_of
from hub.registry.sources import close_quietly, placed, resolver
from hub.settings import Settings
from hub.settings.declared import VaultSettings
from schema.errors import HubError
from schema.model.binding import SourceDecl, TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.names import SourceName
from schema.model.scalar import canonical

log = structlog.get_logger("hub.registration")

ROWS = 5
"""Rows of each table that are looked at."""


async def probe(
    loaded: Loaded, source: SourceName, places: Mapping[str, str], settings: Settings
) -> tuple[Finding, ...]:
    """What is not as the catalogue says. `places`: type -> where it is written.

    Cost: one connection, and one small fetch for each table; at most `registry.probe_s` for all.
    """
    decl, folder = loaded.sources[source]
    where, seconds = places.get(""), settings.registry.probe_s
    try:
        connector = await asyncio.to_thread(_connector, decl, folder, settings.vault)
    except HubError as error:
        return (_failed(error, "the source cannot be reached", where),)
    try:
        async with asyncio.timeout(seconds):
            await connector.open()
            health = await connector.probe()
        if not health.ok:
            unwell = HubError(health.code or "SOURCE_UNAVAILABLE", "it says so itself")
            return (_failed(unwell, "the source is not well", where),)
        async with asyncio.timeout(seconds):
            return tuple(await _tables(connector, loaded.catalogue, source, places, seconds))
    except (HubError, TimeoutError) as error:
        return (_failed(error, "the source cannot be reached", where),)
    except Exception as error:
        # a connector may be anybody's code; the check itself goes on
        log.exception("source.failed", source=source, kind=type(error).__name__)
        return (_failed(None, "the source's connector failed", where),)
    finally:
        await close_quietly(connector)


def _connector(decl: SourceDecl, folder: Path, vault: VaultSettings) -> Connector:
    here = placed(decl, folder)
    return connect_of(here.kind)(here, resolver(folder, vault))


async def _tables(
    connector: Connector,
    catalogue: Catalogue,
    source: SourceName,
    places: Mapping[str, str],
    seconds: float,
) -> list[Finding]:
    found = []
    for binding in _bindings(catalogue, source):
        where = places.get(binding.type, places.get(""))
        what = f"the table of `{binding.type}`"
        if not connector.capabilities.scans:
            message = f"{what} is not looked at: it answers by key only"
            found.append(_note(message, where))
            continue
        try:
            async with asyncio.timeout(seconds):
                batch = await _rows(connector, binding, seconds)
        except (HubError, TimeoutError) as error:
            found.append(_failed(error, f"{what} does not answer as declared", where))
            continue
        except Exception as error:
            log.exception("source.failed", source=source, kind=type(error).__name__)
            found.append(_failed(None, f"{what} made the source's connector fail", where))
            continue
        found += _odd(batch, binding, where)
        if not batch.rows:
            found.append(_note(f"{what} holds no row, so its values were not looked at", where))
    return found


async def _rows(connector: Connector, binding: TypeBinding, seconds: float) -> Batch:
    held = {one.column: one for one in binding.columns.values()}
    columns = tuple(
        Column(name, one.kind, tuple(sorted(one.values.items()))) for name, one in held.items()
    )
    able = connector.capabilities
    ask = Ask(table=binding.table, columns=columns, limit=ROWS if able.limits else None)
    offer = connector.offer(ask)
    call = Call(deadline=time.monotonic() + seconds, operation_id="check")
    batches: AsyncIterator[Batch] = connector.fetch(offer.handle, call)
    async with aclosing(batches) as held_open:  # type: ignore[type-var]
        async for batch in held_open:
            return batch
    return Batch({}, 0)


def _odd(batch: Batch, binding: TypeBinding, where: str | None) -> Iterator[Finding]:
    """Columns that are not there, or whose values are of another kind."""
    for field, column in sorted(binding.columns.items()):
        at = f"`{binding.type}.{field}`"
        values = batch.columns.get(column.column)
        if values is None:
            if batch.rows:
                yield _failed(None, f"the source does not give the column of {at}", where)
            continue
        try:
            for value in values[:ROWS]:
                if value is not None and canonical(column.kind, value) != value:
                    raise ValueError
        except ValueError:
            yield _failed(None, f"the values of {at} are not of kind `{column.kind}`", where)


def _bindings(catalogue: Catalogue, source: SourceName) -> list[TypeBinding]:
    return [held[source] for _, held in sorted(catalogue.bindings.items()) if source in held]


def _failed(error: BaseException | None, message: str, where: str | None) -> Finding:
    """A finding in our own words: a source's text may hold anything."""
    code, hint = "SOURCE_BAD_DATA", "let the fragment say what the source holds"
    if isinstance(error, TimeoutError):
        code, hint = "SOURCE_TIMEOUT", "see whether the source answers, and `registry.probe_s`"
    elif isinstance(error, HubError):
        code, hint = error.code, error.hint or f"see `{error.code}` in the list of errors"
        message = f"{message}: {error.message}"
    return Finding(
        kind="probe", severity="error", code=code, message=message, where=where, hint=hint
    )


def _note(message: str, where: str | None) -> Finding:
    return Finding(
        kind="probe", severity="note", code="SOURCE_BAD_DATA", message=message, where=where
    )
