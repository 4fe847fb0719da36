"""Parameters of a DuckDB statement: where a value comes from and how it is bound exactly."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from connectors.spi import Call
from schema.errors import SourceError
from schema.model.scalar import ScalarKind, order_key

Origin = Literal["const", "param", "keys"]
Rounding = Literal["none", "floor", "ceiling"]
_WIDE = decimal.Context(prec=5000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a statement."""

    origin: Origin
    value: Any = None
    """The constant itself, or the param's name."""
    part: int | None = None
    """The place within key tuples; the param is a list of them."""
    many: bool = False
    kind: ScalarKind | Literal["rows"] = "String"
    """``rows``: a number of rows."""
    scale: int = 0
    """Decimal: digits after the point that the column can have."""
    rounding: Rounding = "none"
    """Decimal between two values of the column's scale: which of them gives the same answer;
    ``none``: it equals no value of the column, so one that is larger than all stands for it."""


def bound(slot: Slot, call: Call) -> Any:
    """The value to bind; raises ``KeyError`` for an unbound param (fails closed)."""
    if slot.origin == "const":
        held = slot.value
    elif slot.origin == "param":
        held = call.params[slot.value]
    else:
        held = call.keys
    if slot.part is not None:
        return [_one(slot, key[slot.part]) for key in held]
    if slot.many:
        return [_one(slot, value) for value in held]
    return _one(slot, held)


def _one(slot: Slot, value: Any) -> Any:
    if value is None:
        return None
    try:
        match slot.kind:
            case "rows" | "BigInt":
                return int(value)
            case "Decimal":
                return on_grid(Decimal(value), slot.scale, slot.rounding)
            case "DateTime":
                moment: dt.datetime = order_key("DateTime")(value)
                return moment.astimezone(dt.UTC).replace(tzinfo=None)
            case "LocalDateTime":
                return dt.datetime.fromisoformat(value)
            case "ID" | "String":
                str(value).encode()
                return value
            case _:
                return value
    except (ValueError, ArithmeticError):
        raise SourceError("SOURCE_BAD_DATA", "a value cannot be compared in the source") from None


def on_grid(number: Decimal, scale: int, rounding: Rounding) -> str:
    """The decimal with this scale and 38 digits that compares with stored ones as `number` does."""
    with decimal.localcontext(_WIDE):
        step = Decimal(1).scaleb(-scale)
        most = Decimal(10) ** (38 - scale) - step
        if abs(number) > most:
            low = rounding == "none" or number > 0
            return format(most if low else -most, "f")
        if number == number.quantize(step, rounding=decimal.ROUND_FLOOR):
            return format(number.quantize(step), "f")
        if rounding == "none":
            return format(most, "f")
        way = decimal.ROUND_FLOOR if rounding == "floor" else decimal.ROUND_CEILING
        return format(number.quantize(step, rounding=way), "f")


def values(slots: Sequence[tuple[str, Slot]], call: Call) -> dict[str, Any]:
    """Every parameter of a statement by its name."""
    return {name: bound(slot, call) for name, slot in slots}
