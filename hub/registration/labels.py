"""The table of labels and share attributes that an officer decides by."""

from __future__ import annotations

from collections.abc import Iterator

from hub.registration.report import LabelChange, Way
from schema.model.catalogue import Catalogue
from schema.model.entity import Field
from schema.model.label import Label, LabelScheme
from schema.model.names import coordinate

_SHARES = ("unconditional", "conditional", "withheld")


def label_changes(before: Catalogue, after: Catalogue) -> tuple[LabelChange, ...]:
    """What is labelled or shared otherwise, by coordinate."""
    return tuple(_rows(before, after))


def _rows(before: Catalogue, after: Catalogue) -> Iterator[LabelChange]:
    for name in sorted(before.types.keys() | after.types.keys()):
        old = before.types[name].fields if name in before.types else {}
        new = after.types[name].fields if name in after.types else {}
        for field in sorted(old.keys() | new.keys()):
            at = coordinate(name, field)
            yield from _field(str(at), old.get(field), new.get(field), after.scheme)


def _field(
    at: str, before: Field | None, after: Field | None, scheme: LabelScheme
) -> Iterator[LabelChange]:
    labels = tuple("" if one is None else label_text(one.label) for one in (before, after))
    shares = tuple("" if one is None else share_text(one) for one in (before, after))
    if labels[0] != labels[1]:
        way = _end(before, after) or _label_way(before, after, scheme)
        yield LabelChange(coordinate=at, what="label", before=labels[0], after=labels[1], way=way)
    if shares[0] != shares[1]:
        way = _end(before, after) or _share_way(before, after)
        yield LabelChange(coordinate=at, what="share", before=shares[0], after=shares[1], way=way)


def _end(before: Field | None, after: Field | None) -> Way | None:
    if before is None:
        return "new"
    return "gone" if after is None else None


def _label_way(before: Field | None, after: Field | None, scheme: LabelScheme) -> Way:
    assert before is not None and after is not None  # noqa: S101, PT018  # invariant: both are
    up, down = _above(after.label, before.label, scheme), _above(before.label, after.label, scheme)
    return "changed" if up == down else "raised" if up else "lowered"


def _above(one: Label, other: Label, scheme: LabelScheme) -> bool:
    """Whether one asks more than the other of a reader in any way."""
    if one.categories - other.categories or one.compartments - other.compartments:
        return True
    for ladder_id, level in one.levels:
        held, ladder = other.level(ladder_id), scheme.ladder(ladder_id)
        if held is None or ladder is None:
            return True
        if {held, level} <= set(ladder.levels) and ladder.rank(level) > ladder.rank(held):
            return True
    return False


def _share_way(before: Field | None, after: Field | None) -> Way:
    assert before is not None and after is not None  # noqa: S101, PT018  # invariant: both are
    steps = _SHARES.index(after.share) - _SHARES.index(before.share)
    more, less = set(after.conditions), set(before.conditions)
    up, down = steps > 0 or (not steps and bool(more - less)), steps < 0
    down = down or (not steps and bool(less - more))
    return "changed" if up == down else "raised" if up else "lowered"


def label_text(label: Label) -> str:
    """A label in one line: levels, then {categories}, then [compartments]."""
    parts = [level for _, level in label.levels]
    if label.categories:
        parts.append("{" + ", ".join(sorted(label.categories)) + "}")
    if label.compartments:
        parts.append("[" + ", ".join(sorted(label.compartments)) + "]")
    return " ".join(parts) or "none"


def share_text(field: Field) -> str:
    """A share attribute in one line, with what it goes by."""
    by = field.conditions or field.legal_basis
    return f"{field.share} ({', '.join(by)})" if by else field.share
