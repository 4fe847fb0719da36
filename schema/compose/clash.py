"""Names that would mean two things in the GraphQL face of a catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schema.compose.claim import Claim
from schema.compose.report import Report
from schema.compose.words import RESERVED_ROOTS
from schema.model.entity import EntityType
from schema.model.names import TypeName

DERIVED = ("Connection", "Edge", "Filter", "Order", "Group", "Aggregate")
"""Endings of the GraphQL types that come with every entity type."""


def report_clashes(
    types: Mapping[TypeName, EntityType],
    claims: Mapping[TypeName, Sequence[Claim]],
    report: Report,
) -> None:
    """Report types named like another's companion types, and root fields that meet."""
    for name in types:
        for ending in DERIVED:
            other = TypeName(f"{name}{ending}")
            if other in types:
                _clash(report, claims, other, name, f"the type name `{other}`", "rename the type")
    roots: dict[str, TypeName] = {}
    for name, entity in types.items():
        for root in _roots(entity):
            held = roots.setdefault(root, name)
            if held != name:
                what = f"the root field `{root}` of the type `{name}`"
                _clash(report, claims, name, held, what, "say another `singular` or `plural`")
            elif root in RESERVED_ROOTS:
                _clash(
                    report,
                    claims,
                    name,
                    None,
                    f"the root field `{root}` of the type `{name}`",
                    "say another `singular` or `plural`",
                )
        if entity.singular == entity.plural:
            claim = claims[name][0]
            report.add(
                claim.fragment.path,
                claim.part.at,
                f"`singular` and `plural` of the type `{name}` are the same",
                f"write `plural: {entity.singular}List`, or another name",
            )


def _roots(entity: EntityType) -> Iterator[str]:
    yield entity.singular
    if entity.plural != entity.singular:
        yield entity.plural
    yield f"{entity.plural}Aggregate"


def _clash(
    report: Report,
    claims: Mapping[TypeName, Sequence[Claim]],
    name: TypeName,
    held: TypeName | None,
    what: str,
    mend: str,
) -> None:
    claim = _declaring(claims[name])
    if held is None:
        message, hint = f"{what} of {claim.who} is kept for the hub", mend
    else:
        other = _declaring(claims[held])
        message = f"{what} of {claim.who} clashes with the type `{held}` of {other.who}"
        hint = f"{mend}; the other stands at {other.where()}"
    report.add(claim.fragment.path, claim.part.at, message, hint)


def _declaring(claims: Sequence[Claim]) -> Claim:
    return next((claim for claim in claims if not claim.part.extend), claims[0])
