"""Noise: a number moved by a distance that belongs to its cell and never changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec

from policies.masks.bucket import number_of, plain_number
from policies.masks.keyed import KeyNeed, KeyScope, Mac
from schema.model.scalar import NUMERIC, ScalarKind

NOISE_SCOPES: tuple[KeyScope, ...] = ("app", "hub")
_EXACT = Context(prec=200)
_LIMITS = {"Int": 2**31 - 1, "BigInt": 2**63 - 1}
_MOST_PLACES = 30
_FLOAT_STEPS = 1024
"""A Float is shown on a grid of so many steps to the noise: its last bits would tell of it."""


class Noise:
    """Laplace noise of scale 1/`epsilon`, cut at `bound`, drawn once per field and entity.

    Nothing of a query goes into it, so repeating, filtering or paging averages nothing out. A
    number is always moved, by its last place at least.
    """

    name = "noise"
    by_cell = True

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        """The same kind; raises ``ValueError`` where it cannot be kept."""
        shape = _shape(params)
        if shape is None:
            raise ValueError("`epsilon` and `bound` are numbers above 0")
        if params.get("key_scope", "app") not in NOISE_SCOPES:
            raise ValueError(f"`key_scope` is one of {', '.join(NOISE_SCOPES)}")
        if kind not in NUMERIC:
            raise ValueError(f"it would give a number for a {kind}")
        if kind in _LIMITS and shape.bound < 1:
            raise ValueError(f"a bound for a {kind} is at least 1")
        return kind

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:  # noqa: ARG002 - protocol
        """A column of nulls: without a key the noise could be taken off again."""
        return [None] * len(column)

    def need(self, params: Mapping[str, str | int]) -> KeyNeed | None:
        """A key of the application's, or of the hub's."""
        scope = params.get("key_scope", "app")
        if scope == "app" or scope == "hub":
            return KeyNeed(use=self.name, scope="app" if scope == "app" else "hub")
        return None

    def conceal(
        self,
        column: Sequence[Any],
        params: Mapping[str, str | int],
        mac: Mac,
        cells: Sequence[bytes | None],
    ) -> list[Any]:
        """Mask a column of numbers; anything else, and what belongs to no entity, becomes null."""
        shape = _shape(params)
        if shape is None or len(cells) != len(column):
            return [None] * len(column)  # fails closed
        limit = _LIMITS.get(str(params.get("kind")))
        told = shape.told
        return [
            None
            if cell is None or (number := number_of(value)) is None
            # the shape is part of the message: one draw at two scales would give the value away
            else _moved(value, number, mac(told + cell), shape, limit)
            for value, cell in zip(column, cells, strict=True)
        ]


class _Shape(msgspec.Struct, frozen=True):
    epsilon: float
    bound: Decimal
    told: bytes


def _shape(params: Mapping[str, str | int]) -> _Shape | None:
    epsilon, bound = number_of(params.get("epsilon")), number_of(params.get("bound"))
    if epsilon is None or bound is None or min(epsilon, bound) <= 0:
        return None
    told = f"{plain_number(epsilon)} {plain_number(bound)} "
    return _Shape(float(epsilon), bound, told.encode())


def _moved(value: Any, number: Decimal, code: bytes, shape: _Shape, limit: int | None) -> Any:
    """One canonical number moved, in its own form; ``None`` where it cannot be."""
    if isinstance(value, float):
        return _moved_float(value, code, shape)
    places = max(0, -int(number.as_tuple().exponent))
    if places > _MOST_PLACES:
        return None  # fails closed
    whole = int(_EXACT.scaleb(number, places))
    steps = _steps(code, shape, 10.0**places, int(_EXACT.scaleb(shape.bound, places)))
    if not steps:
        return None  # fails closed: the bound is below what the value's last place can show
    moved = whole + steps
    if limit is not None and abs(moved) > limit:
        moved = whole - steps  # the other side keeps the kind
        if abs(moved) > limit:
            return None
    if isinstance(value, int):
        return moved
    return format(_EXACT.scaleb(Decimal(moved), -places), "f")


def _moved_float(value: float, code: bytes, shape: _Shape) -> float | None:
    bound = float(shape.bound)
    least = min(1 / shape.epsilon, bound) / _FLOAT_STEPS
    unit = max(2.0 ** math.floor(math.log2(least)), math.ulp(value))
    steps = _steps(code, shape, 1 / unit, math.floor(bound / unit - 0.5))
    if not steps:
        return None  # fails closed: floats so large have no room for the noise
    start = round(value / unit)
    moved = (start + steps) * unit
    return moved if math.isfinite(moved) and moved != value else None


def _steps(code: bytes, shape: _Shape, per_unit: float, most: int) -> int:
    """By how many units a value moves: never 0 but where not even one is within the bound.

    Source: the Laplace distribution cut at the bound, by inversion: no pile of values at the
    bound itself.
    """
    if most < 1:
        return 0
    uniform = (int.from_bytes(code[1:9]) >> 11) / 2**53
    cut = math.expm1(-float(shape.bound) * shape.epsilon)
    far = -math.log1p(uniform * cut) / shape.epsilon * per_unit
    steps = int(far) + 1
    fine = int(math.ulp(far))
    if fine > 1:
        # what a float cannot say of the distance is drawn apart, else last digits stay as they are
        steps += int.from_bytes(code[9:]) % fine
    return min(steps, most) * (1 if code[0] & 1 else -1)
