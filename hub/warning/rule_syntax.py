"""Rules of early warning as YAML documents; every problem with ``file:line:column`` and a mend."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.warning.rule import KINDS, SEVERITIES, Kind, Owner, Rule
from policies.naming import ELEMENT, read_name
from policies.positions import Block, Leaf, Node, parse, shown
from policies.reading import Reader, Way
from policies.window import SECONDS
from schema.errors import CODES, HubError, ManyErrors
from schema.model.names import DepartmentName
from schema.model.subject import Subject

MEASURES: Mapping[str, tuple[str, ...]] = {
    "volume": ("operations", "rows"),
    "enumeration": ("opens", "misses", "lookups", "repeats"),
}
_DURATION = re.compile(r"([1-9][0-9]{0,3}) (minute|hour|day|week)s?\Z")
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])\Z")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}\Z")


def read_rules(text: str, path: str) -> tuple[Rule, ...]:
    """The rules of one text. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    reader = Reader(path)
    rules: dict[str, Rule] = {}
    for tree in parse(text, reader.report):
        if isinstance(tree, Leaf) and tree.empty:
            continue
        rule = _rule(reader, tree)
        if rule is None:
            continue
        if rule.name in rules:
            message = f"two rules have the name `{shown(rule.name)}`"
            reader.wrong(rule.places["warning"], message, "give each a name of its own")
        rules[rule.name] = rule
    reader.report.raise_any()
    return tuple(rules.values())


def read_all_rules(texts: Iterable[tuple[str, str]]) -> tuple[Rule, ...]:
    """The rules of (text, path) pairs. Raises: `ManyErrors` POLICY_INVALID, also for a name that
    two files give."""
    problems: list[HubError] = []
    rules: dict[str, Rule] = {}
    for text, path in texts:
        try:
            read = read_rules(text, path)
        except ManyErrors as error:
            problems += error.problems
            continue
        for rule in read:
            other = rules.setdefault(rule.name, rule)
            if other is not rule:
                hint = f"the first stands in {other.path}; give each a name of its own"
                message = f"two rules have the name `{rule.name}`"
                problems.append(HubError("POLICY_INVALID", message, where=at(rule), hint=hint))
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return tuple(rules.values())


def at(rule: Rule, key: str = "warning") -> str:
    """Where a key of a rule is written."""
    place = rule.places.get(key, rule.places["warning"])
    return f"{rule.path}:{place.line}:{place.column}"


