"""Keys of masks: one for each use, scope, value and version, and none where a part is missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from hub.query.keys import Keyring
from hub.query.profile import Profile
from policies.masks import KEYED
from policies.masks.keyed import KeyNeed, Mac

RINGS = [Keyring(b"m" * 48), Keyring(b"m" * 48, Profile("sm"))]
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
needs = st.builds(
    KeyNeed,
    use=st.sampled_from(sorted(KEYED)),
    scope=st.sampled_from(["app", "department", "purpose", "grant"]),
    value=words,
    domain=words,
    version=st.integers(1, 3),
)


def mac(ring: Keyring, need: KeyNeed) -> Mac:
    found = ring.mac(need)
    assert found is not None
    return found


@pytest.mark.parametrize("ring", RINGS, ids=["intl", "sm"])
@given(one=needs, two=needs, value=st.binary(max_size=8))
def test_codes_are_equal_within_a_need_and_nowhere_else(
    ring: Keyring, one: KeyNeed, two: KeyNeed, value: bytes
) -> None:
    assert mac(ring, one)(value) == mac(ring, structs.replace(one))(value)
    assert (mac(ring, one)(value) == mac(ring, two)(value)) == (one == two)


@given(need=needs, domain=words, value=words)
def test_where_a_domain_ends_and_a_value_begins(need: KeyNeed, domain: str, value: str) -> None:
    assume(need.domain != domain)
    longer = structs.replace(need, domain=domain + value)
    shorter = structs.replace(need, domain=domain)
    assert mac(RINGS[0], shorter)(value.encode()) != mac(RINGS[0], longer)(b"")


@given(need=needs)
def test_every_worker_of_a_hub_has_the_same_keys_and_no_other_hub(need: KeyNeed) -> None:
    code = mac(RINGS[0], need)(b"value")
    assert mac(Keyring(b"m" * 48), need)(b"value") == code
    for other in (Keyring(b"n" * 48), RINGS[1]):
        assert mac(other, need)(b"value") != code


@pytest.mark.parametrize(
    "lacking", [{"value": None}, {"value": ""}, {"domain": None}], ids=["none", "empty", "domain"]
)
@given(need=needs)
def test_without_a_part_there_is_no_key(lacking: dict[str, Any], need: KeyNeed) -> None:
    assert RINGS[0].mac(structs.replace(need, **lacking)) is None


def test_the_hub_s_own_scope_needs_no_value() -> None:
    assert RINGS[0].mac(KeyNeed(use="hash", scope="hub", domain="Person.number")) is not None
