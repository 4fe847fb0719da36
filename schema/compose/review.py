"""Labels that should be looked at again before they are published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from schema.compose.part import Fragment, LabelPart
from schema.errors import HubError


def overdue(
    fragments: Iterable[Fragment], *, today: dt.date, basis: bool = False
) -> tuple[HubError, ...]:
    """Why fragments may not be published as they are labelled.

    A label whose review date has passed; with `basis`, a level that does not say what it rests
    on. What is published already stays: a date alone never changes a label or stops a hub.
    """
    problems = []
    for fragment in fragments:
        for what, label in _labels(fragment):
            where = fragment.where(label.at)
            if label.review_by is not None and label.review_by < today:
                message = f"the label of {what} was to be reviewed by {label.review_by}"
                hint = "decide on it anew, and write `decided_at` and the next `review_by`"
                problems.append(HubError("FRAGMENT_INVALID", message, where=where, hint=hint))
            if basis and not label.basis:
                message = f"the label of {what} does not say what its level rests on"
                hint = "write `{level: ..., basis: the rule and the decision}`"
                problems.append(HubError("FRAGMENT_INVALID", message, where=where, hint=hint))
    return tuple(problems)


def _labels(fragment: Fragment) -> Iterator[tuple[str, LabelPart]]:
    for part in fragment.types:
        if part.label is not None:
            yield f"type `{part.name}`", part.label
        for field in part.fields.values():
            if field.label is not None:
                yield f"field `{part.name}.{field.name}`", field.label
