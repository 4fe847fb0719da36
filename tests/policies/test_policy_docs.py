"""The reference page: its examples are rules, and it names every word of the language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import policies
from policies.attributes import (
    CONTEXT_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SET_ATTRIBUTES,
    TEXT_ATTRIBUTES,
)
from policies.condition_syntax import WORDS
from policies.delegation_syntax import DELEGATION_KEYS, PRINCIPAL_KEYS
from policies.grant_syntax import GRANT_KEYS, read_approved, read_grants
from policies.joint_syntax import COMBINATION_KEYS, MOSAIC_KEYS
from policies.obligation_syntax import WAYS as OBLIGATIONS
from policies.outcome_syntax import MASK_KEYS
from policies.prove.assertion import Reading, Sort
from policies.prove.assertion_syntax import ASSERTION_KEYS, WHO_KEYS, read_assertions
from policies.subject_syntax import SUBJECT_KEYS
from policies.syntax import MODE_WORDS, RESOURCE_KEYS, RULE_KEYS, WINDOW_KEYS, read_bundle
from policies.trial import OUTCOME_WORDS, read_trials

PAGE = Path(policies.__file__).resolve().parents[1] / "docs" / "policies.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_examples_are_rules() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    grants = [block for block in blocks if block.startswith("grant:")]
    lent = [block for block in blocks if block.startswith("delegation:")]
    stated = [block for block in blocks if block.startswith("assert:")]
    tried = [block for block in blocks if block.startswith("subjects:")]
    counted = (len(blocks), len(grants), len(lent), len(stated), len(tried))
    assert counted == (8, 1, 1, 1, 1)
    for block in blocks:
        if block not in (*grants, *lent, *stated, *tried):
            bundle = read_bundle(block, "docs/policies.md")
            assert bundle.rules or len(bundle.joint) == 2
    assert read_grants(grants[0], "docs/policies.md")
    assert read_approved(lent[0], "docs/policies.md").delegations
    assert read_trials(tried[0], "docs/policies.md")
    sorts = {one.sort for one in read_assertions(stated[0], "docs/policies.md")}
    assert sorts == set(get_args(Sort))


def test_every_word_is_there() -> None:
    words = {
        *RULE_KEYS, *SUBJECT_KEYS, *RESOURCE_KEYS, *WINDOW_KEYS, *MODE_WORDS, *WORDS, *MASK_KEYS,
        *OBLIGATIONS, *GRANT_KEYS, *DELEGATION_KEYS, *PRINCIPAL_KEYS,
        *OUTCOME_WORDS, *ASSERTION_KEYS, *WHO_KEYS, *get_args(Reading),
        *MOSAIC_KEYS, *COMBINATION_KEYS,
        *CONTEXT_ATTRIBUTES, *RESOURCE_ATTRIBUTES, *SET_ATTRIBUTES, *TEXT_ATTRIBUTES,
        *(param for params in MASK_KEYS.values() for param in params),
    }  # fmt: skip
    assert {word for word in words if not re.search(rf"\b{word}\b", TEXT)} == set()
