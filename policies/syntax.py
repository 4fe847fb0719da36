"""YAML bundles to rules with positions; every problem with ``file:line:column`` and a mend."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from policies.condition import Condition, every, opposite, reads_row
from policies.condition_syntax import read_condition, read_level
from policies.joint import Joint
from policies.joint_syntax import is_joint, read_joint
from policies.naming import ELEMENT, read_name, read_version
from policies.obligation import AggregateOnly
from policies.obligation_syntax import read_k, read_obligations
from policies.outcome_syntax import OUTCOMES, read_outcome
from policies.positions import Block, Leaf, Node, Place, parse, shown
from policies.reading import Reader, Way
from policies.rule import FIGURES, INBUILT, Bundle, Effect, LevelRef, Rule, Selector
from policies.ruling import LEAST_SHARED, Allow, Declassified, Masked
from policies.subject_syntax import read_subjects
from policies.window import DAYS, Window, zone_of
from schema.model.entity import Share
from schema.model.use import AGGREGATE_FUNCTIONS, EVERY_MODE, SPECIAL_MODES, UseMode

_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])\Z")
MODE_GROUPS: Mapping[str, frozenset[UseMode]] = {
    "filter": frozenset({"filter_eq", "filter_range", "filter_text"}),
    "read": frozenset({"project", "list", "open", "count", "traverse"}),
    "all": EVERY_MODE - SPECIAL_MODES,
}
_LONGEST_REASON = 200
NAMED = ("policy", "mosaic", "combination")
"""The keys that name a rule."""
MODE_WORDS = (*sorted(EVERY_MODE), *MODE_GROUPS)


def read_bundle(text: str, path: str) -> Bundle:
    """The rules of one YAML text. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    reader = Reader(path)
    rules, joint = read_rules(reader, parse(text, reader.report))
    for rule in (*rules, *joint):
        if rule.name.startswith(INBUILT):
            hint = "names that begin so belong to rule packs and to owners' floors; rename it"
            at = rule.place(*NAMED)
            reader.wrong(at, f"a bundle's rule cannot be `{rule.name}`", hint)
    reader.report.raise_any()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Bundle(path=path, rules=rules, joint=joint, digest=digest)


def read_rules(reader: Reader, trees: Iterable[Node]) -> tuple[tuple[Rule, ...], tuple[Joint, ...]]:
    """The rules that trees hold, and those about several fields; problems are in the reader's
    report."""
    rules: list[Rule] = []
    joint: list[Joint] = []
    seen: dict[str, Place] = {}
    for tree in trees:
        rule: Rule | Joint | None
        if isinstance(tree, Block) and is_joint(tree):
            rule = read_joint(reader, tree)
        else:
            rule = _rule(reader, tree)
        if rule is None:
            continue
        at = rule.place(*NAMED)
        if rule.name in seen:
            hint = f"the first stands in line {seen[rule.name].line}; rename one"
            reader.wrong(at, f"two rules are named `{rule.name}`", hint)
        seen[rule.name] = at
        if isinstance(rule, Rule):
            rules.append(rule)
        else:
            joint.append(rule)
    return tuple(rules), tuple(joint)


