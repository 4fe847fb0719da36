"""Kinds of sources: those that come with the hub, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from connectors.spi import Connector
from schema.errors import HubError
from schema.model.binding import SourceDecl

Connect = Callable[[SourceDecl, Callable[[str], str]], Connector]

BUILT_IN = ("files", "graphql", "hub", "rest", "soap", "sql", "stream")
"""Each a package of `connectors` with `connect` in its module `connector`."""
GROUP = "governed_data_hub.connectors"
"""The entry points of packages: a kind's name, and its ``connect``."""


def known_kinds() -> tuple[str, ...]:
    """The kinds that a fragment may name here, sorted."""
    return tuple(sorted({*BUILT_IN, *(found.name for found in entry_points(group=GROUP))}))


def connect_of(kind: str) -> Connect:
    """What makes connectors of a kind; imported when it is first asked for.

    Raises: `HubError` CONFIG_INVALID for a kind that nobody brings, two packages bring, or
    whose package cannot be imported.
    """
    if kind in BUILT_IN:
        # a package cannot take the place of one of these
        made: Connect = import_module(f"connectors.{kind}.connector").connect
        return made
    found = list(entry_points(group=GROUP, name=kind))
    if not found:
        hint = f"known kinds: {', '.join(known_kinds())}; others come with an installed package"
        raise HubError("CONFIG_INVALID", f"no connector for kind `{kind}`", hint=hint)
    if len(found) > 1:
        hint = "uninstall all but one of the packages that bring it"
        raise HubError("CONFIG_INVALID", f"two packages bring the kind `{kind}`", hint=hint)
    return _loaded(kind, found[0].load)


def _loaded(kind: str, load: Callable[[], Any]) -> Connect:
    try:
        made: Connect = load()
    except Exception as error:
        # anybody's code: whatever it raises when imported, the hub says what is wrong and goes on
        raise HubError(
            "CONFIG_INVALID", f"the connector for kind `{kind}` cannot be imported",
            hint="import its module in Python to see why", cause=error,
        ) from error  # fmt: skip
    if not callable(made):
        hint = "let the entry point name its `connect`"
        raise HubError("CONFIG_INVALID", f"the connector for kind `{kind}` is none", hint=hint)
    return made
