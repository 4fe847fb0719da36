"""The latest row of each key, as the events so far leave it."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from connectors.kit.rows import code_text
from connectors.spi import Column
from connectors.stream.declare import Events
from connectors.stream.events import Change, Row
from schema.errors import SourceError

_NAMED = frozenset({"ID", "String", "Int", "BigInt", "Boolean"})
"""Kinds whose canonical values are written in one way, so that rows are found by text."""


class View:
    """One table. Not for several threads: the event loop's own."""

    def __init__(self, events: Events, clock: Callable[[], float] = time.time) -> None:
        self.events = events
        self._clock = clock
        self._rows: dict[tuple[str, ...], Row] = {}
        self.last = 0
        """The stream's number of the last event."""
        self.made: object = None
        """Which stream it was: another one of that name begins anew."""
        self.read = asyncio.Event()
        """Set once the stream was read to its end."""
        self.heard = 0.0
        """Unix seconds of the last word of the server."""
        self.bad = 0
        """Messages that were no events of this table."""
        self._full = False

    def begin(self, made: object) -> None:
        """Forget everything: it is another stream."""
        self._rows, self._full, self.last = {}, False, 0
        self.made = made
        self.read.clear()

    def hear(self) -> None:
        """The server has spoken."""
        self.heard = self._clock()

    def apply(self, change: Change) -> None:
        """Take a change in."""
        key = tuple(map(_text, change.key))
        if change.row is None:
            self._rows.pop(key, None)
        elif key in self._rows or len(self._rows) < self.events.max_rows:
            self._rows[key] = change.row
        else:
            # fails closed: a row that is not held would be missing from every answer
            self._full = True

    def ready(self, max_silence: float) -> None:
        """Raises: `SourceError` while the view is not what the stream says."""
        if self._full:
            hint = "raise `max_rows`, or let the subject name fewer rows"
            raise SourceError("SCAN_TOO_LARGE", "the source has more rows than it may", hint=hint)
        if not self.read.is_set():
            raise SourceError("SOURCE_UNAVAILABLE", "the source is still being read")
        if self._clock() - self.heard > max_silence:
            raise SourceError("SOURCE_UNAVAILABLE", "the source did not answer")

    def rows(self) -> list[Row]:
        """Every row."""
        return list(self._rows.values())

    def of_keys(self, columns: Sequence[Column], keys: Sequence[tuple[Any, ...]]) -> list[Row]:
        """At least the rows of these keys; all where rows are not found by these columns."""
        wanted = {column.name: place for place, column in enumerate(columns)}
        if wanted.keys() != set(self.events.key) or any(
            column.kind not in _NAMED or column.values for column in columns
        ):
            return self.rows()
        places = [wanted[name] for name in self.events.key]
        texts = {tuple(_text(key[place]) for place in places) for key in keys if None not in key}
        return [row for text in texts if (row := self._rows.get(text)) is not None]

    def __len__(self) -> int:
        return len(self._rows)


def _text(value: Any) -> str:
    return unicodedata.normalize("NFC", code_text(value))
