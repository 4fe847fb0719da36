"""Whoever acts for another follows no relation that its principal may not follow."""

from __future__ import annotations

import pytest
from msgspec import structs

from policies.delegation import Delegation
from policies.engine import Engine
from policies.granted import LiveGrant
from policies.ruling import Allow, Reject
from schema.model.names import DepartmentName
from schema.model.subject import Context
from tests.policies.fixture import CEILING, NOON, PACKS, bundle, subject, use
from tests.policies.test_follow import (
    ALL,
    OF,
    TOKEN_OF_HEAD,
    TOKEN_OF_NUMBER,
    in_domain,
)

HEAD = use("Firm.head", "traverse")
PRINCIPAL = subject("desk", "G3", department="civil")
WHO = structs.replace(
    subject("builder", "G3", "benefits.eligibility", department="soft"),
    acting_for=DepartmentName("civil"),
)
OF_HEAD, OF_NUMBER = in_domain(TOKEN_OF_HEAD), in_domain(TOKEN_OF_NUMBER)


def on(whom: str, rule: str) -> str:
    return rule.replace("effect: require", f"effect: require\nsubjects: {whom}")


@pytest.mark.parametrize(
    ("rules", "principal", "acting"),
    [
        ("", True, True),
        # a mask on the builder alone makes both ends alike, which they are not for the department
        (OF_HEAD + on("{app: builder}", OF_NUMBER), False, False),
        (on("{department: soft}", OF_HEAD) + OF_NUMBER, False, False),
        (OF_HEAD + OF_NUMBER, True, True),
        (on("{app: builder}", OF_HEAD), True, False),
        (on("{app: builder}", OF_HEAD + OF_NUMBER), True, True),
    ],
)
def test_both_ends_are_alike_for_either(rules: str, principal: bool, acting: bool) -> None:
    live = LiveGrant(
        id="d1", app="builder", department=None, purposes=("benefits",), below=True,
        since=1.0, until=NOON + 1, revoked=None,
    )  # fmt: skip
    held = Delegation(live=live, principal=PRINCIPAL, fields=frozenset())
    by = Engine(OF, [bundle(ALL + rules)], PACKS, epoch=1, ceiling=CEILING, delegations=[held])
    allowed = {True: Allow(), False: Reject("USE_FORBIDDEN")}
    alone = by.rule(PRINCIPAL, [HEAD], Context(now=NOON))
    assert alone.outcomes[HEAD] == allowed[principal]
    ours = by.rule(WHO, [HEAD], Context(purpose="benefits.eligibility", now=NOON))
    assert ours.delegation == "d1"
    assert ours.outcomes[HEAD] == allowed[acting]
    assert (HEAD in by.visible(WHO).uses) is acting
