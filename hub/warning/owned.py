"""Whether a rule's owner may be told: asked again each time, by the rules in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.warning.rule import Rule, filter_use
from hub.warning.rule_syntax import at
from policies.engine import Engine
from policies.ruling import Allow
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.subject import Context

LONGEST = 800
"""Days that a grant's end may be told ahead."""


def permitted(engine: Engine, rule: Rule, elements: Iterable[str], now: float) -> bool:
    """Whether the owner may use all of these elements as filters now.

    Staff with a duty may be told of every element; an application only of what it could find out
    by asking.
    """
    subject = rule.owner.subject
    if subject is None:
        return True
    uses = [filter_use(element) for element in sorted(elements)]
    if not uses:
        return True
    if any(not known(engine.catalogue, use.coordinate) for use in uses):
        return False  # fails closed: what is not there any more is nobody's to filter by
    ruling = engine.rule(subject, uses, Context(purpose=rule.owner.purpose, now=now))
    return all(isinstance(ruling.outcomes[use], Allow) for use in uses)


def known(catalogue: Catalogue, element: str) -> bool:
    """Whether a catalogue has a type or a field."""
    name, dot, field = element.partition(".")
    entity = next((one for key, one in catalogue.types.items() if key == name), None)
    if entity is None:
        return False
    return not dot or any(field == one for one in (*entity.fields, *entity.relations))


def check_rules(
    rules: Sequence[Rule], engine: Engine, *, duties: Iterable[str], receivers: Iterable[str]
) -> None:
    """Whether rules fit this hub. Raises: `ManyErrors` POLICY_INVALID with every problem."""
    duties, receivers = frozenset(duties), frozenset(receivers)
    problems: list[HubError] = []

    def wrong(rule: Rule, key: str, message: str, hint: str) -> None:
        problems.append(HubError("POLICY_INVALID", message, where=at(rule, key), hint=hint))

    for rule in rules:
        if rule.owner.duty is not None and rule.owner.duty not in duties:
            # fails closed: whoever has some other duty is not told of every application
            wrong(
                rule, "owner", f"the duty `{rule.owner.duty}` is not one that is warned",
                "an operator sets `warnings.duties`",
            )  # fmt: skip
        for name in rule.tell:
            if name not in receivers:
                hint = "an operator declares it among `warnings.receivers`"
                wrong(rule, "tell", f"there is no receiver `{name}`", hint)
        for element in sorted(rule.types):
            if not known(engine.catalogue, element):
                wrong(rule, "types", f"there is no type `{element}`", "`hub schema` prints them")
        for element in sorted(rule.fields):
            if not known(engine.catalogue, element):
                wrong(rule, "fields", f"there is no field `{element}`", "`hub schema` prints them")
        for name in sorted(rule.sources):
            if not any(name == source for source in engine.catalogue.sources):
                wrong(rule, "sources", f"there is no source `{name}`", "`hub source list`")
        if rule.calendar and rule.calendar not in engine.packs.calendars:
            hint = f"the packs have {', '.join(sorted(engine.packs.calendars)) or 'none'}"
            wrong(rule, "calendar", f"there is no calendar `{rule.calendar}`", hint)
        if rule.days > LONGEST:
            wrong(rule, "days", f"`days` is over {LONGEST}", "write less")
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
