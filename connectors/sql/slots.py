"""The params of a statement: where each value comes from at run time, and how it is converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import orjson

from connectors.spi import Call
from connectors.sql.access import Convert
from connectors.sql.bind import Coded, bulk
from schema.errors import HubError
from schema.model.predicate import Const, Operand, Param

Fill = Callable[[Call], Any]
How = Literal[
    "one", "many", "list", "key", "held", "part", "heldpart", "rows", "heldrows", "limit", "literal"
]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One param. Structs and module-level functions only, so that equal Asks have equal slots.

    ``one``: an operand's value; ``many``: operands as a list, values that no row can have left
    out; ``list``: the same of one param that holds a list; ``key``: one part of the call's keys;
    ``part``: part `index` of keys of several parts; ``rows``: such keys whole; ``held``,
    ``heldpart``, ``heldrows``: such of a param; ``limit``: a row count;
    ``literal``: a constant that the compiler put there.
    """

    how: How
    operands: tuple[Operand, ...] = ()
    index: int = 0
    converts: tuple[Any, ...] = ()
    value: Any = None
    as_json: bool = False
    counts: bool = False
    """How many values there are, instead of the values."""

    def fill(self) -> Fill:
        """The function that computes the value from a call."""
        made = getattr(self, f"_{self.how}")()
        if self.counts:
            return lambda call: len(made(call))
        if self.as_json:
            return lambda call: orjson.dumps(made(call)).decode()
        return made  # type: ignore[no-any-return]

    def _one(self) -> Fill:
        (operand,), (convert,) = self.operands, self.converts
        if isinstance(operand, Const):
            fixed = convert(operand.value)
            return lambda _call: fixed
        name = operand.name

        def fill(call: Call) -> Any:
            value = _held(call, name)
            return None if value is None else convert(value)

        return fill

    def _many(self) -> Fill:
        (convert,) = self.converts
        operands = self.operands

        def fill(call: Call) -> Sequence[Any]:
            values = [o.value if isinstance(o, Const) else _held(call, o.name) for o in operands]
            return _converted(convert, values)

        if all(isinstance(operand, Const) for operand in operands):
            fixed = fill(Call())
            return lambda _call: fixed
        return fill

    def _list(self) -> Fill:
        (convert,) = self.converts
        name = _name(self.operands)
        return lambda call: _converted(convert, _held(call, name))

    def _key(self) -> Fill:
        (convert,) = self.converts
        index = self.index
        return lambda call: _converted(convert, [key[index] for key in call.keys])

    def _held(self) -> Fill:
        (convert,), name = self.converts, _name(self.operands)
        return lambda call: _converted(convert, [key[0] for key in _held(call, name)])

    def _part(self) -> Fill:
        converts, index = self.converts, self.index
        return lambda call: [row[index] for row in _rows(converts, call.keys)]

    def _heldpart(self) -> Fill:
        converts, index, name = self.converts, self.index, _name(self.operands)
        return lambda call: [row[index] for row in _rows(converts, _held(call, name))]

    def _rows(self) -> Fill:
        converts = self.converts
        return lambda call: _rows(converts, call.keys)

    def _heldrows(self) -> Fill:
        converts, name = self.converts, _name(self.operands)
        return lambda call: _rows(converts, _held(call, name))

    def _limit(self) -> Fill:
        name = _name(self.operands)
        return lambda call: min(max(int(_held(call, name)), 0), 2**31 - 1)

    def _literal(self) -> Fill:
        value = self.value
        return lambda _call: value


def _name(operands: tuple[Operand, ...]) -> str:
    (operand,) = operands
    assert isinstance(operand, Param)  # noqa: S101 - invariant: made so
    return operand.name


def _held(call: Call, name: str) -> Any:
    try:
        return call.params[name]
    except KeyError:
        # fails closed: a row filter without its value selects nothing, not everything
        raise HubError("INTERNAL", f"the parameter `{name}` is not bound") from None


def _converted(convert: Convert | Coded, values: Sequence[Any]) -> Sequence[Any]:
    quick = bulk(convert, values)
    if quick is not None:
        return quick
    made: list[Any] = []
    for value in values:
        if value is None:
            made.append(None)
        elif isinstance(convert, Coded):
            made.extend(convert.sources(value))
        else:
            native = convert(value)
            if native is not None:
                made.append(native)
    return made


def _rows(converts: Sequence[Convert], keys: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Keys of several parts, those that no row can have left out, each once."""
    made: dict[tuple[Any, ...], None] = {}
    for key in keys:
        if None in key:
            continue
        row = tuple([convert(part) for convert, part in zip(converts, key, strict=True)])
        if None not in row:
            made[row] = None
    return [list(row) for row in made]
