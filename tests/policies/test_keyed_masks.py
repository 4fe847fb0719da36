"""Laws of masks with a key: codes tell nothing but equality, noise belongs to its cell."""

from __future__ import annotations

import hmac
import statistics
import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.masks import KEYED, MASKS
from policies.masks.keyed import TOKEN_SCOPES, Hash, Keyed, KeyNeed, Mac, Tokenise
from policies.masks.noise import Noise
from policies.masks.partial import FILL
from schema.model.scalar import NUMERIC, SCALAR_KINDS, TEXTUAL, ScalarKind, canonical

Params = dict[str, str | int]
TOKEN: Params = {"key_scope": "app"}
SHAPE: Params = {"epsilon": "0.5", "bound": "20"}
CODES: list[tuple[Keyed, Params]] = [(Hash(), {}), (Tokenise(), TOKEN)]
NUMBERS: dict[ScalarKind, st.SearchStrategy[Any]] = {
    "Int": st.integers(-(2**31), 2**31 - 1),
    "BigInt": st.integers(-(2**63), 2**63 - 1),
    "Decimal": st.decimals(-(10**12), 10**12, allow_nan=False).filter(
        lambda number: -int(number.as_tuple().exponent) <= 30
    ),
    "Float": st.floats(-1e12, 1e12),
}
odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.decimals(),
    st.binary(max_size=5), st.lists(st.integers(), max_size=2), st.just("\ud800"), st.just("1e999"),
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def under(key: bytes) -> Mac:
    return lambda message: hmac.digest(key, message, "sha256")


ONE, TWO = under(b"1" * 32), under(b"2" * 32)


def noised(column: list[Any], params: Params, mac: Mac = ONE, at: str = "p") -> list[Any]:
    cells = [f"{at}{number}".encode() for number in range(len(column))]
    return Noise().conceal(column, params, mac, cells)


@pytest.mark.parametrize(("mask", "params"), CODES)
@given(column=st.lists(texts | st.none(), max_size=6))
def test_codes_tell_equality_and_nothing_else(
    mask: Keyed, params: Params, column: list[str | None]
) -> None:
    shown = mask.conceal(column, params, ONE, ())
    for place, (value, code) in enumerate(zip(column, shown, strict=True)):
        assert (code is None) == (value is None)
        if value is None or code is None:
            continue
        assert code != value
        assert len(code) == 33
        assert code.isascii()
        assert code[0].isalpha()
        assert set(code) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
        for other, theirs in zip(column[:place], shown, strict=False):
            same = other is not None and unicodedata.normalize("NFC", other) == (
                unicodedata.normalize("NFC", value)
            )
            assert (theirs == code) == same
    assert mask.conceal(column, params, ONE, ()) == shown
    if any(value is not None for value in column):
        assert mask.conceal(column, params, TWO, ()) != shown


@pytest.mark.parametrize("name", sorted(KEYED))
@given(column=st.lists(odd, max_size=8))
def test_odd_values_never_raise(name: str, column: list[Any]) -> None:
    mask, params = KEYED[name], {**SHAPE, **TOKEN, "kind": "Int"}
    cells = [b"1"] * len(column)
    for masked in (
        mask.conceal(column, params, ONE, cells),
        mask.conceal(column, {}, ONE, cells),
        mask.apply(column, params),
        mask.apply(column, {}),
    ):
        assert len(masked) == len(column)
        assert all(
            after is None for before, after in zip(column, masked, strict=True) if before is None
        )


@given(st.lists(texts | st.none() | st.integers(), max_size=5))
def test_without_a_key_nothing_is_shown(column: list[Any]) -> None:
    hidden = [FILL if isinstance(value, str) else None for value in column]
    assert Hash().apply(column, {}) == hidden
    assert Tokenise().apply(column, TOKEN) == hidden
    assert Noise().apply(column, SHAPE) == [None] * len(column)


@pytest.mark.parametrize("kind", sorted(NUMERIC))
@given(data=st.data())
def test_noise_keeps_kind_bound_and_cell(kind: ScalarKind, data: st.DataObject) -> None:
    column = [
        canonical(kind, value) for value in data.draw(st.lists(NUMBERS[kind] | st.none()))
    ]  # fmt: skip
    params = {**SHAPE, "kind": kind}
    masked = noised(column, params)
    assert [canonical(kind, value) for value in masked] == masked, "still canonical"
    for before, after in zip(column, masked, strict=True):
        if before is None:
            assert after is None
        elif after is not None:
            assert type(after) is type(before)
            assert after != before
            assert 0 < abs(Decimal(str(after)) - Decimal(str(before))) <= 20
            if kind == "Decimal":
                assert Decimal(after).as_tuple().exponent == Decimal(before).as_tuple().exponent
    assert noised(column, params) == masked
    # rows in another order: what belongs to a cell goes with it
    cells = [f"p{number}".encode() for number in range(len(column))]
    assert Noise().conceal(column[::-1], params, ONE, cells[::-1]) == masked[::-1]


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_noise_has_nothing_to_do_with_the_value(first: int, second: int) -> None:
    moved = noised([first], SHAPE)[0] - first
    assert noised([second], SHAPE)[0] - second == moved


def test_other_cells_keys_and_shapes_draw_anew() -> None:
    column: list[Any] = [0] * 200
    draws = [
        noised(column, SHAPE),
        noised(column, SHAPE, at="q"),
        noised(column, SHAPE, TWO),
        noised(column, {**SHAPE, "epsilon": "0.25"}),
        noised(column, {**SHAPE, "bound": "21"}),
    ]
    for place, draw in enumerate(draws):
        for other in draws[:place]:
            equal = sum(one == two for one, two in zip(draw, other, strict=True))
            assert equal < 60, "no more than chance"


