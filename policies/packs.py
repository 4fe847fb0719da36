"""Rule packs: the law of a jurisdiction as data, and the product of those in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from policies.clock import Calendar, Clock, Extension, OnExpiry, weekend_of
from policies.pack_file import CalendarPart, ClockPart, PackFile, PackRules, read_pack
from policies.positions import did_you_mean, shown
from policies.window import DAYS, zone_of
from schema.errors import HubError
from schema.model.label import LabelScheme, Ladder

_FOLDER = Path(__file__).with_name("packs")
_MOST_DAYS = 1000
MASK_ORDER = (
    "allow", "noise", "bucket", "generalise", "partial", "hash", "tokenise", "constant", "redact",
    "null",
)  # fmt: skip


LEAST_DISTINCT = 100_000
"""Above every day of birth of people alive, and above every unit of a country's administration."""


class Packs(msgspec.Struct, frozen=True, kw_only=True):
    """The product of the packs in force."""

    ids: tuple[str, ...]
    scheme: LabelScheme
    sensitive: frozenset[str] = frozenset()
    """Categories that a permit must name."""
    purposes: Mapping[str, str | None] = {}
    """purpose -> parent purpose or ``None``."""
    preference: tuple[str, ...] = MASK_ORDER
    """Outcomes from most to least wanted: which of several permits is used."""
    titles: Mapping[str, Mapping[str, str]] = {}
    """Ladder, category, purpose or share attribute -> language -> text."""
    compatibles: Mapping[str, tuple[str, ...]] = {}
    """purpose -> those that a pack says are compatible with it."""
    ages: Mapping[str, int] = {}
    """Categories that hold only in rows about somebody younger -> that age."""
    clocks: Mapping[str, Clock] = {}
    calendars: Mapping[str, Calendar] = {}
    rules: tuple[PackRules, ...] = ()
    """What packs forbid and require by themselves."""
    least_distinct: int = LEAST_DISTINCT
    """Fields of fewer values are neither hashed nor tokenised."""
    distinct: Mapping[str, int] = {}
    """Format or code list -> how many values it has at most."""
    label_basis: bool = False
    """Whether a level must state what it rests on before it is published."""

    def within(self, purpose: str, ancestor: str) -> bool:
        """Whether a purpose is another or lies below it; an unknown purpose lies nowhere."""
        return purpose in self.purposes and ancestor in _lineage(purpose, self.purposes)

    def compatible(self, held_for: str, asked: str) -> bool:
        """Whether what is held for one purpose may be used for another.

        It may for the same purpose, one below it, and what the pack names; nothing follows from
        that in the other direction, for purposes above, or over two steps.
        Source: Regulation (EU) 2016/679, article 6(4).
        """
        named = self.compatibles.get(held_for, ())
        return self.within(asked, held_for) or any(self.within(asked, other) for other in named)

    def category_within(self, category: str, ancestor: str) -> bool:
        """Whether a category is another or lies below it."""
        return ancestor in _lineage(category, self.scheme.categories)


def load(ids: Sequence[str]) -> Packs:
    """Packs by id; an id that ends in ``.yaml`` is the path of a local pack file.

    Order: of no consequence but for `Packs.ids`.
    Raises: `HubError` CONFIG_INVALID for an unknown pack, a faulty file or packs that clash.
    """
    files = _distinct([_read(pack_id) for pack_id in ids])
    merge = _Merge(sorted(files, key=lambda file: file.pack.pack))
    return merge.packs(tuple(file.pack.pack for file in files))


