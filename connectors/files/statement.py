"""A compiled Ask: the text for DuckDB, its parameters, what comes back."""

from __future__ import annotations

from typing import Literal

import msgspec

from connectors.files.bind import Slot
from connectors.spi import Ask


class Output(msgspec.Struct, frozen=True):
    """A column that comes back, canonical but for what Python still has to do."""

    name: str
    finish: Literal["none", "decimal", "json"] = "none"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A handle: the text, its parameters, what comes back, and what it was made from."""

    ask: Ask
    text: str
    slots: tuple[tuple[str, Slot], ...]
    outputs: tuple[Output, ...]
    natives: tuple[tuple[str, str], ...]
    """The columns' native types that the text relies on."""

    def __repr__(self) -> str:
        return self.text


class NotExactError(Exception):
    """DuckDB cannot carry this out exactly as the model defines it."""


def quoted(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
