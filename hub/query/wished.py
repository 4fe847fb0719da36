"""What an answer tells in its extensions because the request asks for it.

Only of fields that the answer itself shows, by type and field and never by row: where a field's
values come from, as of when, how the field is labelled, what decided on it, and whether sources
that the caller may read alike have different values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from hub.query.run import Run
from policies.ruling import Allow, Masked, Outcome, Rowwise, Ruling
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.names import SourceName, split_coordinate
from schema.model.use import FieldUse

_SHOWN = frozenset({"project", "group", "aggregate"})
_GRANT = "grant."


def wished(
    wants: frozenset[str],
    run: Run,
    uses: Iterable[FieldUse],
    ruling: Ruling,
    catalogue: Catalogue,
    now: float,
) -> Mapping[str, Any]:
    """The entries of ``extensions``. Cost: one entry for each field of the operation."""
    told: dict[str, Any] = {}
    if "norms" in wants:
        told["norms"] = {".".join(path): dict(found) for path, found in run.outside.items()}
    if "provenance" in wants:
        told["provenance"] = _provenance(run, uses, ruling, catalogue, now)
    return told


def _provenance(
    run: Run, uses: Iterable[FieldUse], ruling: Ruling, catalogue: Catalogue, now: float
) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for use in uses:
        outcome = ruling.outcomes.get(use)
        # fails closed: of what is null, refused or hidden nothing is told, not even its source
        if use.mode not in _SHOWN or not isinstance(outcome, Allow | Masked | Rowwise):
            continue
        if use.coordinate in found:
            continue
        field = catalogue.field(use.coordinate)
        if field is None:
            continue
        entity = catalogue.types[split_coordinate(use.coordinate)[0]]
        entry: dict[str, Any] = {
            "sources": [
                _source(one, run, catalogue, now) for one in _given(entity, field, catalogue)
            ],
            "label": _label(field),
            "outcome": _word(outcome),
        }
        # a grant is the caller's own; other rules are not told to who asks
        grants = [r for r in ruling.reasons.get(use, ()) if r.startswith(_GRANT)]
        if grants:
            entry["grants"] = [rule.removeprefix(_GRANT) for rule in grants]
        compared = run.contests.get(use.coordinate)
        if compared is not None:
            entry["disagreement"] = _disagreement(field, compared)
        found[use.coordinate] = entry
    return found


def _word(outcome: Outcome) -> str:
    if isinstance(outcome, Masked):
        return outcome.mask
    return "by row" if isinstance(outcome, Rowwise) else "allowed"


def _given(entity: EntityType, field: Field, catalogue: Catalogue) -> list[SourceName]:
    """The sources that the field's values may be from."""
    own = entity.anchor if field.name in entity.key else field.source
    if field.on_conflict != "latest":
        return [own]
    held = catalogue.bindings[entity.name]
    others = (name for name in sorted(held) if field.name in held[name].columns)
    return [own, *(name for name in others if name != own)]


def _source(name: SourceName, run: Run, catalogue: Catalogue, now: float) -> dict[str, Any]:
    decl = catalogue.sources[name]
    told: dict[str, Any] = {"department": decl.department}
    if decl.title:
        told["title"] = dict(decl.title)
    as_of = run.as_of.get(name)
    if as_of is None:
        return told  # it was not asked, or did not answer
    if not as_of:
        as_of = run.world.newest(name)
    if as_of:
        # whole minutes: when exactly a source was written may tell who was written of
        told["asOf"] = _moment(as_of - as_of % 60)
    else:
        told["fetchedAt"] = _moment(now)
    return told


def _moment(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _label(field: Field) -> dict[str, Any]:
    label = field.label
    told: dict[str, Any] = {"levels": dict(label.levels)}
    if label.categories:
        told["categories"] = sorted(label.categories)
    if label.compartments:
        told["compartments"] = sorted(label.compartments)
    return told


def _disagreement(field: Field, compared: list[int | None]) -> dict[str, Any]:
    told: dict[str, Any] = {"given": field.on_conflict, "rows": sum(one or 0 for one in compared)}
    if None in compared:
        told["compared"] = False
    return told
