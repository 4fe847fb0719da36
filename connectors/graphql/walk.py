"""Walking a list page by page, to its very end or to an error: never to a short answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import get_named_type

from connectors.graphql.document import Argument, Field, Tree, argument, put, request, selection
from connectors.graphql.exchange import Exchange
from connectors.graphql.schema import Served
from connectors.graphql.tables import ListField, Paging, found_at, path_of
from connectors.http.rows import bad
from schema.errors import SourceError

MAX_ROWS = 100_000
MAX_PAGES = 5_000
MAX_BYTES = 128_000_000
Row = Mapping[str, Any]


def pointed(pointer: str) -> tuple[str, ...]:
    """The fields of a JSON pointer; none of an empty one."""
    return path_of(pointer) if pointer else ()


def list_selection(served: Served, listed: ListField, row: Tree) -> str:
    """What is selected of a list: rows, and what its paging needs."""
    assert served.query is not None  # noqa: S101 - invariant: checked when opened
    tree: Tree = {}
    put(tree, (*pointed(listed.items), *pointed(listed.row)), row)
    paging = listed.paging
    if paging.kind == "cursor":
        put(tree, pointed(paging.next), {})
        if paging.more is not None:
            put(tree, pointed(paging.more), {})
    if paging.total is not None:
        put(tree, pointed(paging.total), {})
    return selection(composite_of(served, tuple(listed.field.split("."))), tree)


def composite_of(served: Served, path: tuple[str, ...]) -> Any:
    """The object type that a query field gives; raises ``SOURCE_BAD_DATA``."""
    try:
        return get_named_type(served.below(served.query, path))  # type: ignore[arg-type]
    except KeyError:
        raise bad("the source has no field as it is declared") from None


async def read_list(
    exchange: Exchange,
    served: Served,
    listed: ListField,
    chosen: str,
    arguments: Sequence[Argument],
    deadline: float,
    distinct: Sequence[str] = (),
) -> list[Row]:
    """Every row of a list; no two have the same values in the columns of `distinct`.

    Raises: ``SCAN_TOO_LARGE`` at a bound; ``SOURCE_BAD_DATA`` for a list that repeats itself or
    ends early.
    """
    path, paging = tuple(listed.field.split(".")), listed.paging
    fixed = [argument(served, path, name, value) for name, value in listed.args.items()]
    fixed += arguments
    if paging.size is not None:
        fixed.append(argument(served, path, paging.size, paging.max))
    rows: list[Row] = []
    seen: set[Any] = set()
    at: Any = paging.first if paging.kind == "page" else None
    keys: set[Any] = set()
    weight = 0
    for number in range(MAX_PAGES):
        extra = [] if at is None else [argument(served, path, getattr(paging, paging.kind), at)]
        text, variables = request([Field(path=path, arguments=(*fixed, *extra), selection=chosen)])
        data, size = await exchange.weighed(text, variables, deadline)
        weight += size
        held = value_at(data, ("r0", *path[1:]))
        items = rows_of(held, listed.items, listed.row)
        rows += items
        if len(rows) > MAX_ROWS or weight > MAX_BYTES:
            raise too_large()
        _twice(items, distinct, keys)
        following = _following(paging, held, items, rows, number)
        if following is None:
            if (total := _total(paging, held)) is not None and len(rows) < total:
                raise bad("the source sent fewer rows than it says there are")
            return rows
        if following in seen:
            raise bad("the source sends one page again and again", "compare `paging` with it")
        seen.add(following)
        at = following
    raise too_large()


def _twice(items: Sequence[Row], distinct: Sequence[str], keys: set[Any]) -> None:
    """Rows that move while a list is read come twice, and others are then missed."""
    for row in items if distinct else ():
        key = tuple(str(value_at(row, path_of(column))) for column in distinct)
        if key in keys:
            raise bad("the source sent one row twice", "it needs an order that does not change")
        keys.add(key)


def too_large() -> SourceError:
    """A bound is reached: what has been read is not the whole."""
    return SourceError(
        "SCAN_TOO_LARGE", "the source would have to be read whole",
        hint="filter by something the source can filter by",
    )  # fmt: skip


def value_at(value: Any, path: tuple[str, ...]) -> Any:
    """As `found_at`; raises ``SOURCE_BAD_DATA`` where what was asked is not there."""
    try:
        return found_at(value, path)
    except (KeyError, TypeError):
        raise bad("the source left out what it was asked for") from None


def rows_of(held: Any, items: str, row: str) -> list[Row]:
    """The objects of an array; a null among them is no row."""
    array = value_at(held, pointed(items))
    if array is None:
        return []
    if not isinstance(array, list):
        raise bad("the source sent no list", "compare `items` with its schema")
    inner = pointed(row)
    found = [value_at(one, inner) for one in array if one is not None]
    if not all(one is None or isinstance(one, dict) for one in found):
        raise bad("the source sent no list of objects", "compare `items` and `row` with its schema")
    return [one for one in found if one is not None]


def _following(
    paging: Paging, held: Any, items: Sequence[Row], rows: Sequence[Row], number: int
) -> Any:
    """What to ask next: the value of an argument."""
    match paging.kind:
        case "none":
            return None
        case "page" | "offset":
            total = _total(paging, held)
            if not items or (total is not None and len(rows) >= total):
                return None
            return paging.first + number + 1 if paging.kind == "page" else len(rows)
        case "cursor":
            return _cursor(paging, held)


def _cursor(paging: Paging, held: Any) -> Any:
    cursor = value_at(held, pointed(paging.next))
    if paging.more is not None:
        more = value_at(held, pointed(paging.more))
        if not isinstance(more, bool):
            raise bad("the source does not say whether there is more", "compare `more` with it")
        if not more:
            return None
        if cursor is None:
            raise bad("the source has more, but says no cursor")
    if cursor is None or cursor == "":
        return None
    if not isinstance(cursor, str | int) or isinstance(cursor, bool):
        raise bad("the source sent a broken cursor")
    return cursor


def _total(paging: Paging, held: Any) -> int | None:
    if paging.total is None:
        return None
    total = value_at(held, pointed(paging.total))
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise bad("the source does not say how many rows there are", "compare `total` with it")
    return total