def _rule(reader: Reader, tree: Node) -> Rule | None:
    known = len(reader.report.problems)
    if not isinstance(tree, Block) or "warning" not in tree.entries:
        reader.wrong(tree.at, "this is no rule of early warning", "begin with `warning: some-name`")
        return None
    places = {key: place for key, (place, _) in tree.entries.items()}
    kind = _kind(reader, tree)
    if kind is None:
        return None
    found = reader.keys(tree, {**_EVERY, **_KEYS[kind]}, f"a rule of kind `{kind}`")
    for key in ("title", "owner", *_NEEDED.get(kind, ())):
        if key not in tree.entries:
            reader.wrong(tree.at, f"the rule has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    rule = _made(kind, found, reader.report.path, places)
    return rule if _whole(reader, rule) else None


def _made(kind: Kind, found: dict[str, Any], path: str, places: Mapping[str, Any]) -> Rule:
    found = dict(found)
    del found["kind"]
    name = found.pop("warning")
    for key, field in _RENAMED.items():
        if key in found:
            found[field] = found.pop(key)
    if kind == "enumeration":
        found.setdefault("of", "opens")
    return Rule(name=name, kind=kind, path=path, places=places, **found)


def _kind(reader: Reader, tree: Block) -> Kind | None:
    entry = tree.entries.get("kind")
    if entry is None:
        hint = f"add `kind:` and one of {', '.join(f'`{kind}`' for kind in KINDS)}"
        reader.wrong(tree.at, "the rule has no `kind`", hint)
        return None
    word = reader.choice(entry[1], "`kind`", KINDS)
    return next((kind for kind in KINDS if kind == word), None)


def _whole(reader: Reader, rule: Rule) -> bool:
    """Whether the keys of a rule go together."""
    places = rule.places
    here = places["warning"]
    if rule.kind == "late" and rule.owner.app is not None:
        # fails closed: how old a source's data is would be told beyond what the application asks
        reader.wrong(places["owner"], "this kind is for staff", "write `owner: {duty: ...}`")
        return False
    if rule.owner.app is not None and rule.apps - {rule.owner.app}:
        reader.wrong(
            places["apps"], "an application is told of itself only",
            f"leave `apps` out: it is `{shown(rule.owner.app)}`",
        )  # fmt: skip
        return False
    if rule.kind == "volume" and (rule.window_s % 3_600 or rule.window_s > 86_400):
        hint = "write `1 hour` to `24 hours`"
        reader.wrong(places["window"], "`window` is not of whole hours up to a day", hint)
        return False
    if rule.window_s % 300 or rule.window_s > 86_400:
        hint = "write `5 minutes` to `1 day`, in fives of minutes"
        reader.wrong(places["window"], "`window` cannot be this long", hint)
        return False
    if rule.kind == "enumeration" and (rule.of == "lookups") != bool(rule.fields):
        hint = "`of: lookups` names `fields`, the others name `types` or nothing"
        reader.wrong(places.get("of", here), "`of` and `fields` do not go together", hint)
        return False
    if rule.kind == "volume" and rule.types and rule.of != "rows":
        reader.wrong(places["types"], "operations are not counted by type", "write `of: rows`")
        return False
    if rule.kind == "hours" and rule.start >= rule.end:
        hint = "write the beginning and the end of the working day"
        reader.wrong(places["from"], "the working day ends before it begins", hint)
        return False
    return True


def _owner(reader: Reader, node: Node, what: str) -> Owner | None:
    known = len(reader.report.problems)
    found = reader.keys(node, _OWNER, what)
    if len(reader.report.problems) > known:
        return None
    duty, app = found.pop("duty", None), found.get("app")
    if (duty is None) == (app is None) or (duty is not None and found):
        # fails closed: a rule that is nobody's would be told of everything
        hint = "write `{duty: security-officer}`, or `{app: ..., purpose: ...}` and its attributes"
        reader.wrong(node.at, f"{what} is neither staff with a duty nor an application", hint)
        return None
    if duty is not None:
        return Owner(duty=duty)
    purpose = found.pop("purpose", None)
    for name in ("roles", "compartments"):
        found[name] = frozenset(found.get(name, ()))
    if "department" in found:
        found["department"] = DepartmentName(found["department"])
    purposes = frozenset() if purpose is None else frozenset({purpose})
    return Owner(subject=Subject(id=f"app:{app}", purposes=purposes, **found), purpose=purpose)


def _duration(reader: Reader, node: Node, what: str) -> int | None:
    text = reader.text(node, what)
    match = None if text is None else _DURATION.match(text)
    if match is None:
        reader.wrong(node.at, f"{what} is not a time", "write as `30 minutes`, `6 hours`, `2 days`")
        return None
    return int(match[1]) * SECONDS[match[2]]


def _time(reader: Reader, node: Node, what: str) -> int | None:
    text = reader.text(node, what)
    match = None if text is None else _TIME.match(text)
    minutes = None if match is None else int(match[1]) * 60 + int(match[2])
    if minutes is None or minutes > 1_440 or minutes % 5:
        hint = "write hours and minutes in fives, as `08:30`"
        reader.wrong(node.at, f"{what} is not a time of day", hint)
        return None
    return minutes


def _spread(reader: Reader, node: Node, what: str) -> float | None:
    text = reader.number(node, what)
    if text is None:
        return None
    if not 0 < float(text) <= 1_000:
        reader.wrong(node.at, f"{what} is not above 0 and at most 1000", "write `3.5`")
        return None
    return float(text)


def _set(reader: Reader, node: Node, what: str) -> frozenset[str] | None:
    found = reader.texts(node, what)
    return None if found is None else frozenset(found)


def _named(check: Callable[[str], Any], hint: str) -> Way:
    def read(reader: Reader, node: Node, what: str) -> frozenset[str] | None:
        found = reader.texts(node, what)
        for word in found or ():
            if not check(word):
                reader.wrong(node.at, f"{what} cannot be `{shown(word)}`", hint)
                return None
        return None if found is None else frozenset(found)

    return read


def _of(kind: str) -> Way:
    return lambda reader, node, what: reader.choice(node, what, MEASURES[kind])


def _number(least: int) -> Way:
    return lambda reader, node, what: reader.whole(node, what, least=least)


_OWNER: dict[str, Way] = {
    "duty": Reader.text,
    "app": Reader.text,
    "purpose": Reader.text,
    "department": Reader.text,
    "org_kind": Reader.text,
    "tier": Reader.text,
    "region": Reader.text,
    "roles": Reader.texts,
    "compartments": Reader.texts,
    "clearance": Reader.levels,
}
_EVERY: dict[str, Way] = {
    "warning": read_name,
    "title": Reader.by_language,
    "kind": Reader.text,
    "owner": _owner,
    "severity": lambda reader, node, what: reader.choice(node, what, SEVERITIES),
    "tell": Reader.texts,
    "quiet": _duration,
}
_APPS: dict[str, Way] = {"apps": _set}
_TYPES: dict[str, Way] = {"types": _named(_TYPE.match, "write a type as `Person`")}
_FIELDS: dict[str, Way] = {
    "fields": _named(
        lambda word: ELEMENT.match(word) and not word.endswith("*"), "write `Type.field`"
    )
}
_KEYS: dict[Kind, dict[str, Way]] = {
    "volume": {
        **_APPS, **_TYPES, "of": _of("volume"), "window": _duration, "least": _number(1),
        "most": _number(1), "weeks": _number(3), "spread": _spread,
    },
    "first_use": {**_APPS, **_TYPES, **_FIELDS, "learn": _duration},
    "hours": {
        **_APPS, "calendar": Reader.text, "from": _time, "to": _time, "least": _number(1),
    },
    "enumeration": {
        **_APPS, **_TYPES, **_FIELDS, "of": _of("enumeration"), "window": _duration,
        "least": _number(2),
    },
    "probing": {
        **_APPS, "codes": _named(CODES.__contains__, "write a code of docs/errors.md"),
        "window": _duration, "least": _number(1),
    },
    "lapse": {**_APPS, "days": _number(1)},
    "late": {"sources": _set, "grace": _duration},
}  # fmt: skip
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "volume": ("least",),
    "hours": ("calendar", "from", "to"),
    "enumeration": ("least",),
    "probing": ("least",),
}
_RENAMED = {
    "quiet": "quiet_s", "window": "window_s", "learn": "learn_s", "grace": "grace_s",
    "from": "start", "to": "end",
}  # fmt: skip
