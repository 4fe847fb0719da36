"""How obligations are written: a list of words and of ``word: {...}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

from policies.condition_syntax import read_level
from policies.obligation import (
    AggregateOnly,
    CaseRequired,
    NoOnwardTransfer,
    NoStore,
    Notify,
    Obligation,
    Quota,
    QuotaHolder,
    QuotaUnit,
    Retain,
    StepUp,
    Told,
    Watermark,
)
from policies.positions import Block, Leaf, Node, Place, Row, did_you_mean, shown
from policies.reading import Reader, Way
from policies.window import SECONDS

_LEAST_K = 2
_LONGEST = 200


def read_obligations(reader: Reader, node: Node, what: str) -> tuple[Obligation, ...] | None:
    """The obligations of a rule."""
    items = node.items if isinstance(node, Row) else [node]
    if not items:
        reader.wrong(node.at, f"{what} is empty", "list at least one, or delete the key")
        return None
    found = [_one(reader, item, what) for item in items]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _one(reader: Reader, node: Node, what: str) -> Obligation | None:
    if isinstance(node, Leaf):
        entry: tuple[str, Place, Node] | None = (node.text, node.at, Block({}, node.at))
    else:
        entry = reader.only(node, f"an item of {what}", "write `case_id`, or `retain: {days: 90}`")
    if entry is None:
        return None
    word, at, child = entry
    way = WAYS.get(word)
    if way is None:
        reader.wrong(at, f"there is no obligation `{shown(word)}`", did_you_mean(word, WAYS))
        return None
    reader.places.setdefault(f"obligation:{word}", at)
    return way(reader, child, f"the obligation `{word}`")


def _bare(obligation: Obligation) -> Callable[[Reader, Node, str], Obligation | None]:
    def read(reader: Reader, node: Node, what: str) -> Obligation | None:
        return obligation if not reader.keys(node, {}, what) else None

    return read


def _whole(least: int) -> Way:
    return lambda reader, node, what: reader.whole(node, what, least=least)


read_k: Way = _whole(_LEAST_K)
"""Over, or by, at least how many persons."""


def _needed(reader: Reader, node: Node, found: Mapping[str, object], what: str, key: str) -> bool:
    if key in found:
        return True
    reader.wrong(node.at, f"{what} has no `{key}`", f"add `{key}: ...`")
    return False


def _step_up(reader: Reader, node: Node, what: str) -> Obligation | None:
    found = reader.keys(node, {"acr": Reader.texts}, what)
    return StepUp(found["acr"]) if _needed(reader, node, found, what, "acr") else None


def _declassify(reader: Reader, node: Node, what: str) -> tuple[tuple[str, str], ...] | None:
    level = read_level(reader, node, what)
    return None if level is None else (level,)


def _aggregate_only(reader: Reader, node: Node, what: str) -> Obligation | None:
    ways: dict[str, Way] = {"k": read_k, "round_to": _whole(1), "dimensions": _whole(0),
            "declassify": _declassify}  # fmt: skip
    found = reader.keys(node, ways, what)
    return AggregateOnly(**found) if _needed(reader, node, found, what, "k") else None


def _quota(reader: Reader, node: Node, what: str) -> Obligation | None:
    units: tuple[QuotaUnit, ...] = get_args(QuotaUnit)
    ways: dict[str, Way] = {unit: _whole(1) for unit in units}
    ways["per"] = lambda reader, node, what: reader.choice(node, what, SECONDS)
    ways["by"] = lambda reader, node, what: reader.choice(node, what, get_args(QuotaHolder))
    found = reader.keys(node, ways, what)
    named = [unit for unit in units if unit in found]
    if len(named) != 1:
        hint = "write `quota: {persons: 5000, per: day}`"
        reader.wrong(node.at, f"{what} does not count one thing: rows, persons or calls", hint)
        return None
    if not _needed(reader, node, found, what, "per"):
        return None
    return Quota(named[0], found[named[0]], SECONDS[found["per"]], found.get("by", "app"))


def _watermark(reader: Reader, node: Node, what: str) -> Obligation | None:
    text = reader.text(node, what)
    if text is not None and len(text) > _LONGEST:
        reader.wrong(node.at, f"{what} is too long", f"write at most {_LONGEST} characters")
        return None
    return None if text is None else Watermark(text)


def _notify(reader: Reader, node: Node, what: str) -> Obligation | None:
    words: dict[str, Told] = {"owner": "owner", "officer": "officer"}
    whom = reader.choice(node, what, words)
    return None if whom is None else Notify(words[whom])


def _retain(reader: Reader, node: Node, what: str) -> Obligation | None:
    found = reader.keys(node, {"days": _whole(1)}, what)
    return Retain(found["days"]) if _needed(reader, node, found, what, "days") else None


WAYS: dict[str, Callable[[Reader, Node, str], Obligation | None]] = {
    "aggregate_only": _aggregate_only,
    "quota": _quota,
    "step_up": _step_up,
    "case_id": _bare(CaseRequired()),
    "watermark": _watermark,
    "notify": _notify,
    "retain": _retain,
    "no_store": _bare(NoStore()),
    "no_onward_transfer": _bare(NoOnwardTransfer()),
}