@pytest.mark.parametrize("kind", sorted(NUMERIC))
def test_noise_is_laplacian_and_cut(kind: ScalarKind) -> None:
    params: Params = {"epsilon": "0.01", "bound": "400", "kind": kind}
    zero = canonical(kind, "7.00" if kind == "Decimal" else 7)
    moved = [float(value) - 7 for value in noised([zero] * 4000, params)]
    assert max(map(abs, moved)) <= 400
    assert abs(statistics.fmean(moved)) < 10, "about as often up as down"
    # the mean distance of a Laplace of scale 100, cut at 400, is about 92.5
    assert 86 < statistics.fmean(map(abs, moved)) < 99
    assert sum(abs(step) > 399 for step in moved) < 20, "no pile at the bound"


def test_the_last_digits_are_noise_too() -> None:
    """A distance drawn as a float would leave the last places of long numbers as they are."""
    value = "12.000000000000000000000000000007"
    last = {shown[-1] for shown in noised([value] * 60, SHAPE)}
    assert len(last) > 5
    grid = {float(shown).as_integer_ratio()[1] for shown in noised([1 / 3] * 60, SHAPE)}
    assert max(grid) <= 2**10


@pytest.mark.parametrize(
    ("value", "params", "shown"),
    [
        (2**31 - 1, {**SHAPE, "kind": "Int"}, range(2**31 - 21, 2**31 - 1)),
        (5, {"epsilon": "1e-9", "bound": "1e12", "kind": "Int"}, None),
        ("5", {"epsilon": "1", "bound": "0.5", "kind": "Decimal"}, None),
        (1e29, SHAPE, None),
        ("1" + "0" * 40, SHAPE, None),
        (True, SHAPE, None),
        ("five", SHAPE, None),
    ],
)
def test_where_noise_has_no_room(value: Any, params: Params, shown: Any) -> None:
    found = {noised([value], params, at=str(number))[0] for number in range(40)}
    if shown is None:
        assert None in found
        assert value not in found
    else:
        assert all(one in shown for one in found)


def test_a_row_without_a_whole_key_shows_no_number() -> None:
    assert Noise().conceal([1, 2], SHAPE, ONE, [None, b"k"])[0] is None
    assert Noise().conceal([1, 2], SHAPE, ONE, [b"k"]) == [None, None]


def test_what_key_a_mask_needs() -> None:
    assert Hash().need({}) == KeyNeed(use="hash", scope="hub")
    assert Hash().need({"key_scope": "app", "version": 2}) == (
        KeyNeed(use="hash", scope="hub", version=2)
    )
    assert Tokenise().need({"key_scope": "purpose", "domain": "e\u0301"}) == (
        KeyNeed(use="tokenise", scope="purpose", domain="é")
    )
    assert Tokenise().need({"key_scope": "grant", "grant": "g1"}) == (
        KeyNeed(use="tokenise", scope="grant", value="g1")
    )
    # only a grant's scope may be stated: all others are facts of the request
    assert Tokenise().need({"key_scope": "app", "grant": "g1"}) == (
        KeyNeed(use="tokenise", scope="app")
    )
    assert Noise().need(SHAPE) == KeyNeed(use="noise", scope="app")
    assert Noise().need({**SHAPE, "key_scope": "hub"}) == KeyNeed(use="noise", scope="hub")
    for mask, wrong in [
        (Tokenise(), {}), (Tokenise(), {"key_scope": "hub"}), (Noise(), {"key_scope": "grant"}),
        (Hash(), {"version": "two"}), (Hash(), {"domain": " "}),
    ]:  # fmt: skip
        assert mask.need(wrong) is None  # type: ignore[attr-defined]


@given(kind=st.sampled_from(sorted(SCALAR_KINDS)))
def test_kinds_are_kept_or_refused(kind: Any) -> None:
    cases: list[tuple[str, Params, frozenset[str]]] = [
        ("hash", {}, TEXTUAL), ("tokenise", TOKEN, TEXTUAL), ("noise", SHAPE, NUMERIC),
    ]  # fmt: skip
    for name, params, kinds in cases:
        assert name in MASKS
        if kind in kinds:
            assert MASKS[name].output_kind(kind, params) == kind
        else:
            with pytest.raises(ValueError, match="it would give"):
                MASKS[name].output_kind(kind, params)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("tokenise", {}, "it needs `key_scope`"),
        ("tokenise", {"key_scope": "hub"}, "it needs `key_scope`"),
        ("tokenise", {"key_scope": "app", "version": 0}, "`version`"),
        ("hash", {"domain": ""}, "`domain`"),
        ("noise", {}, "`epsilon` and `bound`"),
        ("noise", {"epsilon": "0", "bound": "1"}, "`epsilon` and `bound`"),
        ("noise", {"epsilon": "1", "bound": "-1"}, "`epsilon` and `bound`"),
        ("noise", {**SHAPE, "key_scope": "grant"}, "`key_scope`"),
        ("noise", {"epsilon": "1", "bound": "0.5"}, "at least 1"),
    ],
)
def test_params_that_cannot_be(name: str, params: Params, said: str) -> None:
    kind: ScalarKind = "Int" if name == "noise" else "String"
    with pytest.raises(ValueError, match=said):
        MASKS[name].output_kind(kind, params)


@given(texts, st.sampled_from(TOKEN_SCOPES))
def test_a_token_is_no_fixpoint(value: str, scope: str) -> None:
    """Masking twice is another token: whoever sees one cannot ask whether it is one."""
    assume(value)
    (once,) = Tokenise().conceal([value], {"key_scope": scope}, ONE, ())
    assert Tokenise().conceal([once], {"key_scope": scope}, ONE, ()) != [once]
