"""Every scenario of the base set has a test, named after its number."""

from __future__ import annotations

import re

from tests.scenarios import test_base, test_base_later, test_base_registration

NUMBERED = re.compile(r"test_(\d+)_\w+\Z")


def test_each_of_the_thirty_two_has_one() -> None:
    found = {
        int(match[1])
        for module in (test_base, test_base_later, test_base_registration)
        for name in vars(module)
        if (match := NUMBERED.match(name))
    }
    assert found == set(range(1, 33))
