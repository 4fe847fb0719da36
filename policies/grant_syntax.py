"""Grants and delegations as YAML documents; every problem with ``file:line:column`` and a mend."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import msgspec

from policies.condition import TRUE
from policies.condition_syntax import read_condition
from policies.delegation import Delegation
from policies.delegation_syntax import read_delegation
from policies.grant import Grant
from policies.grant_reading import read_live, read_named, read_one_purpose
from policies.naming import ELEMENT, read_name
from policies.obligation import AggregateOnly
from policies.obligation_syntax import read_obligations
from policies.outcome_syntax import OUTCOMES, read_outcome
from policies.positions import Block, Leaf, Node, parse, shown
from policies.reading import Reader, Way
from policies.rule import FIGURES, RuleOutcome
from policies.syntax import MODE_GROUPS, read_date, read_modes, read_zone
from schema.errors import HubError, ManyErrors


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """What files of approvals hold."""

    grants: tuple[Grant, ...] = ()
    delegations: tuple[Delegation, ...] = ()


def read_grants(text: str, path: str) -> tuple[Grant, ...]:
    """The grants of one text. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    return read_approved(text, path).grants


def read_approved(text: str, path: str) -> Approved:
    """The approvals of one text. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    reader = Reader(path)
    grants: dict[str, Grant] = {}
    delegations: dict[str, Delegation] = {}
    for tree in parse(text, reader.report):
        if isinstance(tree, Leaf) and tree.empty:
            continue
        if isinstance(tree, Block) and "delegation" in tree.entries:
            delegation = read_delegation(reader, tree)
            if delegation is not None:
                _alone(reader, "delegation", delegation.id, delegations)
                delegations[delegation.id] = delegation
        elif (grant := _grant(reader, tree)) is not None:
            _alone(reader, "grant", grant.live.id, grants)
            grants[grant.live.id] = grant
    reader.report.raise_any()
    return Approved(grants=tuple(grants.values()), delegations=tuple(delegations.values()))


def _alone(reader: Reader, kind: str, name: str, known: Container[str]) -> None:
    if name in known:
        message = f"two {kind}s have the id `{shown(name)}`"
        reader.wrong(reader.places[kind], message, "give each an id of its own")


def read_all_approved(texts: Iterable[tuple[str, str]]) -> Approved:
    """The approvals of (text, path) pairs. Raises: `ManyErrors` POLICY_INVALID, also for an id
    that two files give."""
    problems: list[HubError] = []
    grants: dict[str, Grant] = {}
    delegations: dict[str, Delegation] = {}
    for text, path in texts:
        try:
            read = read_approved(text, path)
        except ManyErrors as error:
            problems += error.problems
            continue
        for grant in read.grants:
            other = grants.setdefault(grant.live.id, grant)
            if other is not grant:
                problems.append(_twice("grant", grant.live.id, grant, other))
        for delegation in read.delegations:
            first = delegations.setdefault(delegation.id, delegation)
            if first is not delegation:
                problems.append(_twice("delegation", delegation.id, delegation, first))
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return Approved(grants=tuple(grants.values()), delegations=tuple(delegations.values()))


def _twice(kind: str, name: str, second: Grant | Delegation, first: Grant | Delegation) -> HubError:
    place = second.places[kind]
    where = f"{second.path}:{place.line}:{place.column}"
    hint = f"the first stands in {first.path}; give each an id of its own"
    return HubError("POLICY_INVALID", f"two {kind}s have the id `{name}`", where=where, hint=hint)


def _grant(reader: Reader, tree: Node) -> Grant | None:
    known = len(reader.report.problems)
    if not isinstance(tree, Block):
        reader.wrong(tree.at, "a grant is not a mapping", "begin with `grant: some-id`")
        return None
    reader.places = {key: at for key, (at, _) in tree.entries.items()}
    found = reader.keys(tree, GRANT_KEYS, "a grant")
    for key in ("grant", "grantee", "purpose", "fields", "from", "expires"):
        if key not in tree.entries:
            reader.wrong(tree.at, f"the grant has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    live = read_live(reader, found, "the grant", name="grant", to="grantee")
    if live is None:
        return None
    figures = any(isinstance(one, AggregateOnly) for one in found.get("obligations", ()))
    if figures and not found.get("modes", MODE_GROUPS["read"]) <= FIGURES:
        hint = "write `modes: [group, aggregate, count]`"
        at = reader.places["obligation:aggregate_only"]
        reader.wrong(at, "a grant for figures alone lists other modes", hint)
        return None
    return Grant(
        live=live,
        fields=found["fields"],
        modes=found.get("modes", MODE_GROUPS["read"]),
        rows=found.get("rows", TRUE),
        obligations=found.get("obligations", ()),
        covers=frozenset(found.get("covers", ())),
        about=found.get("about", {}),
        path=reader.report.path,
        places=reader.places,
    )


def read_fields(reader: Reader, node: Node, what: str) -> Mapping[str, RuleOutcome] | None:
    """Each field with what is shown of it."""
    block = reader.block(node, what)
    found: dict[str, RuleOutcome] = {}
    for element, (at, child) in ({} if block is None else block.entries).items():
        if not ELEMENT.match(element) or element.endswith("*"):
            hint = "a grant names each field: `Type.field: allow`"
            reader.wrong(at, f"`{shown(element)}` is not a field", hint)
            continue
        reader.places[f"fields:{element}"] = at
        outcome = read_outcome(reader, child, f"`{element}`")
        if outcome is not None and not isinstance(outcome, OUTCOMES["permit"]):
            reader.wrong(child.at, "a grant cannot have this outcome", "write `allow` or a mask")
        elif outcome is not None:
            found[element] = outcome
    if block is not None and not block.entries:
        reader.wrong(node.at, f"{what} is empty", "add `Type.field: allow`")
    return found


def _covers(reader: Reader, node: Node, what: str) -> tuple[str, ...] | None:
    found = reader.texts(node, what)
    for category in found or ():
        reader.places.setdefault(f"categories:{category}", node.at)
    return found


GRANT_KEYS: dict[str, Way] = {
    "grant": read_name,
    "about": Reader.by_language,
    "grantee": read_named,
    "purpose": read_one_purpose,
    "fields": read_fields,
    "modes": read_modes,
    "rows": read_condition,
    "obligations": read_obligations,
    "covers": _covers,
    "from": read_date,
    "expires": read_date,
    "zone": read_zone,
    "revoked": Reader.moment,
}
