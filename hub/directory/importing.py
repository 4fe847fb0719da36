"""A file of the directory: YAML with everything in it, taken whole or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hub.directory.entry import App, Department, DutyItem, Entry, Person
from hub.directory.keeping import Wish
from schema.compose.positions import Block, Row, YamlProblem, parse, plain
from schema.errors import HubError, ManyErrors

_PARTS: dict[str, type[Entry]] = {
    "departments": Department,
    "apps": App,
    "persons": Person,
    "duty_items": DutyItem,
}
_MOST_BYTES = 20_000_000
_MOST = 100_000


def read_wishes(file: Path) -> tuple[Wish, ...]:
    """The entries of a file, with places.

    Raises: `ManyErrors` DIRECTORY_INVALID with every problem, each with ``file:line:column``.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            hint = f"at most {_MOST_BYTES // 1_000_000} MB; import it in parts"
            raise HubError("DIRECTORY_INVALID", "the file is too large", where=str(file), hint=hint)
        tree = parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        message = "the file cannot be read"
        raise HubError("DIRECTORY_INVALID", message, where=str(file), cause=error) from error
    except YamlProblem as problem:
        where = f"{file}:{problem.at.line}:{problem.at.column}"
        raise HubError(
            "DIRECTORY_INVALID", problem.message, where=where, hint=problem.hint
        ) from None
    if not isinstance(tree, Block):
        hint = f"write {', '.join(f'`{one}:`' for one in _PARTS)} with lists below"
        raise HubError("DIRECTORY_INVALID", "not a directory", where=str(file), hint=hint)
    wishes: list[Wish] = []
    problems: list[HubError] = []
    for key, (at, node) in tree.entries.items():
        kind, where = _PARTS.get(key), f"{file}:{at.line}:{at.column}"
        if kind is None or not isinstance(node, Row):
            hint = f"lists below {', '.join(f'`{one}:`' for one in _PARTS)}"
            problems.append(
                HubError("DIRECTORY_INVALID", f"not a part: `{key[:80]}`", where=where, hint=hint)
            )
            continue
        for item in node.items:
            where = f"{file}:{item.at.line}:{item.at.column}"
            try:
                entry: Entry = msgspec.convert(plain(item), kind, strict=False)
            except msgspec.ValidationError as error:
                problems.append(HubError("DIRECTORY_INVALID", _said(error), where=where))
                continue
            wishes.append(Wish(entry=entry, where=where))
    if len(wishes) > _MOST:
        hint = f"at most {_MOST:,}; import it in parts"
        problems.append(
            HubError("DIRECTORY_INVALID", "too many entries", where=str(file), hint=hint)
        )
    if problems:
        raise ManyErrors("DIRECTORY_INVALID", problems)
    return tuple(wishes)


def _said(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:200].replace("\n", " ")
