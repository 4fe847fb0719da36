"""Tests of rules as officers write them: a subject, a use, the circumstances, what is expected.

One document each; ``subjects:`` documents give names to subjects for the documents after them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from policies.engine import Engine
from policies.explain import explained
from policies.outcome_syntax import MASK_KEYS
from policies.positions import Block, Leaf, Node, Place, Row, did_you_mean, parse, shown
from policies.reading import Reader, Way
from policies.ruling import Allow, FieldError, Hidden, Masked, Null, Outcome, Reject, Rowwise
from schema.errors import CODES
from schema.model.catalogue import Catalogue
from schema.model.names import Coordinate, TypeName
from schema.model.subject import Context, Subject
from schema.model.use import AGGREGATE_FUNCTIONS, EVERY_MODE, FieldUse

_USE = re.compile(
    r"(?:(?P<mode>[a-z_]+)(?::(?P<function>[A-Za-z]+))? )?(?P<at>[A-Za-z]\w*(?:\.[A-Za-z]\w*)?)\Z"
)
_PLAIN = ("allow", "null", "error", "reject", "hidden", "by_row")
OUTCOME_WORDS = (*_PLAIN, *(mask for mask in MASK_KEYS if mask != "null"))
SUBJECT_WORDS = (
    "app", "user", "department", "org_kind", "tier", "region", "acting_for", "link", "roles",
    "duties", "compartments", "purposes", "clearance",
)  # fmt: skip


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a test."""

    use: FieldUse
    outcome: str
    code: str | None
    because: frozenset[str] | None
    """Names of the deciding rules, with or without their version; ``None``: any."""
    at: Place


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One test."""

    name: str
    subject: Subject
    context: Context
    expectations: tuple[Expectation, ...]
    path: str


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An expectation that is not met."""

    trial: str
    where: str
    expected: str
    found: str
    explanation: str


