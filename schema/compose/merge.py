"""Many fragments, one catalogue: owners, authoritative sources, relations, conflicts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from schema.compose.claim import Claim
from schema.compose.clash import report_clashes
from schema.compose.contribution import Contribution, Merged
from schema.compose.labelling import Labeller
from schema.compose.linking import Linker
from schema.compose.norming import Norms
from schema.compose.part import Fragment
from schema.compose.report import Report
from schema.errors import HubError
from schema.model.binding import SourceDecl, TypeBinding
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.label import LabelScheme
from schema.model.names import SourceName, TypeName
from schema.model.norm import CodeList, is_single


def compose(
    fragments: Sequence[Fragment],
    scheme: LabelScheme,
    *,
    ceiling: Mapping[str, str] | None = None,
) -> Catalogue:
    """Merge fragments into a catalogue; their order does not matter.

    `ceiling`: ladder id -> the highest level this instance may serve.
    Raises: `ManyErrors` with every conflict, each naming its file, line and column.
    """
    return compose_with_notes(fragments, scheme, ceiling=ceiling)[0]


def compose_with_notes(
    fragments: Sequence[Fragment],
    scheme: LabelScheme,
    *,
    ceiling: Mapping[str, str] | None = None,
) -> tuple[Catalogue, tuple[HubError, ...]]:
    """As `compose`, together with what was left out of the catalogue, and why."""
    merge = _Merge(fragments, scheme, ceiling)
    return merge.run(), tuple(merge.notes)


def version_of(
    scheme: LabelScheme,
    types: Mapping[TypeName, EntityType],
    sources: Mapping[SourceName, SourceDecl],
    bindings: Mapping[TypeName, Mapping[SourceName, object]],
    lists: Mapping[str, CodeList] = {},
) -> str:
    """The digest of a catalogue's content."""
    hashed = hashlib.sha256()
    encoder = msgspec.json.Encoder(order="deterministic")
    for content in (scheme, types, sources, bindings):
        hashed.update(encoder.encode(content))
        hashed.update(b"\n")
    if lists:
        hashed.update(encoder.encode(lists))
    return hashed.hexdigest()


class _Merge:
    def __init__(
        self,
        fragments: Sequence[Fragment],
        scheme: LabelScheme,
        ceiling: Mapping[str, str] | None,
    ) -> None:
        self.fragments = sorted(fragments, key=lambda one: (one.source.name, one.path))
        self.scheme = scheme
        self.report = Report("COMPOSITION_FAILED")
        self.notes: list[HubError] = []
        self.labeller = Labeller(scheme, ceiling, self.report)

    def run(self) -> Catalogue:
        sources = self._sources()
        norms = Norms(self.fragments, self.report)
        merged: dict[TypeName, Merged] = {}
        claims = self._claims()
        for name in sorted(claims):
            ordered = self._anchored(claims[name])
            if ordered:
                contribution = Contribution(ordered, self.labeller, self.report, self.notes, norms)
                merged[name] = contribution.merge()
        entities = {name: one.entity for name, one in merged.items()}
        types = Linker(self.fragments, entities, claims, self.report, self.notes).link()
        report_clashes(types, {name: claims[name] for name in types}, self.report)
        bindings = {name: one.bindings for name, one in merged.items()}
        self._check_matches(types, bindings)
        self.report.raise_any()
        return Catalogue(
            version=version_of(self.scheme, types, sources, bindings, norms.used),
            scheme=self.scheme,
            types=types,
            sources=sources,
            bindings=bindings,
            lists=norms.used,
        )

    def _check_matches(
        self,
        types: Mapping[TypeName, EntityType],
        bindings: Mapping[TypeName, Mapping[SourceName, TypeBinding]],
    ) -> None:
        """Rows are joined by values that have one form in their source, never by rounded ones."""
        for fragment in self.fragments:
            for part in fragment.relations:
                of, to = types.get(part.of), types.get(part.to)
                ends = ((of, [ours for ours, _ in part.match]), (to, [t for _, t in part.match]))
                for entity, fields in ends:
                    held = {} if entity is None else bindings[entity.name]
                    columns = [one.columns.get(name) for one in held.values() for name in fields]
                    ways = [one.convert for one in columns if one is not None]
                    names = [] if entity is None else [n for n in fields if n in entity.fields]
                    if entity is not None and any(
                        entity.fields[name].on_conflict == "latest" for name in names
                    ):
                        message = f"relation `{part.of}.{part.name}` matches latest values"
                        hint = "match fields whose authoritative source settles them"
                        self.report.add(fragment.path, part.at, message, hint)
                    if any(way is not None and not is_single(way) for way in ways):
                        message = f"relation `{part.of}.{part.name}` matches rounded values"
                        hint = "match fields that are not rounded"
                        self.report.add(fragment.path, part.at, message, hint)

    def _sources(self) -> dict[SourceName, SourceDecl]:
        first: dict[SourceName, Fragment] = {}
        for fragment in self.fragments:
            held = first.setdefault(fragment.source.name, fragment)
            if held is not fragment:
                self.report.add(
                    fragment.path,
                    fragment.source_at,
                    f"the source `{fragment.source.name}` of `{fragment.source.department}` "
                    f"is declared twice; `{held.source.department}` has it too",
                    f"rename one; the other stands at {held.where(held.source_at)}",
                )
        return {name: fragment.source for name, fragment in first.items()}

    def _claims(self) -> dict[TypeName, list[Claim]]:
        claims: dict[TypeName, list[Claim]] = {}
        seen: set[SourceName] = set()
        for fragment in self.fragments:
            if fragment.source.name in seen:
                continue
            seen.add(fragment.source.name)
            for part in fragment.types:
                claims.setdefault(part.name, []).append(Claim(fragment, part))
        return claims

    def _anchored(self, claims: list[Claim]) -> list[Claim]:
        """The declaring claim first; empty after a problem."""
        declaring = [claim for claim in claims if not claim.part.extend]
        extending = [claim for claim in claims if claim.part.extend]
        if not declaring:
            for claim in extending:
                self.report.add(
                    claim.fragment.path,
                    claim.part.at,
                    f"{claim.who} extends the type `{claim.part.name}`, which nobody declares",
                    "delete `extend: true`, or publish the fragment that declares it",
                )
            return []
        first, *rest = declaring
        for claim in rest:
            self.report.add(
                claim.fragment.path,
                claim.part.at,
                f"the type `{claim.part.name}` is declared by {first.who} and by {claim.who}",
                f"the other stands at {first.where()}; write `extend: true` and the same key "
                "in one of them, or rename one",
            )
        return [first, *extending]
