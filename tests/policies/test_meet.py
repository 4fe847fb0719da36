"""The lattice of outcomes: laws, and the preference that extends it."""

from __future__ import annotations

import itertools

import pytest

from policies.masks import MASKS
from policies.meet import NOTHING, REDACT, Shown, comparable, fits, fitted, meet, meet_all, rank
from policies.packs import MASK_ORDER
from policies.ruling import Allow, Masked


def mask(name: str, **params: str | int) -> Masked:
    return Masked(name, tuple(sorted(params.items())))


ALL: list[Shown] = [
    Allow(),
    REDACT,
    NOTHING,
    mask("partial", keep_last=4),
    mask("partial", keep_last=2),
    mask("partial", keep_first=2, keep_last=3),
    mask("partial", keep_first=1, fill="#"),
    mask("generalise", to="month"),
    mask("generalise", to="decade"),
    mask("generalise", prefix=6),
    mask("generalise", prefix=4),
    mask("bucket", width="1000"),
    mask("bucket", width="1500"),
    mask("bucket", width="0.5"),
    mask("bucket", edges="0,1500,3000"),
    mask("bucket", edges="0,1000,3000,7000"),
    mask("bucket", edges="7"),
    mask("constant", value="x"),
    mask("constant", value="y"),
    mask("generalise", region="city"),
    mask("generalise", region="township"),
    mask("generalise", parent=1),
    mask("generalise", parent=3),
    mask("noise", epsilon="0.1", bound="50"),
    mask("noise", epsilon="0.01", bound="40"),
    mask("noise", epsilon="0.1", bound="50", key_scope="hub"),
    mask("hash"),
    mask("hash", version=2),
    mask("tokenise", key_scope="app"),
    mask("tokenise", key_scope="app", domain="person"),
    mask("tokenise", key_scope="grant", grant="g1"),
    mask("tokenise", key_scope="grant", grant="g2"),
]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(ALL, ALL)))
def test_pairs(first: Shown, second: Shown) -> None:
    met = meet(first, second)
    assert met == meet(second, first)
    assert meet(first, first) == first
    assert meet(met, first) == met
    for other in (first, second):
        assert rank(met, MASK_ORDER) >= rank(other, MASK_ORDER), "preferred no more than either"


def test_grouping_does_not_matter() -> None:
    for first, second, third in itertools.product(ALL, ALL, ALL):
        assert meet(meet(first, second), third) == meet(first, meet(second, third))


@pytest.mark.parametrize(
    ("first", "second", "met"),
    [
        (mask("partial", keep_last=4), mask("partial", keep_last=2), mask("partial", keep_last=2)),
        (mask("partial", keep_last=4), mask("partial", keep_first=2), REDACT),
        (mask("generalise", to="month"), mask("generalise", to="year"),
         mask("generalise", to="year")),
        (mask("generalise", to="month"), mask("generalise", prefix=4), REDACT),
        (mask("bucket", width="1000"), mask("bucket", width="1500"), mask("bucket", width="3000")),
        (mask("bucket", width="0.5"), mask("bucket", width="0.75"), mask("bucket", width="1.5")),
        (mask("bucket", width="1000"), mask("bucket", edges="0,1500,3000"),
         mask("bucket", edges="0,3000")),
        (mask("bucket", width="1000"), mask("bucket", edges="7"), REDACT),
        (mask("partial", keep_last=4), mask("bucket", width="10"), REDACT),
        (REDACT, NOTHING, NOTHING),
        (mask("generalise", region="city"), mask("generalise", region="county"),
         mask("generalise", region="city")),
        (mask("generalise", region="city"), mask("generalise", prefix=4), REDACT),
        (mask("generalise", parent=1), mask("generalise", parent=2), mask("generalise", parent=2)),
        (mask("noise", epsilon="0.1", bound="50"), mask("noise", epsilon="0.01", bound="40"),
         mask("noise", bound="50", epsilon="0.01")),
        (mask("noise", epsilon="0.1", bound="50", key_scope="hub"),
         mask("noise", epsilon="0.1", bound="50"), REDACT),
        (mask("tokenise", key_scope="app"), mask("tokenise", key_scope="purpose"), REDACT),
        (mask("tokenise", key_scope="app"), mask("hash"), REDACT),
    ],
)  # fmt: skip
def test_examples(first: Shown, second: Shown, met: Shown) -> None:
    assert meet(first, second) == met


def test_a_met_bucket_is_a_function_of_both() -> None:
    """What the met mask shows can be computed from what either shows: it discloses no more."""
    column = [str(number) for number in range(-4000, 9000, 37)]
    buckets = [one for one in ALL if isinstance(one, Masked) and one.mask == "bucket"]
    for first, second in itertools.product(buckets, buckets):
        met = meet(first, second)
        if met == REDACT:
            continue
        assert isinstance(met, Masked)
        coarse = MASKS["bucket"].apply(column, dict(met.params))
        fine = MASKS["bucket"].apply(column, dict(first.params))
        seen: dict[object, object] = {}
        for ours, theirs in zip(fine, coarse, strict=True):
            assert seen.setdefault(ours, theirs) == theirs


CODES = ["33", "3301", "330102", "330102001", "330102001007", "3302", "a.b.c.d", "a.b", "a", "x"]


def test_a_met_generalisation_is_a_function_of_both() -> None:
    coarser = [
        one for one in ALL
        if isinstance(one, Masked) and one.mask == "generalise" and "to" not in dict(one.params)
    ]  # fmt: skip
    for first, second in itertools.product(coarser, coarser):
        met = meet(first, second)
        if met == REDACT:
            continue
        assert isinstance(met, Masked)
        seen: dict[object, object] = {}
        for ours, theirs in zip(
            MASKS["generalise"].apply(CODES, dict(first.params)),
            MASKS["generalise"].apply(CODES, dict(met.params)),
            strict=True,
        ):
            assert seen.setdefault(ours, theirs) == theirs


def test_only_codes_of_a_stated_domain_are_comparable() -> None:
    assert comparable(Allow())
    assert comparable(mask("partial", keep_last=4))
    assert comparable(mask("tokenise", key_scope="app", domain="person"))
    assert not comparable(mask("tokenise", key_scope="app"))
    assert not comparable(mask("tokenise", domain="person"))
    assert not comparable(mask("hash"))
    assert not comparable(mask("noise", epsilon="1", bound="5"))


def test_nothing_met_is_raw() -> None:
    assert meet_all([]) == Allow()


def test_a_mask_that_does_not_fit_becomes_redact() -> None:
    assert fitted(mask("partial", keep_last=4), "Decimal") == mask("redact", kind="Decimal")
    assert fitted(mask("nonsense"), "String") == mask("redact", kind="String")
    assert fitted(mask("generalise", to="year"), "Date") == mask(
        "generalise", kind="Date", to="year"
    )
    assert fits(mask("bucket", width=5), "String") == "it would give a number for a String"
    assert fits(Allow(), "String") is None
