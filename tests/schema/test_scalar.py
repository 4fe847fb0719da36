"""Numbers written as text: ASCII digits and nothing around them, as source or caller."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schema.model.scalar import ScalarKind, canonical

NO_NUMBERS = ["4_6540_000.00", "1_0", "\uff11", "\u0661", " 12", "12 ", "12\n", "", "-", "1e", "١٢"]


@pytest.mark.parametrize("kind", ["Int", "BigInt", "Float", "Decimal"])
@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number(kind: ScalarKind, text: str) -> None:
    with pytest.raises(ValueError, match=kind):
        canonical(kind, text)


@pytest.mark.parametrize(
    ("kind", "given", "made"),
    [
        ("Decimal", "12.50", "12.50"), ("Decimal", "-.5", "-0.5"), ("Decimal", "+1", "1"),
        ("Decimal", "1E3", "1000"), ("BigInt", "007", "7"), ("BigInt", "-9", "-9"),
        ("Int", "12", 12), ("Float", "1.5e2", 150.0), ("BigInt", Decimal("12"), "12"),
    ],
)  # fmt: skip
def test_what_is_one(kind: ScalarKind, given: object, made: object) -> None:
    assert canonical(kind, given) == made


@pytest.mark.parametrize("kind", ["Int", "BigInt"])
def test_a_huge_exponent_is_refused_before_its_digits_are_made(kind: ScalarKind) -> None:
    with pytest.raises(ValueError, match=kind):
        canonical(kind, Decimal("1e999999999"))