def read_trials(text: str, path: str) -> tuple[Trial, ...]:
    """The tests of one text. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    reader = Reader(path)
    subjects: dict[str, Subject] = {}
    found: list[Trial] = []
    for tree in parse(text, reader.report):
        if isinstance(tree, Leaf) and tree.empty:
            continue
        if isinstance(tree, Block) and "subjects" in tree.entries:
            subjects |= reader.keys(tree, {"subjects": _subjects}, "a document").get("subjects", {})
        else:
            trial = _trial(reader, tree, subjects)
            if trial is not None:
                found.append(trial)
    reader.report.raise_any()
    return tuple(found)


def read_subjects(text: str, path: str) -> tuple[Subject, ...]:
    """The subjects that the ``subjects:`` documents of a text name; its tests are passed over.

    Raises: `ManyErrors` POLICY_INVALID with every problem.
    """
    reader = Reader(path)
    found: list[Subject] = []
    for tree in parse(text, reader.report):
        if isinstance(tree, Block) and "subjects" in tree.entries:
            held = reader.keys(tree, {"subjects": _subjects}, "a document").get("subjects", {})
            found += held.values()
    reader.report.raise_any()
    return tuple(found)


def try_out(trials: Sequence[Trial], engine: Engine) -> list[Failure]:
    """The expectations that the engine does not meet."""
    return [
        failure
        for trial in trials
        for expectation in trial.expectations
        if (failure := _failure(trial, expectation, engine)) is not None
    ]


def unknown_uses(trials: Sequence[Trial], catalogue: Catalogue) -> list[tuple[str, str, str]]:
    """(where, coordinate, hint) of uses that name nothing in the catalogue, hidden ones apart."""
    found = []
    for trial in trials:
        for expectation in trial.expectations:
            at = expectation.use.coordinate
            hint = _missing(at, catalogue)
            if hint is not None and expectation.outcome != "hidden":
                found.append((f"{trial.path}:{expectation.at.line}", str(at), hint))
    return found


def _missing(at: str, catalogue: Catalogue) -> str | None:
    type_name, _, name = at.partition(".")
    entity = catalogue.types.get(TypeName(type_name))
    if entity is None:
        return did_you_mean(type_name, catalogue.types)
    known = {**entity.fields, **entity.relations}
    return None if not name or name in known else did_you_mean(name, known)


def _failure(trial: Trial, expectation: Expectation, engine: Engine) -> Failure | None:
    told = engine.told(trial.subject, expectation.use, trial.context)
    outcome, code = outcome_word(told.outcome)
    rules = frozenset(rule.partition("@")[0] for rule in told.rules) | frozenset(told.rules)
    because = expectation.because
    right = (
        outcome == expectation.outcome
        and expectation.code in (None, code)
        and (because is None or (because <= rules and len(because) == len(told.rules)))
    )
    if right:
        return None
    place = expectation.at
    return Failure(
        trial=trial.name,
        where=f"{trial.path}:{place.line}:{place.column}",
        expected=_words(expectation.outcome, expectation.code, sorted(because or ())),
        found=_words(outcome, code, told.rules),
        explanation=explained(told, "en"),
    )


def outcome_word(outcome: Outcome) -> tuple[str, str | None]:
    """An outcome as tests write it, with its code."""
    match outcome:
        case Allow():
            return "allow", None
        case Masked(mask=mask):
            return mask, None
        case Null(code=code):
            return "null", code
        case FieldError(code=code):
            return "error", code
        case Reject(code=code):
            return "reject", code
        case Hidden():
            return "hidden", None
        case Rowwise():
            return "by_row", None


def _words(outcome: str, code: str | None, rules: Sequence[str]) -> str:
    told = outcome if code is None else f"{outcome} {code}"
    return f"{told} because {', '.join(rules)}" if rules else told


def _trial(reader: Reader, tree: Node, subjects: Mapping[str, Subject]) -> Trial | None:
    known = len(reader.report.problems)
    if not isinstance(tree, Block):
        reader.wrong(tree.at, "a test is not a mapping", "begin with `test: what it shows`")
        return None

    def subject(reader: Reader, node: Node, what: str) -> Subject | None:
        if not isinstance(node, Leaf):
            return _subject(reader, node, what)
        found = subjects.get(node.text)
        if found is None:
            hint = did_you_mean(node.text, subjects)
            reader.wrong(node.at, f"there is no subject `{shown(node.text)}`", hint)
        return found

    ways: dict[str, Way] = {
        "test": Reader.text, "subject": subject, "context": _context, "expect": _expect
    }  # fmt: skip
    found = reader.keys(tree, ways, "a test")
    for key in ("test", "subject", "expect"):
        if key not in tree.entries:
            reader.wrong(tree.at, f"the test has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    return Trial(
        name=found["test"],
        subject=found["subject"],
        context=found.get("context", Context(now=_NOON)),
        expectations=found["expect"],
        path=reader.report.path,
    )


_NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC).timestamp()
"""When a test that does not say takes place: a Monday."""


def _subjects(reader: Reader, node: Node, what: str) -> dict[str, Subject]:
    block = reader.block(node, what)
    read = {
        name: _subject(reader, child, f"the subject `{shown(name)}`")
        for name, (_, child) in ({} if block is None else block.entries).items()
    }
    return {name: subject for name, subject in read.items() if subject is not None}


def _subject(reader: Reader, node: Node, what: str) -> Subject | None:
    sets = ("roles", "duties", "compartments", "purposes")
    ways: dict[str, Way] = {
        word: Reader.texts if word in sets else Reader.text for word in SUBJECT_WORDS
    }
    ways["clearance"] = Reader.levels
    found: dict[str, Any] = reader.keys(node, ways, what)
    if "app" not in found:
        reader.wrong(node.at, f"{what} has no `app`", "add `app: ...`")
        return None
    attributes: dict[str, Any] = {
        word: frozenset(value) if word in sets else value for word, value in found.items()
    }
    return Subject(id=f"app:{found['app']}", **attributes)


def _context(reader: Reader, node: Node, what: str) -> Context | None:
    ways: dict[str, Way] = dict.fromkeys(
        ("purpose", "network_zone", "acr", "case_id"), Reader.text
    ) | {"at": Reader.moment}
    found = reader.keys(node, ways, what)
    return Context(now=found.pop("at", _NOON), **found)


def _expect(reader: Reader, node: Node, what: str) -> tuple[Expectation, ...] | None:
    items = node.items if isinstance(node, Row) else []
    if not items:
        hint = "write `- {use: Person.name, outcome: allow}` lines below it"
        reader.wrong(node.at, f"{what} is not a list", hint)
        return None
    found = [_expectation(reader, item, f"an item of {what}") for item in items]
    return tuple(one for one in found if one is not None)


def _expectation(reader: Reader, node: Node, what: str) -> Expectation | None:
    ways: dict[str, Way] = {"use": _use, "outcome": _outcome, "because": Reader.texts}
    found = reader.keys(node, ways, what)
    for key in ("use", "outcome"):
        if key not in found:
            if not isinstance(node, Block) or key not in node.entries:
                reader.wrong(node.at, f"{what} has no `{key}`", f"add `{key}: ...`")
            return None
    outcome, code = found["outcome"]
    because = frozenset(found["because"]) if "because" in found else None
    return Expectation(use=found["use"], outcome=outcome, code=code, because=because, at=node.at)


def _use(reader: Reader, node: Node, what: str) -> FieldUse | None:
    text = reader.text(node, what)
    found = None if text is None else read_use(text)
    if text is not None and found is None:
        hint = "write `Person.name`, `filter_eq Person.name`, `aggregate:sum Job.pay` or `list Job`"
        reader.wrong(node.at, f"`{shown(text)}` is not a use", hint)
    return found


def read_use(text: str) -> FieldUse | None:
    """``Person.name``, ``filter_eq Person.name``, ``list Person``; ``None`` for anything else.

    Without a mode a field is read and a type is listed.
    """
    match = _USE.match(text)
    if match is None:
        return None
    at, function = match["at"], match["function"]
    mode = match["mode"] or ("project" if "." in at else "list")
    if mode not in EVERY_MODE or (function in AGGREGATE_FUNCTIONS) is not (mode == "aggregate"):
        return None
    return FieldUse(Coordinate(at), mode, function)  # type: ignore[arg-type]


def _outcome(reader: Reader, node: Node, what: str) -> tuple[str, str | None] | None:
    if isinstance(node, Leaf) and node.plain and node.text in ("null", "~", ""):
        return "null", None
    text = reader.text(node, what)
    if text is None:
        return None
    word, _, code = text.partition(" ")
    if word not in OUTCOME_WORDS:
        hint = did_you_mean(word, OUTCOME_WORDS)
        reader.wrong(node.at, f"{what} cannot be `{shown(word)}`", hint)
        return None
    if code and (word not in ("null", "error", "reject") or code not in CODES):
        reader.wrong(node.at, f"`{shown(code)}` is not a code", did_you_mean(code, CODES))
        return None
    return word, code or None
