"""How a column of a file is read as a kind: expressions of DuckDB's SQL, exact or an error.

Text of CSV files and sheets goes through macros that accept only what has one meaning; anything
else raises in DuckDB and becomes SOURCE_BAD_DATA. A typed expression compares, orders and groups
as `schema.model.scalar` defines for the kind.
"""

from __future__ import annotations

import re

import msgspec

from connectors.spi import Column
from schema.model.scalar import ScalarKind

TEXT = "VARCHAR"
TEXT_SCALE = 18
"""Digits after the point that a Decimal held as text may have."""

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
          "UBIGINT", "HUGEINT", "UHUGEINT"}  # fmt: skip
_REAL = {"DOUBLE", "FLOAT"}
_TEXTUAL = {TEXT, "UUID"}
_MOMENT = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_ZONED = "TIMESTAMP WITH TIME ZONE"
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)\Z")

_DAY = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_NEVER = "error('not a value of its kind')"


def _macro(name: str, pattern: str, made: str) -> str:
    """Null for null and for blank; `made` where the trimmed text matches, else an error."""
    return (
        f"CREATE MACRO {name}(x) AS CASE WHEN x IS NULL OR trim(x) = '' THEN NULL "
        f"WHEN regexp_full_match(trim(x), '{pattern}') THEN {made} ELSE {_NEVER} END"
    )


_FIXED = rf"[+-]?([0-9]{{1,19}}(\.[0-9]{{0,{TEXT_SCALE}}})?|\.[0-9]{{1,{TEXT_SCALE}}})"
_TRUE, _FALSE = "'true', 't', '1', 'yes', 'y'", "'false', 'f', '0', 'no', 'n'"

MACROS: tuple[str, ...] = (
    _macro("hub_int", r"[+-]?[0-9]{1,12}(\.0*)?", "CAST(trim(x) AS INTEGER)"),
    _macro("hub_bigint", r"[+-]?[0-9]{1,20}(\.0*)?", "CAST(trim(x) AS BIGINT)"),
    _macro("hub_decimal", _FIXED, f"CAST(trim(x) AS DECIMAL(38,{TEXT_SCALE}))"),
    _macro("hub_decimal_text", _FIXED, "trim(x)"),
    _macro(
        "hub_float",
        r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?",
        "hub_finite(CAST(trim(x) AS DOUBLE))",
    ),
    _macro(
        "hub_boolean",
        r"(?i)true|false|t|f|1|0|yes|no|y|n",
        f"lower(trim(x)) IN ({_TRUE})",
    ),
    _macro(
        "hub_date",
        rf"{_DAY}([ T]0?0:00(:00(\.0+)?)?)?",
        "hub_common_era(CAST(regexp_extract(trim(x), '^[0-9/-]+') AS DATE))",
    ),
    _macro(
        "hub_local",
        rf"{_DAY}([ T]{_CLOCK})?",
        "hub_common_era(CAST(trim(x) AS TIMESTAMP))",
    ),
    _macro(
        "hub_datetime",
        rf"{_DAY}[ T]{_CLOCK} ?(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)",
        "hub_common_era(make_timestamp(epoch_us(CAST(trim(x) AS TIMESTAMPTZ))))",
    ),
    _macro("hub_time", _CLOCK, "hub_day_time(CAST(trim(x) AS TIME))"),
)
"""Made when a database is opened, after `GUARDS`."""

GUARDS: tuple[str, ...] = (
    f"CREATE MACRO hub_finite(x) AS CASE WHEN x IS NULL OR isfinite(x) THEN x ELSE {_NEVER} END",
    "CREATE MACRO hub_common_era(x) AS CASE WHEN x IS NULL OR (isfinite(x) AND year(x) "
    f"BETWEEN 1 AND 9999) THEN x ELSE {_NEVER} END",
    "CREATE MACRO hub_day_time(x) AS CASE WHEN x IS NULL OR x < TIME '24:00:00' THEN x "
    f"ELSE {_NEVER} END",
    f"CREATE MACRO hub_whole(x) AS CASE WHEN x IS NULL OR trunc(x) = x THEN x ELSE {_NEVER} END",
    "CREATE MACRO hub_midnight(x) AS CASE WHEN x IS NULL OR CAST(CAST(x AS DATE) AS TIMESTAMP) "
    f"= x THEN CAST(x AS DATE) ELSE {_NEVER} END",
    f"CREATE MACRO hub_bit(x) AS CASE x WHEN 0 THEN false WHEN 1 THEN true ELSE "
    f"CASE WHEN x IS NULL THEN NULL ELSE {_NEVER} END END",
)

