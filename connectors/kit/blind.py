"""Digests of columns: a value in place of others that orders rows and tells nothing of them.

The digest is the first 32 hexadecimal digits of the SHA-256 of, in UTF-8: the salt, then for each
column its canonical text with the count of its code points and a colon before it, or ``-`` for
null: no two lists of parts are written alike. All parts go into one digest, since a digest of
each would show which rows have equal ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from connectors.spi import Ask, Batch, Column, Digest
from schema.model.predicate import And, Predicate, both, names_in
from schema.model.scalar import ScalarKind

LENGTH = 32


def digest_of(salt: str, parts: Sequence[str | None]) -> str:
    """The digest of canonical texts; see `text_of`."""
    told = "".join(["-" if part is None else f"{len(part)}:{part}" for part in parts])
    return hashlib.sha256((salt + told).encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def text_of(kind: ScalarKind) -> Callable[[Any], str]:
    """A function from canonical, non-null values to texts that are equal for equal values."""
    match kind:
        case "Decimal":
            return plain_decimal
        case "Float":
            return lambda value: repr(float(value) + 0.0)
        case "Boolean":
            return lambda value: "true" if value else "false"
        case "JSON":
            return lambda value: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        case _:
            return str


def plain_decimal(value: Any) -> str:
    """A decimal's text without zeros that change nothing."""
    text = str(value)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def with_digests(batch: Batch, ask: Ask, params: Mapping[str, Any]) -> Batch:
    """The batch with those digests that the Ask's work reads and the source has not given.

    Raises: ``KeyError`` for an unbound salt (fails closed).
    """
    wanted = [c for c in digests_in(ask) if c.name not in batch.columns]
    if not wanted:
        return batch
    read = {column.name for column in ask.columns} | {term.column for term in ask.order}
    read |= names_in(ask.must) | names_in(ask.wish)
    made = dict(batch.columns)
    for column in wanted:
        if column.name in read:
            made[column.name] = _digested(batch, column.digest, params)
    return msgspec.structs.replace(batch, columns=made)


def digests_in(ask: Ask) -> list[Column]:
    """The columns of an Ask that are digests, those of its joins left out."""
    return [column for column in (*ask.columns, *ask.known) if column.digest is not None]


def _digested(batch: Batch, digest: Digest | None, params: Mapping[str, Any]) -> list[str]:
    assert digest is not None  # noqa: S101 - invariant: the caller looked
    if not batch.rows:
        return []
    salt = str(params[digest.salt.name])
    texts = []
    for part in digest.of:
        text = text_of(part.kind)
        column = batch.columns[part.name]
        texts.append([None if value is None else text(value) for value in column])
    return [digest_of(salt, row) for row in zip(*texts, strict=True)]


def has_digests(ask: Ask) -> bool:
    """Whether an Ask, or one joined to it, names a digest."""
    return bool(digests_in(ask)) or any(has_digests(join.ask) for join in ask.joins)


class Without(msgspec.Struct, frozen=True):
    """An Ask without its digests, and what that leaves over."""

    ask: Ask
    """To be offered to a source that knows no digests."""
    left: Ask

    def residual(self, further: Ask | None) -> Ask:
        """What is left of the whole Ask when the source leaves `further` of the one without."""
        if further is None:
            return self.left
        left = self.left
        return msgspec.structs.replace(
            left,
            must=both(further.must, left.must),
            wish=both(further.wish, left.wish),
            order=left.order or further.order,
            limit=further.limit if left.limit is None else left.limit,
            joins=(*further.joins, *left.joins),
        )


def without_digests(ask: Ask) -> Without:
    """Conditions and order by a digest left over, with the columns that they need; so a limit
    is left over with them, and a join that names a digest; a document is written last."""
    hidden = {column.name for column in digests_in(ask)}
    must, must_left = _split(ask.must, hidden)
    wish, wish_left = _split(ask.wish, hidden)
    late = must_left is not None or wish_left is not None
    late = late or any(term.column in hidden for term in ask.order)
    refused = tuple(join for join in ask.joins if has_digests(join.ask))
    needed = {column.name for column in ask.columns}
    needed |= names_in(must_left) | names_in(wish_left)
    needed |= {ours for join in refused for ours, _ in join.on}
    if late:
        needed |= {term.column for term in ask.order} | set(ask.key_columns)
    named: dict[str, Column] = {}
    for column in (*ask.columns, *ask.known):
        if column.digest is None:
            named.setdefault(column.name, column)
            continue
        for part in column.digest.of:
            named.setdefault(part.name, part)
            needed.add(part.name)
    asked = msgspec.structs.replace(
        ask,
        columns=tuple(column for column in named.values() if column.name in needed),
        known=tuple(column for column in named.values() if column.name not in needed),
        must=must,
        wish=wish,
        order=() if late else ask.order,
        limit=None if late else ask.limit,
        joins=tuple(join for join in ask.joins if join not in refused),
        document=None,
    )
    left = msgspec.structs.replace(
        ask,
        must=must_left,
        wish=wish_left,
        order=ask.order if late else (),
        limit=ask.limit if late else None,
        joins=refused,
    )
    return Without(asked, left)


def _split(
    predicate: Predicate | None, hidden: set[str]
) -> tuple[Predicate | None, Predicate | None]:
    """The conjuncts that name no digest, and the others."""
    if predicate is None:
        return None, None
    parts = predicate.parts if isinstance(predicate, And) else (predicate,)
    kept = [part for part in parts if names_in(part).isdisjoint(hidden)]
    return both(*kept), both(*(part for part in parts if part not in kept))
