"""Written labels to labels of the scheme in force, refused above the instance's ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schema.compose.part import FloorPart, Fragment, LabelPart
from schema.compose.positions import Place, shown
from schema.compose.report import Report, did_you_mean
from schema.model.entity import Floor
from schema.model.label import Label, LabelScheme


class Labeller:
    """Turns `LabelPart` into `Label`; each written label is checked, and told off, once."""

    def __init__(
        self, scheme: LabelScheme, ceiling: Mapping[str, str] | None, report: Report
    ) -> None:
        self.scheme = scheme
        self.ceiling = dict(ceiling or {})
        self.report = report
        self.known: dict[tuple[object, ...], Label] = {}
        self.refused: set[tuple[str, Place]] = set()
        self.floors: dict[str, Floor | None] = {}

    def label(self, fragment: Fragment, part: LabelPart) -> Label | None:
        """The label, ``None`` after a problem."""
        content = (part.level, tuple(part.levels.items()), part.categories, part.compartments)
        held = self.known.get(content)
        if held is not None:
            return held
        place = (fragment.path, part.at)
        if place in self.refused:
            return None
        label = self._read(fragment, part)
        if label is None:
            self.refused.add(place)
        else:
            self.known[content] = label
        return label

    def floor(self, fragment: Fragment, part: FloorPart, name: str) -> Floor | None:
        """The floor, ``None`` after a problem."""
        if name not in self.floors:
            levels = self._named(fragment, part)
            self.floors[name] = None if levels is None else Floor(
                name=name,
                outcome=part.outcome,
                purposes=part.purposes,
                min_level=tuple(sorted(levels.items())),
            )  # fmt: skip
        return self.floors[name]

    def _read(self, fragment: Fragment, part: LabelPart) -> Label | None:
        levels = self._named(fragment, part)
        found = [
            self._among(fragment, part, "category", part.categories, self.scheme.categories),
            self._among(fragment, part, "compartment", part.compartments, self.scheme.compartments),
        ]
        if levels is None or not self._served(fragment, part, levels) or not all(found):
            return None
        return Label(
            levels=tuple(sorted(levels.items())),
            categories=frozenset(part.categories),
            compartments=frozenset(part.compartments),
        )

    def _served(self, fragment: Fragment, part: LabelPart, levels: Mapping[str, str]) -> bool:
        """Whether the levels may be registered, and are under the ceiling."""
        # a level that may not be registered is told of as such, not as above the ceiling too
        return all(
            self._registrable(fragment, part, *pair) and self._under_ceiling(fragment, part, *pair)
            for pair in sorted(levels.items())
        )

    def _named(self, fragment: Fragment, part: LabelPart | FloorPart) -> dict[str, str] | None:
        """The levels as the scheme knows them, ``None`` after a problem."""
        levels: dict[str, str] = {}
        good = True
        if part.level is not None:
            ladder = self.scheme.ladder_of(part.level)
            if ladder is None:
                self._unknown_level(fragment, part, part.level)
                good = False
            else:
                levels[ladder.id] = part.level
        for ladder_id, level in part.levels.items():
            ladder = self.scheme.ladder(ladder_id)
            if ladder is None:
                hint = did_you_mean(ladder_id, (known.id for known in self.scheme.ladders))
                message = f"no rule pack knows the ladder `{shown(ladder_id)}`"
                self.report.add(fragment.path, part.at, message, hint)
                good = False
            elif level not in ladder.levels:
                hint = did_you_mean(level, ladder.levels)
                message = f"the ladder `{ladder_id}` has no level `{shown(level)}`"
                self.report.add(fragment.path, part.at, message, hint)
                good = False
            elif levels.setdefault(ladder_id, level) != level:
                message = f"the label says two levels of the ladder `{ladder_id}`"
                self.report.add(fragment.path, part.at, message, "keep one of them")
                good = False
        return levels if good else None

    def _unknown_level(self, fragment: Fragment, part: LabelPart | FloorPart, level: str) -> None:
        several = [ladder.id for ladder in self.scheme.ladders if level in ladder.levels]
        if several:
            message = f"the level `{level}` stands on several ladders"
            hint = f"write `levels: {{{several[0]}: {level}}}`"
        else:
            message = f"no rule pack knows the level `{shown(level)}`"
            hint = did_you_mean(
                level, (known for ladder in self.scheme.ladders for known in ladder.levels)
            )
        self.report.add(fragment.path, part.at, message, hint)

    def _registrable(self, fragment: Fragment, part: LabelPart, ladder_id: str, level: str) -> bool:
        limit = self.scheme.registrable.get(ladder_id)
        ladder = self.scheme.ladder(ladder_id)
        if limit is None or ladder is None:
            return True
        # fails closed: a limit that the ladder does not know lets nothing through
        if limit in ladder.levels and ladder.rank(level) <= ladder.rank(limit):
            return True
        self.report.add(
            fragment.path,
            part.at,
            f"data of the level `{level}` may not be registered, whatever this hub's ceiling",
            f"the rule packs bar all above `{shown(limit)}` of `{ladder_id}`; delete the field, "
            "and tell whoever keeps its secrecy that it was declared",
        )
        return False

    def _under_ceiling(
        self, fragment: Fragment, part: LabelPart, ladder_id: str, level: str
    ) -> bool:
        limit = self.ceiling.get(ladder_id)
        ladder = self.scheme.ladder(ladder_id)
        if limit is None or ladder is None:
            return True
        # fails closed: a ceiling that the ladder does not know lets nothing through
        if limit in ladder.levels and ladder.rank(level) <= ladder.rank(limit):
            return True
        self.report.add(
            fragment.path,
            part.at,
            f"the level `{level}` is above this hub's ceiling `{shown(limit)}`",
            "data of this level may not be served here; delete the field from the fragment",
        )
        return False

    def _among(
        self,
        fragment: Fragment,
        part: LabelPart,
        noun: str,
        words: Iterable[str],
        known: Iterable[str],
    ) -> bool:
        unknown = [word for word in words if word not in frozenset(known)]
        for word in unknown:
            message = f"no rule pack knows the {noun} `{shown(word)}`"
            self.report.add(fragment.path, part.at, message, did_you_mean(word, known))
        return not unknown