_FROM_TEXT: dict[str, str] = {
    "ID": "nfc_normalize({})",
    "String": "nfc_normalize({})",
    "Int": "hub_int({})",
    "BigInt": "hub_bigint({})",
    "Float": "hub_float({})",
    "Decimal": "hub_decimal({})",
    "Boolean": "hub_boolean({})",
    "Date": "hub_date({})",
    "LocalDateTime": "hub_local({})",
    "DateTime": "hub_datetime({})",
    "Time": "hub_time({})",
}
_SHOWN: dict[str, str] = {
    "BigInt": "CAST({} AS VARCHAR)",
    "Decimal": "CAST({} AS VARCHAR)",
    "Date": "CAST({} AS VARCHAR)",
    "Time": "CAST({} AS VARCHAR)",
    "LocalDateTime": "replace(CAST({} AS VARCHAR), ' ', 'T')",
    "DateTime": "replace(CAST({} AS VARCHAR), ' ', 'T') || 'Z'",
}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How one column is read as its kind; expressions hold ``{}`` where the column stands."""

    typed: str
    """Compares, orders and groups exactly, unless not `exact`."""
    exact: bool = True
    text: str | None = None
    """The canonical text, where `typed` has lost how the source writes the value."""
    carrier: str = TEXT
    """The type of `typed` and of a value compared with it."""
    scale: int | None = None
    """Digits after the point of a decimal carrier."""


class UnreadableError(Exception):
    """A column of this native type cannot be read as this kind."""


def reading(column: Column, native: str) -> Reading:
    """How a column of a native type is read as its kind; raises `UnreadableError`."""
    kind = column.kind
    if kind == "JSON":
        held = "{}" if native == TEXT else "CAST(to_json({}) AS VARCHAR)"
        return Reading(typed=held, exact=False)
    if native in _TEXTUAL or native.startswith("ENUM") or column.values:
        return _of_text(kind, "{}" if native == TEXT else "CAST({} AS VARCHAR)")
    found = _of_number(kind, native) or _of_moment(kind, native)
    if found is None:
        raise UnreadableError
    return found


def _of_text(kind: ScalarKind, held: str) -> Reading:
    typed = _FROM_TEXT[kind].format(held)
    if kind == "Decimal":
        shown = f"hub_decimal_text({held})"
        return Reading(typed=typed, text=shown, carrier=carrier(kind), scale=TEXT_SCALE)
    return Reading(typed=typed, carrier=carrier(kind))


def _of_number(kind: ScalarKind, native: str) -> Reading | None:
    fixed = _DECIMAL.match(native)
    if not (native in _WHOLE or native in _REAL or fixed or native == "BOOLEAN"):
        return None
    made = carrier(kind)
    whole = native in _WHOLE or (fixed is not None and fixed[2] == "0")
    match kind:
        case "Int" | "BigInt":
            held = "{}" if whole or native == "BOOLEAN" else "hub_whole({})"
            return Reading(typed=f"CAST({held} AS {made})", carrier=made)
        case "ID" | "String" if whole:
            return Reading(typed="CAST({} AS VARCHAR)")
        case "Float":
            return Reading(typed=f"hub_finite(CAST({{}} AS {made}))", carrier=made)
        case "Decimal" if fixed is not None:
            scale = int(fixed[2])
            exact = int(fixed[1]) < 38  # a wider value must be left, larger than any stored
            return Reading(typed="{}", exact=exact, carrier=f"DECIMAL(38,{scale})", scale=scale)
        case "Decimal" if native in _WHOLE and "HUGE" not in native:
            return Reading(typed="CAST({} AS DECIMAL(37,0))", carrier="DECIMAL(38,0)", scale=0)
        case "Decimal" if native in _REAL:
            return _of_text("Decimal", "CAST({} AS VARCHAR)")
        case "Boolean":
            held = "{}" if native == "BOOLEAN" else "hub_bit({})"
            return Reading(typed=held, carrier=made)
        case _:
            return None


def _of_moment(kind: ScalarKind, native: str) -> Reading | None:
    made = carrier(kind)
    match kind, native:
        case ("Date", "DATE") | ("LocalDateTime", "DATE" | "TIMESTAMP"):
            return Reading(typed=f"hub_common_era(CAST({{}} AS {made}))", carrier=made)
        case "LocalDateTime", _ if native in _MOMENT:
            return Reading(typed=f"hub_common_era(CAST({{}} AS {made}))", carrier=made)
        case "Date", _ if native in _MOMENT:
            return Reading(typed="hub_common_era(hub_midnight({}))", carrier=made)
        case "DateTime", _ if native == _ZONED:
            moment = "make_timestamp(epoch_us({}))"
            return Reading(typed=f"hub_common_era({moment})", carrier=made)
        case "Time", "TIME":
            return Reading(typed="hub_day_time({})", carrier=made)
        case _:
            return None


def carrier(kind: ScalarKind) -> str:
    """The type that values of a kind have inside a statement."""
    match kind:
        case "Int":
            return "INTEGER"
        case "BigInt":
            return "BIGINT"
        case "Float":
            return "DOUBLE"
        case "Boolean":
            return "BOOLEAN"
        case "Date":
            return "DATE"
        case "DateTime" | "LocalDateTime":
            return "TIMESTAMP"
        case "Time":
            return "TIME"
        case "Decimal":
            return f"DECIMAL(38,{TEXT_SCALE})"
        case _:
            return TEXT


def shown(kind: ScalarKind, typed: str) -> str:
    """A typed expression in the kind's canonical form."""
    return _SHOWN.get(kind, "{}").format(typed)


def kind_of(native: str) -> ScalarKind:
    """The kind that a native type of a Parquet file suggests."""
    if native in ("BIGINT", "UINTEGER", "UBIGINT"):
        return "BigInt"
    if native in ("HUGEINT", "UHUGEINT") or _DECIMAL.match(native):
        return "Decimal"
    if native in _WHOLE:
        return "Int"
    if native in _REAL:
        return "Float"
    if native in _MOMENT:
        return "LocalDateTime"
    found: dict[str, ScalarKind] = {
        "BOOLEAN": "Boolean", "DATE": "Date", _ZONED: "DateTime", "TIME": "Time",
    }  # fmt: skip
    if native.startswith(("STRUCT", "MAP")) or native.endswith("]"):
        return "JSON"
    return found.get(native, "String")
