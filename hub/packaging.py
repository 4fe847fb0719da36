"""The rooms are our own: their names are those of other distributions too."""

from __future__ import annotations

from pathlib import Path

import auth
import connectors
import policies
import schema
from schema.errors import HubError


def guard_names() -> None:
    """Refuse to run when another distribution's `schema`, `auth`, ... is imported instead of ours.

    Raises: `HubError` CONFIG_INVALID.
    """
    home = Path(__file__).resolve().parent.parent
    for package in (schema, connectors, policies, auth):
        places = [Path(place).resolve().parent for place in package.__path__]
        if home not in places:
            raise HubError(
                "CONFIG_INVALID", f"another package named `{package.__name__}` is in the way",
                hint="install the hub into an environment of its own",
            )  # fmt: skip
