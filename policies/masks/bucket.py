"""Buckets: a number becomes the lower edge of its bucket; edges come from policy, not data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from schema.model.scalar import NUMERIC, ScalarKind

MAX_EDGES = 1000
_EXACT = Context(prec=120)


class Bucket:
    """``width`` (buckets from 0 on) or ``edges`` (ascending, joined by commas).

    A value below the first edge becomes null.
    """

    name = "bucket"

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        """The same kind; raises ``ValueError`` where it cannot be kept."""
        if kind not in NUMERIC:
            raise ValueError(f"it would give a number for a {kind}")
        if ("width" in params) == ("edges" in params):
            raise ValueError("it needs either `width` or `edges`")
        edges = edges_of(params) if "edges" in params else ()
        width = width_of(params)
        if "width" in params and width is None:
            raise ValueError("`width` is a number above 0")
        if edges is None:
            raise ValueError("`edges` are ascending numbers")
        numbers = [*edges, *([width] if width is not None else [])]
        if kind in ("Int", "BigInt") and any(number % 1 for number in numbers):
            raise ValueError(f"a bucket of a {kind} begins at a whole number")
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:
        """Mask a column; what is no number becomes null."""
        edges, width = edges_of(params), width_of(params)
        if width is None and edges is None:
            return [None] * len(column)  # fails closed
        lower = _by_width(width) if width is not None else _by_edges(edges or ())
        return [_one(value, lower) for value in column]


def width_of(params: Mapping[str, str | int]) -> Decimal | None:
    """The stated width, ``None`` if none or a wrong one is stated."""
    width = number_of(params.get("width"))
    return width if width is not None and width > 0 else None


def edges_of(params: Mapping[str, str | int]) -> tuple[Decimal, ...] | None:
    """The stated edges, ``None`` if none or wrong ones are stated."""
    if "edges" not in params:
        return None
    texts = str(params["edges"]).split(",")
    edges = [number for text in texts if (number := number_of(text)) is not None]
    if len(edges) < len(texts) or len(edges) > MAX_EDGES or edges != sorted(set(edges)):
        return None
    return tuple(edges)


def plain_number(number: Decimal) -> str:
    """A number without exponent or trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def number_of(value: object) -> Decimal | None:
    """A number that is neither infinite nor out of all proportion, ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 30 else None


def _by_width(width: Decimal) -> Callable[[Decimal], Decimal | None]:
    def lower(value: Decimal) -> Decimal | None:
        edge = _EXACT.multiply(_EXACT.divide_int(value, width), width)
        # the quotient is cut towards zero
        return _EXACT.subtract(edge, width) if edge > value else edge

    return lower


def _by_edges(edges: Sequence[Decimal]) -> Callable[[Decimal], Decimal | None]:
    def lower(value: Decimal) -> Decimal | None:
        place = bisect_right(edges, value)
        return edges[place - 1] if place else None

    return lower


def _one(value: Any, lower: Callable[[Decimal], Decimal | None]) -> Any:
    """The bucket of one canonical value, in the value's own form."""
    number = number_of(value)
    if number is None:
        return None
    edge = lower(number)
    if edge is None:
        return None
    if isinstance(value, int):
        return int(edge)
    if isinstance(value, float):
        return float(edge)
    return plain_number(edge)