def _rule(reader: Reader, tree: Node) -> Rule | None:
    known = len(reader.report.problems)
    if not isinstance(tree, Block):
        if not (isinstance(tree, Leaf) and tree.empty):
            reader.wrong(tree.at, "a rule is not a mapping", "begin with `policy: some-name`")
        return None
    reader.places = {key: at for key, (at, _) in tree.entries.items()}
    found = reader.keys(tree, RULE_KEYS, "a rule")
    for key in ("policy", "effect"):
        if key not in tree.entries:
            reader.wrong(tree.at, f"the rule has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    effect: Effect = found["effect"]
    when: Condition = every(*found.get("subjects", ()), found.get("when", every()))
    if "unless" in found:
        when = every(when, opposite(found["unless"]))
    rows: Condition | None = found.get("rows")
    if effect != "require" and rows is not None:
        when, rows = every(when, rows), None
    modes = found.get("modes", MODE_GROUPS["read" if effect == "permit" else "all"])
    if effect != "permit" and modes >= MODE_GROUPS["all"]:
        modes = EVERY_MODE  # fails closed: what limits everything limits what stands in no group
    rule = Rule(
        name=found["policy"],
        version=found.get("version", 1),
        effect=effect,
        owner=found.get("owner", ""),
        about=found.get("about", {}),
        selector=found.get("resources", Selector()),
        modes=modes,
        functions=found.get("functions"),
        when=when,
        rows=rows,
        outcome=found.get("outcome", Allow() if effect == "permit" else None),
        declassify=found.get("declassify"),
        window=found.get("window"),
        obligations=found.get("obligations", ()),
        path=reader.report.path,
        places=reader.places,
    )
    _check_whole(reader, rule, tree)
    return rule


def _check_whole(reader: Reader, rule: Rule, tree: Block) -> None:
    """What can only be said of the rule as a whole."""
    selector = rule.selector
    at = rule.place("outcome", "policy")
    if rule.outcome is not None and not isinstance(rule.outcome, OUTCOMES[rule.effect]):
        hint = "permit: allow or a mask; forbid: null, error or hidden; require: a mask or null"
        reader.wrong(at, f"a {rule.effect} cannot have this outcome", hint)
    asks = rule.outcome is not None or rule.rows is not None or rule.obligations
    if rule.effect == "require" and not asks:
        hint = "add `outcome`, `rows` or `obligations`"
        reader.wrong(tree.at, "the require asks for nothing", hint)
    _check_obligations(reader, rule)
    if rule.declassify is not None and (
        not isinstance(rule.outcome, Masked) or rule.outcome.mask == "null"
    ):
        hint = "write it beside a mask; figures have `aggregate_only: {declassify: ...}`"
        reader.wrong(rule.place("declassify"), "nothing is masked that could be declassified", hint)
    if rule.rows is not None and not reads_row(rule.rows):
        reader.wrong(rule.place("rows"), "`rows` does not speak of a row", "write it as `when`")
    at = rule.place("resources", "policy")
    if rule.effect == "permit":
        if not (selector.placed or selector.share or selector.owners):
            hint = "categories and levels only bound a permit; add types, fields, share or owner"
            reader.wrong(at, "the permit does not say what it covers", hint)
        if "at_least" in reader.places:
            hint = "raising a label would let the permit reach further; write `at_most`"
            reader.wrong(reader.places["at_least"], "a permit cannot say `at_least`", hint)
        if "subjects" not in tree.entries and "when" not in tree.entries:
            hint = "add `subjects: {...}`"
            reader.wrong(tree.at, "the permit does not say whom it is for", hint)
    elif "at_most" in reader.places:
        hint = f"raising a label would let the {rule.effect} go; write `at_least`"
        reader.wrong(reader.places["at_most"], f"a {rule.effect} cannot say `at_most`", hint)
    if rule.functions is not None and "aggregate" not in rule.modes:
        hint = "add `aggregate` to `modes`, or delete `functions`"
        reader.wrong(rule.place("functions"), "`functions` without the mode `aggregate`", hint)


def _check_obligations(reader: Reader, rule: Rule) -> None:
    if rule.obligations and rule.effect == "forbid":
        hint = "obligations go with a permit or a require"
        reader.wrong(rule.place("obligations"), "a forbid cannot have obligations", hint)
    figures = any(isinstance(one, AggregateOnly) for one in rule.obligations)
    if figures and rule.effect == "permit" and not rule.modes <= FIGURES:
        hint = "write `modes: [group, aggregate, count]`"
        at = rule.place("obligation:aggregate_only", "obligations")
        reader.wrong(at, "a permit for figures alone lists other modes", hint)


def _effect(reader: Reader, node: Node, what: str) -> str | None:
    return reader.choice(node, what, get_args(Effect))


def read_modes(reader: Reader, node: Node, what: str) -> frozenset[UseMode] | None:
    """Use modes; groups are spelt out."""
    words = reader.choices(node, what, MODE_WORDS)
    if words is None:
        return None
    found: set[Any] = set()
    for word in words:
        found |= MODE_GROUPS.get(word, {word})
    return frozenset(found)


def _functions(reader: Reader, node: Node, what: str) -> frozenset[str] | None:
    words = reader.choices(node, what, AGGREGATE_FUNCTIONS)
    return None if words is None else frozenset(words)


def _resources(reader: Reader, node: Node, what: str) -> Selector | None:
    found = reader.keys(node, RESOURCE_KEYS, what)
    return Selector(
        types=frozenset(found.get("types", ())),
        fields=frozenset(found.get("fields", ())),
        categories=frozenset(found.get("categories", ())),
        level=found.get("level"),
        share=found.get("share"),
        owners=frozenset(found.get("owner", ())),
    )


def _listed(kind: str) -> Way:
    def read(reader: Reader, node: Node, what: str) -> tuple[str, ...] | None:
        words = reader.texts(node, what)
        items = getattr(node, "items", [node])
        for word, item in zip(words or (), items, strict=False):
            reader.places.setdefault(f"{kind}:{word}", item.at)
            if kind == "fields" and not ELEMENT.match(word):
                hint = "write `Type.field` or `Type.*`; whole types stand in `types`"
                reader.wrong(item.at, f"`{shown(word)}` is not a field", hint)
        return words

    return read


def _level(reader: Reader, node: Node, what: str) -> LevelRef | None:
    found = reader.only(node, what, "write `{at_most: G3}` or `{at_least: G4}`")
    if found is None:
        return None
    key, at, child = found
    if key not in ("at_least", "at_most"):
        reader.wrong(at, f"{what} has no key `{shown(key)}`", "write `at_least` or `at_most`")
        return None
    reader.places[key] = at
    ref = read_level(reader, child, what)
    return None if ref is None else LevelRef(*ref)


def _share(reader: Reader, node: Node, what: str) -> str | None:
    return reader.choice(node, what, get_args(Share))


def _window(reader: Reader, node: Node, what: str) -> Window | None:
    found = reader.keys(node, WINDOW_KEYS, what)
    if ("from" in found) != ("to" in found):
        reader.wrong(node.at, f"{what} has only one of `from` and `to`", "write both")
        return None
    return Window(
        days=frozenset(DAYS.index(day) for day in found.get("days", DAYS)),
        start=found.get("from", 0),
        end=found.get("to", 24 * 60),
        zone=found.get("zone", "UTC"),
        first=found.get("first"),
        last=found.get("last"),
    )


def _declassify(reader: Reader, node: Node, what: str) -> Declassified | None:
    ways: dict[str, Way] = {"level": read_level, "reason": Reader.text, "k": read_k}
    found = reader.keys(node, ways, what)
    for key in ("level", "reason"):
        if key not in found and (not isinstance(node, Block) or key not in node.entries):
            hint = "write `declassify: {level: G1, reason: why the masked values need no more}`"
            reader.wrong(node.at, f"{what} has no `{key}`", hint)
    stated = isinstance(node, Block) and "k" in node.entries
    if not {"level", "reason"} <= found.keys() or (stated and "k" not in found):
        return None
    reason = " ".join(found["reason"].split())
    if len(reason) > _LONGEST_REASON:
        hint = f"write at most {_LONGEST_REASON} characters"
        reader.wrong(node.at, f"the `reason` of {what} is too long", hint)
        return None
    ladder, level = found["level"]
    return Declassified(ladder, level, reason, found.get("k", LEAST_SHARED))


def _days(reader: Reader, node: Node, what: str) -> tuple[str, ...] | None:
    return reader.choices(node, what, DAYS)


def _clock(reader: Reader, node: Node, what: str) -> int | None:
    text = reader.text(node, what)
    found = _CLOCK.match(text or "")
    if found is None:
        if text is not None:
            reader.wrong(node.at, f"{what} is not a time of day", 'write `"08:00"`')
        return None
    minutes = int(found[1]) * 60 + int(found[2])
    return min(minutes, 24 * 60)


def read_zone(reader: Reader, node: Node, what: str) -> str | None:
    """A time zone by name or offset."""
    text = reader.text(node, what)
    try:
        zone_of(text or "UTC")
    except ValueError:
        reader.wrong(node.at, f"{what} is not a time zone", 'write `Asia/Shanghai` or `"+08:00"`')
        return None
    return text


def read_date(reader: Reader, node: Node, what: str) -> str | None:
    """An ISO date."""
    text = reader.text(node, what)
    try:
        return None if text is None else dt.date.fromisoformat(text).isoformat()
    except ValueError:
        reader.wrong(node.at, f"{what} is not a date", "write `2026-12-31`")
        return None


RULE_KEYS: dict[str, Way] = {
    "policy": read_name,
    "version": read_version,
    "owner": Reader.text,
    "about": Reader.by_language,
    "effect": _effect,
    "subjects": read_subjects,
    "resources": _resources,
    "modes": read_modes,
    "functions": _functions,
    "when": read_condition,
    "unless": read_condition,
    "rows": read_condition,
    "outcome": read_outcome,
    "declassify": _declassify,
    "window": _window,
    "obligations": read_obligations,
}
RESOURCE_KEYS: dict[str, Way] = {
    "types": _listed("types"),
    "fields": _listed("fields"),
    "categories": _listed("categories"),
    "level": _level,
    "share": _share,
    "owner": _listed("owner"),
}
WINDOW_KEYS: dict[str, Way] = {
    "days": _days, "from": _clock, "to": _clock, "zone": read_zone, "first": read_date,
    "last": read_date,
}  # fmt: skip
