"""Lists of break-glass as YAML documents; every problem with ``file:line:column`` and a mend."""

from __future__ import annotations

from collections.abc import Iterable

from policies.breakglass import BreakGlass, Review, widest
from policies.check import check_together
from policies.condition import TRUE
from policies.condition_syntax import read_condition
from policies.grant import grant_bundles
from policies.grant_reading import read_named, read_one_purpose
from policies.grant_syntax import read_fields
from policies.naming import read_name
from policies.packs import Packs
from policies.positions import Block, Leaf, Node, did_you_mean, parse, shown
from policies.reading import Reader, Way
from policies.syntax import MODE_GROUPS, read_modes
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue

_MOST_MINUTES = 24 * 60
_MOST_HOURS = 24 * 31
_NEEDED = ("break_glass", "to", "purpose", "fields", "minutes", "acr", "review")


def read_break_glass(texts: Iterable[tuple[str, str]]) -> tuple[BreakGlass, ...]:
    """The lists of (text, path) pairs. Raises: `ManyErrors` POLICY_INVALID with every problem,
    also for an id that is given twice."""
    problems: list[HubError] = []
    found: dict[str, BreakGlass] = {}
    for text, path in texts:
        reader = Reader(path)
        for tree in parse(text, reader.report):
            if isinstance(tree, Leaf) and tree.empty:
                continue
            one = _list(reader, tree)
            if one is None:
                continue
            if one.id in found:
                message = f"two lists have the id `{shown(one.id)}`"
                hint = f"the first stands in {found[one.id].path}; give each an id of its own"
                reader.wrong(one.places["break_glass"], message, hint)
            found[one.id] = one
        problems += reader.report.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return tuple(found.values())


def check_break_glass(lists: Iterable[BreakGlass], catalogue: Catalogue, packs: Packs) -> None:
    """That the lists fit catalogue and packs, as permits do.

    Raises: `ManyErrors` POLICY_INVALID.
    """
    held = tuple(lists)
    problems: list[HubError] = []
    for one in held:
        name = one.review.clock
        if name is not None and name not in packs.clocks:
            place = one.places["review"]
            where = f"{one.path}:{place.line}:{place.column}"
            message, hint = f"there is no clock `{shown(name)}`", did_you_mean(name, packs.clocks)
            problems.append(HubError("POLICY_INVALID", message, where=where, hint=hint))
    try:
        check_together(grant_bundles(widest(held)), catalogue, packs)
    except ManyErrors as error:
        problems += error.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)


def _list(reader: Reader, tree: Node) -> BreakGlass | None:
    known = len(reader.report.problems)
    if not isinstance(tree, Block):
        reader.wrong(tree.at, "a list is not a mapping", "begin with `break_glass: some-id`")
        return None
    reader.places = {key: at for key, (at, _) in tree.entries.items()}
    found = reader.keys(tree, LIST_KEYS, "a list of break-glass")
    for key in _NEEDED:
        if key not in tree.entries:
            reader.wrong(tree.at, f"the list has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    purpose = found["purpose"]
    return BreakGlass(
        id=found["break_glass"],
        app=found["to"].get("app"),
        department=found["to"].get("department"),
        purposes=purpose.purposes,
        below=purpose.below,
        fields=found["fields"],
        modes=found.get("modes", MODE_GROUPS["read"]),
        rows=found.get("rows", TRUE),
        minutes=found["minutes"],
        acr=found["acr"],
        review=found["review"],
        about=found.get("about", {}),
        path=reader.report.path,
        places=reader.places,
    )


def _bounded(reader: Reader, node: Node, what: str, most: int) -> int | None:
    number = reader.whole(node, what, least=1)
    if number is not None and number > most:
        reader.wrong(node.at, f"{what} is more than {most}", "write a smaller number")
        return None
    return number


def _minutes(reader: Reader, node: Node, what: str) -> int | None:
    return _bounded(reader, node, what, _MOST_MINUTES)


def _hours(reader: Reader, node: Node, what: str) -> int | None:
    return _bounded(reader, node, what, _MOST_HOURS)


def _review(reader: Reader, node: Node, what: str) -> Review | None:
    known = len(reader.report.problems)
    found = reader.keys(node, {"hours": _hours, "clock": Reader.text}, what)
    if len(reader.report.problems) > known:
        return None
    if len(found) != 1:
        hint = "write `{hours: 48}`, or `{clock: NAME}` for a clock of a rule pack"
        reader.wrong(node.at, f"{what} does not say one time", hint)
        return None
    return Review(**found)


LIST_KEYS: dict[str, Way] = {
    "break_glass": read_name,
    "about": Reader.by_language,
    "to": read_named,
    "purpose": read_one_purpose,
    "fields": read_fields,
    "modes": read_modes,
    "rows": read_condition,
    "minutes": _minutes,
    "acr": Reader.texts,
    "review": _review,
}
