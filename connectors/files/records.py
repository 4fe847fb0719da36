"""JSON Lines, and arrays of objects, as rows of text: numbers stay as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec

from connectors.files.formats import Table, bad_file, opened, unreadable
from schema.errors import SourceError

MAX_LINE = 16_000_000
"""Characters of one object."""
WHOLE_BYTES = 64_000_000
"""A file that is one array is held while it is read: up to this size."""
_MOST_COLUMNS = 2_000
_SKETCHED = 1_000
"""Objects that the columns are taken from before the rows are asked for."""

_MOST_DIGITS = 400
"""Of a number with an exponent, which is written out; a longer one is no value of any kind."""

_Object = dict[str, msgspec.Raw]
_OBJECT = msgspec.json.Decoder(_Object)
_ARRAY = msgspec.json.Decoder(list[_Object])
_TEXT = msgspec.json.Decoder(str)


def record_text(table: Table, files: Sequence[Path]) -> Iterator[list[str | None]]:
    """First the columns' names, then every object: texts and numbers as they are written, objects
    and arrays as JSON, null for what an object has not.

    Raises: `SourceError`.
    """
    names = record_columns(table, files)
    yield [*names]
    for found in _objects(table, files):
        yield [_text(found.get(name)) for name in names]


def record_columns(table: Table, files: Sequence[Path], *, sketch: bool = False) -> list[str]:
    """The keys of all objects as they come first, or (`sketch`) of the first ones.

    Raises: `SourceError`.
    """
    seen: dict[str, None] = {}
    for found in islice(_objects(table, files), _SKETCHED if sketch else None):
        if not found.keys() <= seen.keys():
            seen.update(dict.fromkeys(found))
            if len(seen) > _MOST_COLUMNS:
                raise bad_file(f"a file has more than {_MOST_COLUMNS} columns")
    if not seen:
        raise bad_file("a file has no objects")
    if len({name.lower() for name in seen}) < len(seen):
        raise bad_file("two keys of a file are one but for case")
    return list(seen)


def _objects(table: Table, files: Sequence[Path]) -> Iterator[_Object]:
    try:
        for file in files:
            yield from _of_file(table, file)
    except SourceError:
        raise
    except UnicodeError:
        raise bad_file(f"a file is not in the encoding {table.encoding}") from None
    except OSError:
        raise unreadable() from None
    except msgspec.DecodeError:
        raise bad_file("a file holds what is no JSON object") from None


def _of_file(table: Table, file: Path) -> Iterator[_Object]:
    with opened(table, file) as lines:
        while line := lines.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                raise bad_file("a line of a file is too long")
            held = line.strip()
            if held.startswith("["):
                if file.stat().st_size > WHOLE_BYTES:
                    raise bad_file("an array is too large: write one object a line")
                yield from _ARRAY.decode(line + lines.read())
                return
            if held:
                yield _OBJECT.decode(held)


def _text(value: msgspec.Raw | None) -> str | None:
    if value is None:
        return None
    held = bytes(value).decode()
    if held[0] == '"':
        return _TEXT.decode(held)
    if held == "null":
        return None
    if held[0] in "{[tf" or "e" not in held.lower():
        return held
    number = Decimal(held)
    return format(number, "f") if abs(number.adjusted()) <= _MOST_DIGITS else held
