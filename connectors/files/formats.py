"""What a table is read from: its files, their format and how they are written."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

import msgspec

from schema.errors import HubError, SourceError

Format = Literal["csv", "parquet", "excel", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
FOLDER_SUFFIXES = frozenset(SUFFIXES) - {".txt", ".json"}
"""Files that count as tables when a folder is looked through."""
_DELIMITERS = ",;\t|"
_CSV_OPTIONS = frozenset({"delimiter", "encoding", "header", "quote", "null"})
_OPTIONS = _CSV_OPTIONS | {"path", "format", "sheet", "about", "partitions"}
_UTF8 = frozenset({"utf-8", "utf-8-sig", "ascii"})
_HEADER_BYTES = 1 << 20
_MAX_FILES = 10_000

Stamp = tuple[tuple[str, int, int, int], ...]
"""For each file: path, time of change, time of status change (ns), size."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Where one table's rows are and how they are written."""

    name: str
    path: str
    """A file, or a pattern where there is one."""
    format: Format
    folder: str
    pattern: str | None = None
    """For CSV, JSON and Parquet: the files below `folder`; ``**`` stands for folders."""
    partitions: bool = False
    """Folders named ``column=value`` are columns of what lies in them (Parquet)."""
    sheet: str | None = None
    delimiter: str | None = None
    """``None``: the one that the header uses most."""
    encoding: str = "utf-8"
    header: int = 1
    """The row that names the columns, from 1; 0 = none: they are ``column1``, ``column2`` ..."""
    quote: str = '"'
    null: str = ""
    """Unquoted text that means null."""
    declared: bool = True
    """The fragment describes it; else it was found in the folder."""


def describe(name: str, folder: Path, detail: Any) -> Table:
    """A table from what the fragment says of it; raises ``CONFIG_INVALID``."""
    if detail is None:
        detail = {}
    if isinstance(detail, str):
        detail = {"path": detail}
    if not isinstance(detail, Mapping):
        raise _invalid(name, "is not a mapping", "say `{path: FILE}`")
    unknown = sorted(set(map(str, detail)) - _OPTIONS)
    if unknown:
        known = ", ".join(sorted(_OPTIONS))
        raise _invalid(name, f"has an unknown option `{unknown[0]}`", f"known: {known}")
    path, _, sheet = str(detail.get("path", name)).partition("#")
    kind = detail.get("format") or SUFFIXES.get(Path(path).suffix.lower())
    if kind not in FORMATS:
        raise _invalid(
            name, "has a format that is not known",
            "say `format: csv`, `json`, `parquet` or `excel`",
        )  # fmt: skip
    partitions = detail.get("partitions", False)
    if not isinstance(partitions, bool) or (partitions and kind != "parquet"):
        raise _invalid(name, "has a wrong `partitions`", "say `true`, for Parquet")
    header = detail.get("header", 1)
    if isinstance(header, bool):
        header = int(header)
    if not isinstance(header, int) or not 0 <= header <= 1000:
        raise _invalid(name, "has a wrong `header`", "say the row number, or `false`")
    delimiter = detail.get("delimiter") or ("\t" if path.lower().endswith(".tsv") else None)
    for option, text in (("delimiter", delimiter), ("quote", detail.get("quote"))):
        if text is not None and (not isinstance(text, str) or len(text) != 1):
            raise _invalid(name, f"has a wrong `{option}`", "say one character")
    within, pattern = _below(folder, path)
    return Table(
        name=name,
        path=str(folder / path),
        format=kind,
        folder=str(within),
        pattern=pattern if kind != "excel" else None,
        partitions=partitions,
        sheet=detail.get("sheet") or sheet or None,
        delimiter=delimiter,
        encoding=_encoding(name, detail.get("encoding") or "utf-8"),
        header=header,
        quote=detail.get("quote") or '"',
        null=str(detail.get("null") or ""),
    )


def _below(folder: Path, path: str) -> tuple[Path, str | None]:
    """The folder where the files are, and the pattern below it where there is one."""
    parts = Path(path).parts
    first = next((n for n, part in enumerate(parts) if is_glob(part)), None)
    if first is None:
        return (folder / path).parent, None
    return folder.joinpath(*parts[:first]), "/".join(parts[first:])


def _encoding(name: str, declared: Any) -> str:
    try:
        found = codecs.lookup(str(declared)).name
    except LookupError:
        raise _invalid(name, "has an unknown `encoding`", "for example `gb18030`") from None
    return "utf-8" if found in _UTF8 else found


def _invalid(table: str, what: str, hint: str) -> HubError:
    return HubError("CONFIG_INVALID", f"table `{table}` {what}", hint=hint)


def in_folder(place: Path) -> Iterator[Table]:
    """The tables of a folder or a glob that nobody described: a file's stem names its table.

    Of files with one stem the first by name keeps it; the others go by their full names.
    """
    if place.is_dir():
        files = [f for f in sorted(place.iterdir()) if f.suffix.lower() in FOLDER_SUFFIXES]
    else:
        files = sorted(place.parent.glob(place.name))
    taken: set[str] = set()
    for file in files[:_MAX_FILES]:
        kind = SUFFIXES.get(file.suffix.lower())
        if kind is None or not file.is_file() or file.name.startswith(("~$", ".")):
            continue
        name = file.stem if file.stem.lower() not in taken else file.name
        taken.add(name.lower())
        delimiter = "\t" if file.suffix.lower() == ".tsv" else None
        yield Table(
            name=name, path=str(file), folder=str(file.parent), format=kind,
            delimiter=delimiter, declared=False,
        )  # fmt: skip


