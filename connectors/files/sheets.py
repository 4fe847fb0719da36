"""Excel sheets as rows of text, streamed: whole numbers without a fraction, times in ISO form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.files.formats import Table, bad_file, distinct, unreadable
from schema.errors import HubError
from schema.model.scalar import canonical

QUICK_BYTES = 24_000_000
"""Up to this size a workbook goes through calamine, which is quick but holds the sheet; a larger
one is streamed by openpyxl."""
_ERRORS = frozenset(
    {"#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"}
)


def sheet_names(path: Path) -> list[str]:
    """The names of a workbook's sheets; raises `SourceError`."""
    try:
        if _quick(path):
            import python_calamine

            with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
                return list(book.sheet_names)
        import openpyxl

        held = openpyxl.load_workbook(path, read_only=True, data_only=True)
        names = list(held.sheetnames)
        held.close()
        return names
    except OSError:
        raise unreadable() from None
    except Exception:  # noqa: BLE001 - a damaged workbook makes the readers raise anything
        raise bad_file("a workbook cannot be read") from None


def sheet_text(table: Table) -> Iterator[list[str | None]]:
    """First the columns' names, then every row that is not empty, as wide as the names.

    Raises: `SourceError`.
    """
    try:
        yield from _rows(table, _cells(table))
    except HubError:
        raise
    except OSError:
        raise unreadable() from None
    except Exception:  # noqa: BLE001 - a damaged workbook makes the readers raise anything
        raise bad_file("a sheet cannot be read") from None


def _quick(path: Path) -> bool:
    return path.suffix.lower() not in (".xlsx", ".xlsm") or path.stat().st_size <= QUICK_BYTES


def _cells(table: Table) -> Iterator[tuple[Any, ...] | list[Any]]:
    path = Path(table.path)
    if _quick(path):
        import python_calamine

        with python_calamine.CalamineWorkbook.from_path(table.path) as book:
            sheet = book.get_sheet_by_name(_wanted(table, book.sheet_names))
            if sheet.start is not None:
                left = [None] * sheet.start[1]  # columns before the first cell are not given
                for row in sheet.iter_rows():
                    yield [*left, *row]
        return
    import openpyxl

    held = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        yield from held[_wanted(table, held.sheetnames)].iter_rows(values_only=True)
    finally:
        held.close()


def _wanted(table: Table, names: Sequence[str]) -> str:
    if not names or (table.sheet is not None and table.sheet not in names):
        raise bad_file("a workbook has no such sheet")
    return table.sheet or names[0]


def _rows(table: Table, cells: Iterator[tuple[Any, ...] | list[Any]]) -> Iterator[list[str | None]]:
    for _ in range(table.header - 1):
        next(cells, None)
    first = next(cells, None)
    if first is None:
        raise bad_file("a sheet has no header")
    texts = [cell_text(cell) for cell in first]
    while texts and texts[-1] is None:
        texts.pop()
    if not texts:
        raise bad_file("a sheet has no header")
    width = len(texts)
    if table.header:
        yield [*distinct(texts)]
    else:
        yield [f"column{n}" for n in range(1, width + 1)]
        yield texts
    for row in cells:
        made = [cell_text(cell) for cell in row[:width]]
        if any(cell is not None for cell in made):
            yield made + [None] * (width - len(made))


def cell_text(cell: Any) -> str | None:
    """A cell as text; empty cells and errors are null."""
    if cell is None or cell == "":
        return None
    match cell:
        case str():
            return None if cell in _ERRORS else cell
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return str(int(cell)) if cell.is_integer() else str(canonical("Decimal", cell))
        case dt.datetime():
            text = cell.isoformat()
            return text.removesuffix("T00:00:00")
        case dt.timedelta():
            return str(canonical("Decimal", cell / dt.timedelta(days=1)))
        case dt.date() | dt.time():
            return cell.isoformat()
        case _:
            return str(cell)
