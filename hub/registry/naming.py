"""GraphQL names from whatever a source calls its tables and columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from schema.compose.clash import DERIVED
from schema.compose.english import lower_first, plural, singular
from schema.compose.words import RESERVED_ENDINGS, RESERVED_FIELDS, RESERVED_ROOTS, RESERVED_TYPES

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_LONGEST = 100
POINTERS = frozenset({"id", "ids", "code", "key", "fk", "no", "num", "number", "uuid", "ref"})
_TABLE_MARKS = frozenset({"tbl", "tb"})


def words_of(name: str) -> list[str]:
    """The ASCII words of a name, in small letters: ``ID_Number2`` -> ``id number 2``."""
    return [word.lower() for word in _WORD.findall(name)]


def camel(words: list[str]) -> str:
    """``id number 2`` -> ``idNumber2``."""
    if not words:
        return ""
    return (words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:]))[:_LONGEST]


def loses(name: str) -> bool:
    """Whether a name holds letters that GraphQL has not, so that a title must keep it."""
    return any(not char.isascii() and char.isprintable() for char in name)


def type_name(table: str, number: int, taken: Collection[str]) -> str:
    """The entity type of a table: singular, capital first; `number` counts tables from 1."""
    words = words_of(table.rpartition(".")[2]) or words_of(table)
    if len(words) > 1 and words[0] in _TABLE_MARKS:
        words = words[1:]
    name = singular(camel(words)) if words else f"table{number}"
    name = name[:1].upper() + name[1:]
    if name[:1].isdigit():
        name = f"Table{name}"
    if name in RESERVED_TYPES or name.endswith(RESERVED_ENDINGS) or _companion(name, taken):
        name = f"{name}Record"
    return free(name, taken, lambda one: not any(f"{one}{end}" in taken for end in DERIVED))


def _companion(name: str, taken: Collection[str]) -> bool:
    """Whether another type's companion in GraphQL has this name, as ``PersonOrder`` beside
    ``Person``."""
    return any(name == f"{other}{ending}" for other in taken for ending in DERIVED)


def field_name(column: str, number: int, entity: str, taken: Collection[str]) -> str:
    """The field of a column; `number` counts columns from 1."""
    name = camel(words_of(column)) or f"column{number}"
    if name[0].isdigit():
        name = f"field{name}"
    if name == "id":
        name = f"{lower_first(entity)}Id"
    elif name in RESERVED_FIELDS:
        name = f"{name}Value"
    return free(name, taken)


def root_names(entity: str, taken: Collection[str]) -> tuple[str, str]:
    """Singular and plural root fields that meet no others."""
    one = lower_first(entity)
    if one in taken or one in RESERVED_ROOTS:
        one = free(f"{one}Record", taken)
    several = plural(one)
    if several == one or several in RESERVED_ROOTS or {several, f"{several}Aggregate"} & set(taken):
        several = f"{one}List"
    clear = {*taken, one}
    return one, free(several, clear, lambda name: f"{name}Aggregate" not in clear)


def relation_base(columns: tuple[str, ...], target: str) -> str:
    """What a foreign key calls its target: ``support_rep_id`` -> ``supportRep``."""
    if len(columns) == 1:
        words = words_of(columns[0])
        while len(words) > 1 and words[-1] in POINTERS:
            words = words[:-1]
        if words and words[-1] not in POINTERS and not words[0][0].isdigit():
            return camel(words)
    return lower_first(target)


def forward_name(base: str, target: str, taken: Collection[str]) -> str:
    """The relation to one: its base, or more where a field has that name."""
    if base not in taken and base not in RESERVED_FIELDS:
        return base
    ends_alike = base.lower().endswith(target.lower())
    return free(f"{base}Record" if ends_alike else f"{base}{target}", taken)


def reverse_name(
    *, child: str, base: str, many: bool, own: bool, usual: bool, taken: Collection[str]
) -> str:
    """The relation back: ``albums``; ``customersBySupportRep`` where the plain name is taken.

    `own`: a table that refers to itself; `usual`: the foreign key is called like its target,
    or is the only one from there.
    """
    if own and base == "parent" and "children" not in taken and many:
        return "children"
    name = plural(lower_first(child)) if many else lower_first(child)
    if usual and not own and name not in taken and name not in RESERVED_FIELDS:
        return name
    by = f"{name}By{base[:1].upper()}{base[1:]}"
    return free(by, taken)


def free(
    name: str, taken: Collection[str], also: Callable[[str], bool] = lambda name: bool(name)
) -> str:
    """The name, or the name with the first number that makes it free."""
    name = name[:_LONGEST]
    if name not in taken and also(name):
        return name
    number = 2
    while f"{name}{number}" in taken or not also(f"{name}{number}"):
        number += 1
    return f"{name}{number}"