def is_glob(path: str) -> bool:
    """Whether a path names files by pattern."""
    return any(mark in path for mark in "*?[")


def files_of(table: Table) -> list[Path]:
    """The files of a table now, sorted.

    Raises: ``SOURCE_BAD_DATA`` for too many, or one that leads out of the table's folder.
    """
    path = Path(table.path)
    if table.pattern is None or path.exists():
        found = [path]
    else:
        found = sorted(file for file in Path(table.folder).glob(table.pattern) if file.is_file())
    if len(found) > _MAX_FILES:
        raise bad_file(f"a table has more than {_MAX_FILES} files")
    root = Path(table.folder).resolve()
    if any(root not in file.resolve().parents for file in found):
        # as DuckDB has it of the files that it opens itself
        raise bad_file("a file is a link that leads out of its folder")
    return found


def stamp(table: Table) -> Stamp:
    """What tells whether a table's files changed; raises ``SOURCE_UNAVAILABLE``."""
    found = []
    try:
        for file in files_of(table):
            held = file.stat()
            found.append((str(file), held.st_mtime_ns, held.st_ctime_ns, held.st_size))
    except OSError:
        raise unreadable() from None
    if not found:
        raise unreadable()
    return tuple(found)


def unreadable() -> SourceError:
    """A file is missing or may not be read."""
    return SourceError("SOURCE_UNAVAILABLE", "a file of the source cannot be read")


def bad_file(what: str) -> SourceError:
    """A file does not hold what its format says."""
    return SourceError("SOURCE_BAD_DATA", what)


class Dialect(msgspec.Struct, frozen=True):
    """How the CSV files of a table are to be parsed."""

    delimiter: str
    columns: tuple[str, ...]
    head: int = 0
    """Lines before the first row; more than `Table.header` where a name holds a line break."""


def dialect(table: Table, files: list[Path]) -> Dialect:
    """Delimiter and column names from the header; all files have to have the same.

    Raises: `SourceError`.
    """
    found: Dialect | None = None
    for file in files:
        lines = _first_lines(table, file)
        delimiter = table.delimiter or _delimiter(lines[0], table.quote)
        reader = csv.reader(lines, delimiter=delimiter, quotechar=table.quote)
        row = next(reader, [])
        if table.header:
            head = table.header - 1 + reader.line_num
            here = Dialect(delimiter, tuple(distinct(row)), head)
        else:
            here = Dialect(delimiter, tuple(f"column{n}" for n in range(1, len(row) + 1)))
        if found is not None and here != found:
            raise bad_file("the files of one table have different columns")
        found = here
    if found is None or not found.columns:
        raise bad_file("a file has no header")
    return found


def opened(table: Table, file: Path) -> TextIO:
    """A CSV file as text with its own line ends; raises ``OSError``."""
    encoding = "utf-8-sig" if table.encoding == "utf-8" else table.encoding
    return file.open(encoding=encoding, newline="")


def _first_lines(table: Table, file: Path) -> list[str]:
    """The header row and what follows it within bounds (a name may hold a line break)."""
    try:
        with opened(table, file) as text:
            held = text.read(_HEADER_BYTES)
    except OSError:
        raise unreadable() from None
    except UnicodeError:
        raise bad_file(f"a file is not in the encoding {table.encoding}") from None
    lines = list(io.StringIO(held, newline=""))[max(0, table.header - 1) :]
    if not lines or not lines[0].strip():
        raise bad_file("a file has no header")
    return lines


def _delimiter(line: str, quote: str) -> str:
    outside = "".join(line.split(quote)[::2])
    return max(_DELIMITERS, key=lambda mark: (outside.count(mark), -_DELIMITERS.index(mark)))


def distinct(names: list[Any]) -> list[str]:
    """Column names from a header: none empty, no two equal but for case."""
    made: list[str] = []
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        text = str(name).strip() if name is not None else ""
        wanted = text or f"column{place}"
        number = 1
        while wanted.lower() in seen:
            number += 1
            wanted = f"{text or 'column'}_{number}"
        seen.add(wanted.lower())
        made.append(wanted)
    return made


def literal(text: str) -> str:
    """A string literal of DuckDB's SQL; for paths and options of the configuration only."""
    return "'" + text.replace("'", "''") + "'"


def csv_scan(
    paths: list[Path], held: Dialect, *, header: int = 1, quote: str = '"', null: str = ""
) -> str:
    """The relation that reads CSV files as text, nothing guessed."""
    names = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in held.columns)
    listed = ", ".join(literal(_plain(path)) for path in paths)
    return (
        f"read_csv([{listed}], auto_detect=false, delim={literal(held.delimiter)}, "
        f"quote={literal(quote)}, escape={literal(quote)}, "
        f"header={'true' if header else 'false'}, skip={max(0, header - 1)}, "
        f"columns={{{names}}}, nullstr={literal(null)}, allow_quoted_nulls=false, "
        "strict_mode=true, max_line_size=16777216)"
    )


def parquet_scan(paths: list[Path], *, partitions: bool = False) -> str:
    """The relation that reads Parquet files; what folders' names say is text."""
    listed = ", ".join(literal(_plain(path)) for path in paths)
    named = ", hive_partitioning=true, hive_types_autocast=false" if partitions else ""
    return f"read_parquet([{listed}]{named})"


def _plain(path: Path) -> str:
    """A path that DuckDB does not take for a glob."""
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path))
