"""Conditions as parameters: which a service takes, and how their values are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from connectors.spi import Call, Column
from schema.model.predicate import And, Compare, In, Param, Predicate, both, value_of
from schema.model.scalar import TEXTUAL, ScalarKind, order_key

Pair = tuple[str, str]
LONGEST = 4000
"""Characters of joined values in one request; addresses have a bound."""


Count = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters for bounds, both included."""

    ge: Name | None = None
    le: Name | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters that the service offers for one column.

    A service may give more rows than asked, never fewer: what it gives is checked again.
    """

    eq: Name | None = None
    prefix: Name | None = None
    contains: Name | None = None
    in_: Name | None = msgspec.field(name="in", default=None)
    """Parameter for several values, joined by `separator` or repeated."""
    range: Range = Range()
    separator: Name = ","
    repeat: bool = False
    max: Count = 50
    """Values in one request."""

    @property
    def names(self) -> frozenset[str]:
        """The parameters that are offered."""
        held = (self.eq, self.prefix, self.contains, self.in_, self.range.ge, self.range.le)
        return frozenset(name for name in held if name is not None)


class Sent(msgspec.Struct, frozen=True):
    """A parameter filled at run time."""

    param: str
    predicate: Compare | In


class Part(msgspec.Struct, frozen=True):
    """One request's parameters, and the values of one column that it asks for."""

    pairs: tuple[Pair, ...]
    values: tuple[Any, ...] = ()
    column: str | None = None
    """``None``: whatever the request brings is wanted."""
    kind: ScalarKind = "String"


def offered(filters: Mapping[str, Filter]) -> set[str]:
    """The kinds of condition that some column of a list has a parameter for."""
    found: set[str] = set()
    for known in filters.values():
        found |= {"eq"} if known.eq else set()
        found |= {"in"} if known.in_ else set()
        found |= {"prefix"} if known.prefix else set()
        found |= {"contains"} if known.contains else set()
        found |= {"range"} if known.range.ge or known.range.le else set()
    return found


def split(
    wanted: Predicate | None, filters: Mapping[str, Filter], columns: Mapping[str, Column]
) -> tuple[list[Sent], Predicate | None]:
    """What the service can be sent, and what is left; only whole parts of a conjunction."""
    if wanted is None:
        return [], None
    parts = wanted.parts if isinstance(wanted, And) else (wanted,)
    sent: list[Sent] = []
    left: list[Predicate] = []
    for part in parts:
        param = _param(part, filters, columns)
        if param is not None and isinstance(part, Compare | In):
            sent.append(Sent(param, part))
        else:
            left.append(part)
    return sent, both(*left)


def _param(
    part: Predicate, filters: Mapping[str, Filter], columns: Mapping[str, Column]
) -> str | None:
    if not isinstance(part, Compare | In) or columns[part.name].values:
        return None
    known = filters.get(part.name)
    if known is None:
        return None
    if isinstance(part, In):
        return known.in_
    low, high = known.range.ge, known.range.le  # equal rows are taken out again
    if part.kind in TEXTUAL:
        low = high = None  # services order text in ways of their own
    offers = {"eq": known.eq, "prefix": known.prefix, "contains": known.contains,
              "ge": low, "gt": low, "le": high, "lt": high}  # fmt: skip
    return offers.get(part.op)


def once_each(sent: Sequence[Sent]) -> tuple[Sent, ...]:
    """A parameter is sent once; a second condition on it is left to the hub."""
    kept: dict[str, Sent] = {}
    for one in sent:
        kept.setdefault(one.param, one)
    return tuple(kept.values())


def parts_of(
    sent: Sequence[Sent], filters: Mapping[str, Filter], call: Call, fits: Callable[[Any], bool]
) -> list[Part]:
    """The requests that together bring every row that meets the conditions; none: no row can.

    A condition whose value cannot be sent is not: the rows are checked again anyhow.
    Raises: ``KeyError`` for an unbound param (fails closed).
    """
    held = [(one, list(_values(one.predicate, call.params))) for one in sent]
    fixed: list[Pair] = []
    spread: list[Part] | None = None
    for one, values in held:
        present = [value for value in values if value is not None and fits(value)]
        if not present:
            return []
        predicate = one.predicate
        if isinstance(predicate, Compare):
            text = word(present[0])
            if text or predicate.op == "eq":
                fixed.append((one.param, text))
            continue
        made = spread_over(filters[predicate.name], predicate.name, predicate.kind, present)
        if made is not None and len(made) == 1:
            fixed += made[0].pairs
        elif made is not None and spread is None:
            spread = made
    if spread is None:
        return [Part(tuple(fixed))]
    return [msgspec.structs.replace(part, pairs=(*fixed, *part.pairs)) for part in spread]


def _values(predicate: Compare | In, params: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(predicate, Compare):
        yield value_of(predicate.operand, params)
    elif isinstance(predicate.operands, Param):
        yield from params[predicate.operands.name]
    else:
        yield from (value_of(one, params) for one in predicate.operands)


def spread_over(
    known: Filter, name: str, kind: ScalarKind, values: Sequence[Any]
) -> list[Part] | None:
    """Requests for these values of a column; ``None`` when some value cannot be sent."""
    turn = order_key(kind)
    words = {turn(value): (value, word(value)) for value in values}
    several: list[tuple[Any, str]] = []
    single: list[tuple[Any, str]] = []
    for value, text in words.values():
        joins = known.in_ is not None and text and (known.repeat or known.separator not in text)
        (several if joins else single).append((value, text))
    if single and (known.eq is None or (known.in_ is not None and len(single) > known.max)):
        return None
    separator = None if known.repeat else known.separator
    parts = [
        Part(joined_pairs(str(known.in_), [t for _, t in some], separator),
             tuple(v for v, _ in some), name, kind)
        for some in chunks(several, known.max)
    ]  # fmt: skip
    parts += [Part(((str(known.eq), text),), (value,), name, kind) for value, text in single]
    return parts


def joined_pairs(param: str, words: Sequence[str], separator: str | None) -> tuple[Pair, ...]:
    """Several values as one parameter, or (without a separator) as one each."""
    if separator is None:
        return tuple((param, text) for text in words)
    return ((param, separator.join(words)),)


def chunks(values: Sequence[tuple[Any, str]], most: int) -> Iterator[list[tuple[Any, str]]]:
    """At most so many at once, and no more text than an address can hold."""
    made: list[tuple[Any, str]] = []
    size = 0
    for value, text in values:
        length = len(text.encode()) + 1
        if made and (len(made) >= most or size + length > LONGEST):
            yield made
            made, size = [], 0
        made.append((value, text))
        size += length
    if made:
        yield made


def word(value: Any) -> str:
    """A canonical value as it is sent."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def sendable(value: Any) -> bool:
    """Half a character cannot be sent; no row holds one."""
    return not isinstance(value, str) or not any("\ud800" <= c <= "\udfff" for c in value)
