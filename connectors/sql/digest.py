"""Digests made in the source, as `connectors.kit.blind` says: canonical texts, salted and hashed.

Where the source cannot make the canonical text of a part exactly, the hub makes the digest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import CHAR
from sqlalchemy.sql.elements import ColumnElement

from connectors.kit.blind import LENGTH, digest_of, text_of
from connectors.spi import Column
from connectors.sql import finish
from connectors.sql.access import Access, Finish, Inexact, collated, text_side
from schema.model.scalar import ScalarKind

_WHOLE = frozenset({"Int", "BigInt", "ID", "String"})
_ODD = "!"
"""What the function gives for a value without a canonical form."""


def access_of(
    expression: ColumnElement[Any], in_order: Callable[[ColumnElement[Any]], ColumnElement[Any]]
) -> Access:
    """How to use a digest made by an expression; `in_order` puts text into code-point order."""
    side = text_side(in_order(expression))
    return Access(
        raw=expression,
        shown=expression,
        finish=_even,
        equal=side,
        range=side,
        text=side,
        nullable=False,
    )


def _even(column: Sequence[Any]) -> Sequence[Any]:
    if _ODD in column:
        raise ValueError
    return column


def _text(held: str) -> ColumnElement[Any]:
    return sa.literal_column(f"'{held}'", sa.Text())


def postgres(
    of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any], *, utf8: bool
) -> Access:
    """PostgreSQL's own functions; raises `Inexact`. `utf8`: text can be brought to NFC."""
    told = salt
    for column, part in zip(of, parts, strict=True):
        text = _canonical(column.kind, part, utf8=utf8)
        counted: ColumnElement[Any] = (
            sa.cast(sa.func.char_length(text), sa.Text()).op("||")(_text(":")).op("||")(text)
        )
        if part.nullable:
            counted = sa.func.coalesce(counted, _text("-"))
        told = told.op("||")(counted)
    hashed = sa.func.encode(sa.func.sha256(sa.func.convert_to(told, _text("UTF8"))), _text("hex"))
    cut = sa.func.substr(hashed, sa.literal_column("1"), sa.literal_column(str(LENGTH)))
    return access_of(cut, collated("C"))


def _canonical(kind: ScalarKind, part: Access, *, utf8: bool) -> ColumnElement[Any]:
    if part.range is None:
        raise Inexact
    shown = part.shown
    match kind:
        case "ID" | "String" if utf8:
            held = sa.cast(shown, sa.Text())
            # measured: bringing plain ASCII to NFC doubles what the whole digest costs
            plain = sa.func.octet_length(held) == sa.func.char_length(held)
            formed = sa.func.normalize(held, sa.literal_column("NFC"))
            return sa.case((plain, held), else_=formed)
        case "Int" | "BigInt":
            whole = shown if part.finish is None else sa.func.trunc(shown)
            return sa.cast(whole, sa.Text())
        case "Decimal":
            return sa.cast(sa.func.trim_scale(shown), sa.Text())
        case "Boolean" | "Date" | "Time":
            return sa.cast(shown, sa.Text())
        case "LocalDateTime":
            return _joined(shown)
        case "DateTime":
            # sessions are in UTC
            return sa.func.replace(_joined(shown), _text("+00"), _text("Z"))
        case _:
            raise Inexact


def _joined(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.func.replace(sa.cast(moment, sa.Text()), _text(" "), _text("T"))


def mysql(of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]) -> Access:
    """MySQL's own functions, over whole numbers: it cannot bring text to NFC, or trim decimals.

    Raises: `Inexact`.
    """
    told: list[ColumnElement[Any]] = [salt]
    for column, part in zip(of, parts, strict=True):
        if column.kind not in _WHOLE or part.equal is None or part.equal.group != "int":
            raise Inexact
        text = sa.cast(part.shown, CHAR(charset="utf8mb4"))
        counted = sa.func.concat(sa.func.char_length(text), _text(":"), text)
        told.append(sa.func.coalesce(counted, _text("-")) if part.nullable else counted)
    hashed = sa.func.sha2(sa.func.concat(*told), sa.literal_column("256"))
    cut = sa.func.left(hashed, sa.literal_column(str(LENGTH)))
    return access_of(cut, lambda held: sa.cast(held, sa.BINARY()))


def sqlite(of: Sequence[Column], parts: Sequence[Access], salt: ColumnElement[Any]) -> Access:
    """The function that `install` gives to connections; raises `Inexact`."""
    if any(part.range is None for part in parts):
        raise Inexact
    kinds = ",".join(column.kind for column in of)
    shown = (part.shown for part in parts)
    return access_of(sa.func.hub_digest(salt, _text(kinds), *shown), collated("BINARY"))


def _zoned(column: Sequence[Any]) -> Sequence[Any]:
    return [f"{value}Z" for value in _even(column)]


_FINISH: Mapping[str, Finish] = {
    "ID": finish.text_from_number,
    "String": finish.text_from_number,
    "Int": finish.int_from_number,
    "BigInt": finish.bigint_from_number,
    "Float": finish.float_from_number,
    "Decimal": finish.Scaled(0),
    "Boolean": finish.boolean,
    "Date": _even,
    "DateTime": _zoned,
    "LocalDateTime": _even,
    "Time": _even,
}


def install(connection: sqlite3.Connection) -> None:
    """Give a connection the function that makes digests of what `sqlite_access` shows."""

    def digest(salt: str, kinds: str, *parts: Any) -> str:
        try:
            texts = [
                None if value is None else text_of(kind)(_FINISH[kind]([value])[0])  # type: ignore[arg-type]
                for kind, value in zip(kinds.split(","), parts, strict=True)
            ]
        except (TypeError, ValueError, ArithmeticError):
            return _ODD
        return digest_of(salt, texts)

    connection.create_function("hub_digest", -1, digest, deterministic=True)
