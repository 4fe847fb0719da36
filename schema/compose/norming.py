"""Norms of fields: which list, form or unit a field is in, and how each source gets there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from schema.compose.codelist import built_in, built_in_names, known_units
from schema.compose.part import CodesPart, FieldPart, Fragment
from schema.compose.positions import shown
from schema.compose.report import Report, did_you_mean
from schema.model.norm import CodeList, Conversion, DateText, Scale, ends, is_date_form
from schema.model.scalar import TEXTUAL, ScalarKind


class Way(NamedTuple):
    """How a source's values become those of the field."""

    values: Mapping[str, str]
    convert: Conversion | None = None
    divided: tuple[str, ...] = ()


class Norms:
    """The code lists of the hub and of all fragments; problems go into the report."""

    def __init__(self, fragments: Sequence[Fragment], report: Report) -> None:
        self.report = report
        self.used: dict[str, CodeList] = {}
        self._own: dict[str, tuple[Fragment, CodesPart]] = {}
        for fragment in fragments:
            for part in fragment.codes:
                self._add(fragment, part)
        for fragment, part in self._own.values():
            self._check(fragment, part)

    def _add(self, fragment: Fragment, part: CodesPart) -> None:
        held = self._own.setdefault(part.name, (fragment, part))
        if part.name in built_in_names():
            message = f"the code list `{part.name}` comes with the hub"
            self.report.add(fragment.path, part.at, message, "rename this one")
        elif held[1] is not part:
            self.report.add(
                fragment.path,
                part.at,
                f"the code list `{part.name}` is declared by `{held[0].source.department}` too",
                f"rename one; the other stands at {held[0].where(held[1].at)}",
            )

    def _check(self, fragment: Fragment, part: CodesPart) -> None:
        if part.of is None:
            return
        norm = self.norm(part.of)
        if norm is None:
            self._nowhere(fragment, part, part.of)
            return
        for code in part.codes.values():
            if code.to is not None and norm.state(code.to) != "known":
                self.report.add(
                    fragment.path,
                    code.at,
                    f"`{shown(code.to)}` is no code of `{norm.name}`",
                    "" if self.report.full else did_you_mean(code.to, norm.codes),
                )

    def _nowhere(self, fragment: Fragment, part: CodesPart | FieldPart, name: str) -> None:
        known = built_in_names() | {n for n, (_, own) in self._own.items() if own.of is None}
        near = "" if self.report.full else did_you_mean(name, known)
        hint = near or "declare it under `codes` of a fragment"
        message = f"there is no code list `{shown(name)}` to write values in"
        self.report.add(fragment.path, part.at, message, hint)

    def norm(self, name: str) -> CodeList | None:
        """The list of a name that fields can be written in; ``None`` without such."""
        own = self._own.get(name)
        if own is None or name in built_in_names():
            return built_in(name)
        part = own[1]
        if part.of is not None:
            return None
        return CodeList(
            name=name,
            title=part.title,
            source=part.source,
            date=part.date,
            codes={code: held.title for code, held in part.codes.items()},
        )

    def field(self, fragment: Fragment, field: FieldPart) -> None:
        """Look up the list that a field is written in, and keep it."""
        if field.codes is None:
            return
        if field.kind is not None and field.kind not in TEXTUAL:
            hint = "give the field `type: String`, or drop `codes`"
            self._wrong(fragment, field, "is written in codes but is not a text", hint)
            return
        norm = self.used.get(field.codes) or self.norm(field.codes)
        if norm is None:
            self._nowhere(fragment, field, field.codes)
        else:
            self.used[norm.name] = norm

    def way(
        self, fragment: Fragment, serving: FieldPart, chosen: FieldPart, kind: ScalarKind
    ) -> Way:
        """How one source's column becomes the field; what cannot be is reported."""
        norm = self.used.get(chosen.codes) if chosen.codes is not None else None
        said = [
            word
            for word, value in (
                ("values", serving.values),
                ("from_codes", serving.from_codes),
                ("from_format", serving.from_format),
                ("from_unit", serving.from_unit),
            )
            if value
        ]
        if len(said) > 1:
            hint = f"keep one of `{'`, `'.join(said)}`"
            self._wrong(fragment, serving, "is converted in several ways", hint)
        elif serving.values:
            self._check_values(fragment, serving, norm)
            return Way(serving.values)
        elif serving.from_codes is not None:
            return self._codes(fragment, serving, serving.from_codes, norm)
        elif serving.from_format is not None:
            return self._date(fragment, serving, serving.from_format, kind)
        elif serving.from_unit is not None:
            return self._unit(fragment, serving, chosen, kind)
        return Way({})

    def _check_values(self, fragment: Fragment, field: FieldPart, norm: CodeList | None) -> None:
        if norm is None:
            return
        for to in field.values.values():
            if norm.state(to) != "known":
                near = "" if self.report.full else did_you_mean(to, norm.codes)
                message = f"is converted to `{shown(to)}`, which is no code of `{norm.name}`"
                self._wrong(fragment, field, message, near)

    def _codes(self, fragment: Fragment, field: FieldPart, name: str, norm: CodeList | None) -> Way:
        if norm is None:
            hint = "add `codes: ...`, the list that the field is written in"
            self._wrong(fragment, field, "comes from codes but is written in none", hint)
            return Way({})
        base, at, day = name.partition("@")
        if base == norm.name and at:
            try:
                since = dt.date.fromisoformat(day) if len(day) == 10 else None
            except ValueError:
                since = None
            if since is None:
                hint = f"write `{base}@2020-12-31`: the codes as they were on that day"
                self._wrong(fragment, field, f"comes from `{shown(name)}`, not of a day", hint)
                return Way({})
            values, divided = norm.since(since)
            return Way(values, divided=tuple(sorted(divided)))
        own = self._own.get(base)
        if base == norm.name and not at:
            return Way({})
        if own is None or at or own[1].of != norm.name:
            leading = [n for n, (_, part) in self._own.items() if part.of == norm.name]
            near = "" if self.report.full else did_you_mean(base, leading)
            hint = near or f"declare it under `codes` with `of: {norm.name}`"
            message = f"comes from `{shown(name)}`, which does not lead to `{norm.name}`"
            self._wrong(fragment, field, message, hint)
            return Way({})
        return Way({code: held.to for code, held in own[1].codes.items() if held.to is not None})

    def _date(self, fragment: Fragment, field: FieldPart, form: str, kind: ScalarKind) -> Way:
        if kind != "Date":
            hint = "give the field `type: Date`, or drop `from_format`"
            self._wrong(fragment, field, "has a form of dates but is no date", hint)
        elif not is_date_form(form):
            hint = "write `yyyymmdd`, `dd.mm.yyyy` and the like: each part once"
            self._wrong(fragment, field, f"has the form `{shown(form)}`, which is none", hint)
        else:
            return Way({}, DateText(form))
        return Way({})

    def _unit(
        self, fragment: Fragment, field: FieldPart, chosen: FieldPart, kind: ScalarKind
    ) -> Way:
        told, units = field.from_unit, known_units()
        assert told is not None  # noqa: S101 - invariant: the caller looked
        ours, theirs = units.get(chosen.unit or ""), units.get(told.unit)
        if kind != "Decimal":
            hint = "give the field `type: Decimal`: only decimals are converted exactly"
            self._wrong(fragment, field, "is converted from a unit but is no decimal", hint)
            return Way({})
        if chosen.unit is None:
            hint = "add `unit: ...`, the unit that the field is in"
            self._wrong(fragment, field, "comes from a unit but is in none", hint)
            return Way({})
        if told.factor is not None:
            factor = Fraction(told.factor)
        elif ours is None or theirs is None or ours.of != theirs.of:
            hint = "" if self.report.full else did_you_mean(told.unit, units)
            message = f"cannot come from `{shown(told.unit)}` to `{shown(chosen.unit)}`"
            more = f"write `from_unit: {{unit: {shown(told.unit)}, factor: ...}}`"
            self._wrong(fragment, field, message, hint if theirs is None and hint else more)
            return Way({})
        else:
            factor = theirs.exact / ours.exact
        if told.digits is None and not ends(factor):
            hint = "say how many digits are kept: `from_unit: {unit: ..., digits: 2}`"
            self._wrong(fragment, field, f"is {factor} times its unit, which never ends", hint)
            return Way({})
        return Way({}, Scale(factor.numerator, factor.denominator, told.digits))

    def _wrong(self, fragment: Fragment, field: FieldPart, message: str, hint: str) -> None:
        self.report.add(fragment.path, field.at, f"field `{field.name}` {message}", hint)