class _Merge:
    """The product of packs, in the order of their names."""

    def __init__(self, files: Sequence[PackFile]) -> None:
        self.files = files
        self.said: dict[tuple[str, str], tuple[object, str]] = {}
        """(kind, name) -> what was said first, and by which pack."""

    def packs(self, ids: tuple[str, ...]) -> Packs:
        ladders = self._ladders()
        categories = self._parents("category", "categories")
        purposes = self._parents("purpose", "purposes")
        packs = [file.pack for file in self.files]
        calendars = self._calendars()
        return Packs(
            ids=ids,
            scheme=LabelScheme(
                ladders=tuple(ladders[name] for name in sorted(ladders)),
                categories=dict(sorted(categories.items())),
                compartments=frozenset(name for pack in packs for name in pack.compartments),
                registrable=self._registrable(ladders),
            ),
            sensitive=frozenset(
                name for pack in packs for name, part in pack.categories.items() if part.sensitive
            ),
            purposes=dict(sorted(purposes.items())),
            preference=_preference(self.files),
            titles=self._titles(),
            compatibles=self._compatibles(purposes),
            ages=self._ages(),
            clocks=self._clocks(calendars),
            calendars=calendars,
            rules=tuple(file.rules for file in self.files if file.rules is not None),
            least_distinct=max(
                (pack.coded.least_distinct or LEAST_DISTINCT for pack in packs),
                default=LEAST_DISTINCT,
            ),
            distinct=self._distinct(),
            label_basis=any(pack.lint.label_basis for pack in packs),
        )

    def _put(self, kind: str, name: str, value: object, file: PackFile, *keys: str) -> None:
        """Two packs may say the same, never different things, of one name."""
        held, by = self.said.setdefault((kind, name), (value, file.pack.pack))
        if held != value:
            message = (
                f"the rule pack `{file.pack.pack}` says something else about the {kind} "
                f"`{shown(name)}` than the pack `{by}`"
            )
            file.refuse(message, "load one of the two, or rename one", *keys)

    def _ladders(self) -> dict[str, Ladder]:
        found: dict[str, Ladder] = {}
        for file in self.files:
            for part in file.pack.ladders:
                ladder = Ladder(id=part.id, levels=part.levels, title=part.title)
                if not part.levels or len(set(part.levels)) < len(part.levels):
                    message = f"the ladder `{shown(part.id)}` has no level, or one twice"
                    file.refuse(message, "list the levels, lowest first", "ladders")
                self._put("ladder", part.id, ladder, file, "ladders")
                found[part.id] = ladder
        return found

    def _parents(self, noun: str, key: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        places: dict[str, PackFile] = {}
        for file in self.files:
            for name, part in getattr(file.pack, key).items():
                self._put(noun, name, part.parent, file, key, name)
                found.setdefault(name, part.parent)
                places.setdefault(name, file)
        for name, parent in found.items():
            if parent is not None and parent not in found:
                message = f"the {noun} `{shown(name)}` has no parent `{shown(parent)}`"
                places[name].refuse(message, did_you_mean(parent, found), key, name, "parent")
            if name in _lineage(parent, found):
                message = f"the {noun} `{shown(name)}` lies below itself"
                places[name].refuse(message, "name another parent, or none", key, name, "parent")
        return found

    def _titles(self) -> dict[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        for file in self.files:
            pack = file.pack
            shares = pack.share_types if isinstance(pack.share_types, dict) else {}
            titled: dict[str, Mapping[str, str]] = {
                **{share: part.title for share, part in shares.items()},
                **{name: part.title for name, part in pack.categories.items()},
                **{name: part.title for name, part in pack.purposes.items()},
            }
            for name, title in titled.items():
                found[name] = {**title, **found.get(name, {})}
            for ladder in pack.ladders:
                found[ladder.id] = ladder.title
        return found

    def _compatibles(self, purposes: Mapping[str, str | None]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for file in self.files:
            for name, part in file.pack.purposes.items():
                keys = ("purposes", name, "compatible_with")
                # fails closed: silence is a statement too, no other pack may widen it
                self._put("compatible purposes", name, part.compatible_with, file, *keys)
                for other in part.compatible_with:
                    if other not in purposes:
                        message = f"the purpose `{shown(name)}` is compatible with no known one"
                        file.refuse(message, did_you_mean(other, purposes), *keys)
                if part.compatible_with:
                    found[name] = part.compatible_with
        return found

    def _ages(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for file in self.files:
            for name, part in file.pack.categories.items():
                if part.by_row is not None:
                    keys = ("categories", name, "by_row")
                    self._put("age", name, part.by_row.age_below, file, *keys)
                    found[name] = part.by_row.age_below
        return found

    def _distinct(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for file in self.files:
            for name, part in file.pack.coded.distinct.items():
                keys = ("coded", "distinct", name)
                self._put("number of values", name, part.values, file, *keys)
                found[name] = part.values
        return found

    def _registrable(self, ladders: Mapping[str, Ladder]) -> dict[str, str]:
        found: dict[str, str] = {}
        for file in self.files:
            refuse = file.pack.registration.refuse
            if refuse is None:
                continue
            keys = ("registration", "refuse")
            ladder = ladders.get(refuse.ladder)
            if ladder is None:
                message = f"there is no ladder `{shown(refuse.ladder)}` to refuse levels of"
                file.refuse(message, did_you_mean(refuse.ladder, ladders), *keys, "ladder")
            if refuse.above not in ladder.levels:
                message = f"the ladder `{ladder.id}` has no level `{shown(refuse.above)}`"
                file.refuse(message, did_you_mean(refuse.above, ladder.levels), *keys, "above")
            self._put("registration on", ladder.id, refuse.above, file, *keys)
            found[ladder.id] = refuse.above
        return found

    def _calendars(self) -> dict[str, Calendar]:
        found: dict[str, Calendar] = {}
        for file in self.files:
            for name, part in file.pack.calendars.items():
                calendar = _calendar(file, name, part)
                self._put("calendar", name, calendar, file, "calendars", name)
                found[name] = calendar
        return found

    def _clocks(self, calendars: Mapping[str, Calendar]) -> dict[str, Clock]:
        found: dict[str, Clock] = {}
        for file in self.files:
            for name, part in file.pack.clocks.items():
                clock = _clock(file, name, part, calendars)
                self._put("clock", name, clock, file, "clocks", name)
                found[name] = clock
        return found


def _clock(file: PackFile, name: str, part: ClockPart, calendars: Iterable[str]) -> Clock:
    keys = ("clocks", name)
    if part.calendar not in calendars:
        message = f"the clock `{shown(name)}` runs by no known calendar"
        file.refuse(message, did_you_mean(part.calendar, calendars), *keys, "calendar")
    if part.on_expiry not in get_args(OnExpiry):
        # fails closed: silence never permits
        message = f"the clock `{shown(name)}` cannot `{shown(part.on_expiry)}` on expiry"
        hint = "nothing is permitted because a clock ran out: write `alert` or `escalate`"
        file.refuse(message, hint, *keys, "on_expiry")
    more = part.extension
    for days in (part.days, 1 if more is None else more.days):
        if not 1 <= days <= _MOST_DAYS:
            message = f"the clock `{shown(name)}` does not run for 1 to {_MOST_DAYS} days"
            file.refuse(message, "give working days", *keys)
    if not part.start_event.strip() or (more is not None and not more.needs.strip()):
        message = f"the clock `{shown(name)}` does not say what starts or extends it"
        file.refuse(message, "name the event, and who must agree to more time", *keys)
    return Clock(
        id=name,
        start_event=part.start_event,
        days=part.days,
        calendar=part.calendar,
        extension=None if more is None else Extension(days=more.days, needs=more.needs),
        on_expiry="alert" if part.on_expiry == "alert" else "escalate",
        source=part.source,
        verified=part.verified,
    )


def _calendar(file: PackFile, name: str, part: CalendarPart) -> Calendar:
    keys = ("calendars", name)
    zone = file.pack.time_zone
    try:
        zone_of(zone)
        weekend = weekend_of(part.weekend)
    except ValueError:
        message = f"the calendar `{shown(name)}` has an unknown time zone or day of the week"
        hint = f"`time_zone` of the pack: `Asia/Shanghai` and such; days: {', '.join(DAYS)}"
        file.refuse(message, hint, *keys)
    wrong = _unfit_days(part, weekend)
    if wrong is not None:
        file.refuse(f"the calendar `{shown(name)}` {wrong[1]}", wrong[2], *keys, wrong[0])
    return Calendar(
        id=name,
        zone=zone,
        weekend=weekend,
        holidays=frozenset(part.holidays),
        working_days=frozenset(part.working_days),
        years=frozenset(part.years),
        source=part.source,
        verified=part.verified,
    )


def _unfit_days(part: CalendarPart, weekend: frozenset[int]) -> tuple[str, str, str] | None:
    """(key, message, hint) for days that cannot be meant."""
    if not part.years or len(weekend) > 6:
        return "years", "covers no year or no working day", "list the years that it is decreed for"
    for key, days in (("holidays", part.holidays), ("working_days", part.working_days)):
        if any(day.year not in part.years for day in days):
            return key, f"names `{key}` of a year that it does not cover", "add it to `years`"
        if len(set(days)) < len(days):
            return key, f"names one of its `{key}` twice", "delete one"
    if set(part.holidays) & set(part.working_days):
        return "working_days", "has a day both off and worked", "delete it in one list"
    if any(day.weekday() not in weekend for day in part.working_days):
        return "working_days", "makes a day worked that is worked anyway", "delete it"
    return None


def _read(pack_id: str) -> PackFile:
    local = pack_id.endswith((".yaml", ".yml"))
    path = Path(pack_id) if local else _FOLDER / f"{pack_id}.yaml"
    known = ", ".join(f"`{other.stem}`" for other in sorted(_FOLDER.glob("*.yaml")))
    if not local and ("/" in pack_id or "\\" in pack_id or not path.is_file()):
        raise HubError("CONFIG_INVALID", f"no rule pack `{pack_id}`", hint=f"known: {known}")
    return read_pack(path)


def _distinct(files: Sequence[PackFile]) -> list[PackFile]:
    found: dict[str, PackFile] = {}
    for file in files:
        held = found.setdefault(file.pack.pack, file)
        if held.path != file.path:
            message = f"two rule packs are named `{file.pack.pack}`"
            file.refuse(message, f"the other is {held.path}; rename one", "pack")
    return list(found.values())


def _lineage(name: str | None, parents: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    while name is not None and name not in found:
        found.append(name)
        name = parents.get(name)
    return found


def _preference(files: Sequence[PackFile]) -> tuple[str, ...]:
    stated = [file.pack.preference for file in files if file.pack.preference]
    for order in stated:
        if set(order) != set(MASK_ORDER) or len(order) != len(MASK_ORDER):
            known = ", ".join(MASK_ORDER)
            raise HubError("CONFIG_INVALID", f"a preference order must order: {known}")
        if order[0] != "allow" or order[-2:] != ("redact", "null"):
            # invariant: the order extends the disclosure order
            message = "a preference order runs from `allow` to `redact`, `null`"
            raise HubError("CONFIG_INVALID", message)
    if len(set(stated)) > 1:
        raise HubError("CONFIG_INVALID", "the rule packs state different preference orders")
    return stated[0] if stated else MASK_ORDER
