"""The rules that are in force whatever the bundles say: packs', floors', row labels'."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec.structs import replace

from policies.floor import floor_rules
from policies.pack_file import PackRules
from policies.packs import Packs
from policies.positions import Block, Leaf, Node
from policies.reading import Reader
from policies.row_label import ROW_LABELS, row_label_rules
from policies.rule import Bundle, Rule
from policies.syntax import read_rules
from schema.model.catalogue import Catalogue

FLOORS = "owners' floors"
"""What stands for a path where a floor's rule is named."""


def with_inbuilt(
    bundles: Sequence[Bundle], catalogue: Catalogue, packs: Packs
) -> tuple[Bundle, ...]:
    """The bundles together with the rules that none of them can remove.

    Raises: `ManyErrors` POLICY_INVALID for faulty rules of a pack or a faulty floor.
    """
    return (
        *bundles,
        *pack_bundles(packs),
        *_made(FLOORS, floor_rules(catalogue)),
        *_made(ROW_LABELS, row_label_rules(catalogue)),
    )


def pack_bundles(packs: Packs) -> tuple[Bundle, ...]:
    """The packs' own rules, named ``pack.<pack>.<rule>``.

    Raises: `ManyErrors` POLICY_INVALID with every problem of one pack.
    """
    return tuple(_bundle(held) for held in packs.rules)


def floor_bundles(catalogue: Catalogue) -> tuple[Bundle, ...]:
    """The owners' floors as one bundle; none without floors."""
    return _made(FLOORS, floor_rules(catalogue))


def _made(path: str, rules: tuple[Rule, ...]) -> tuple[Bundle, ...]:
    """Rules that the catalogue makes as one bundle; none without any."""
    if not rules:
        return ()
    said = "\n".join(repr((rule.id, rule.selector, rule.when, rule.outcome)) for rule in rules)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return (Bundle(path=path, rules=rules, digest=digest),)


def _bundle(held: PackRules) -> Bundle:
    reader = Reader(held.path)
    rules, joint = read_rules(reader, [_unsourced(reader, item) for item in held.items])
    for rule in rules:
        if rule.effect == "permit":
            # fails closed: what a jurisdiction says only ever narrows what officers permit
            hint = "write `forbid` or `require`; permits stand in bundles"
            reader.wrong(rule.place("effect"), "a rule pack cannot permit", hint)
    reader.report.raise_any()
    prefix = f"pack.{held.pack}."
    return Bundle(
        path=held.path,
        rules=tuple(replace(rule, name=prefix + rule.name) for rule in rules),
        joint=tuple(replace(rule, name=prefix + rule.name) for rule in joint),
        digest=held.digest,
    )


def _unsourced(reader: Reader, item: Node) -> Node:
    """A rule without the two keys that only packs have."""
    if not isinstance(item, Block):
        return item
    entries = dict(item.entries)
    _, source = entries.pop("source", (item.at, None))
    if source is None:
        reader.wrong(item.at, "the pack's rule has no `source`", "name the law and the article")
    else:
        reader.text(source, "`source` of the rule")
    at, verified = entries.pop("verified", (item.at, None))
    if verified is not None and not (
        isinstance(verified, Leaf) and isinstance(verified.value, bool)
    ):
        reader.wrong(at, "`verified` is neither `true` nor `false`", "write one of the two")
    return Block(entries, item.at)
