"""One rule pack as it is written: its keys, and where each stands."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec

from policies.positions import Block, Leaf, Node, Place, Report, Row, parse
from schema.errors import HubError
from schema.model.entity import Share

_ID = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")


class _Sourced(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What rests on a law or a standard; `verified` = read there, not merely known."""

    source: str = ""
    verified: bool = False


class LadderPart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chain of levels, lowest first."""

    id: str
    levels: tuple[str, ...]
    title: dict[str, str] = {}


class ByRow(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides in each row whether a category holds."""

    age_below: int


class CategoryPart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of data."""

    parent: str | None = None
    sensitive: bool = False
    title: dict[str, str] = {}
    by_row: ByRow | None = None


class ShareTypePart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share attribute."""

    title: dict[str, str] = {}


class PurposePart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purpose; only what `compatible_with` names is compatible with it."""

    parent: str | None = None
    compatible_with: tuple[str, ...] = ()
    title: dict[str, str] = {}


class ExtensionPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much longer, and whose consent it needs."""

    days: int
    needs: str


class ClockPart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a step may take."""

    start_event: str
    days: int
    calendar: str
    on_expiry: str
    extension: ExtensionPart | None = None


class CalendarPart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Working days of some years."""

    years: tuple[int, ...]
    weekend: tuple[str, ...] = ("sat", "sun")
    holidays: tuple[dt.date, ...] = ()
    working_days: tuple[dt.date, ...] = ()


class RefusePart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Levels that may not be registered at all."""

    ladder: str
    above: str


class RegistrationPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fragments may declare."""

    refuse: RefusePart | None = None


class DistinctPart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many values a format or code list has."""

    values: Annotated[int, msgspec.Meta(ge=1)]


class CodedPart(_Sourced, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be hidden by codes that are equal for equal values."""

    least_distinct: Annotated[int, msgspec.Meta(ge=2)] | None = None
    distinct: dict[str, DistinctPart] = {}


class LintPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What publication asks for beyond what holds everywhere."""

    label_basis: bool = False


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pack file, but for its `rules`."""

    pack: str
    version: int
    title: dict[str, str] = {}
    time_zone: str = "UTC"
    ladders: tuple[LadderPart, ...] = ()
    categories: dict[str, CategoryPart] = {}
    compartments: tuple[str, ...] = ()
    share_types: tuple[Share, ...] | dict[Share, ShareTypePart] = ()
    purposes: dict[str, PurposePart] = {}
    preference: tuple[str, ...] = ()
    clocks: dict[str, ClockPart] = {}
    calendars: dict[str, CalendarPart] = {}
    registration: RegistrationPart = RegistrationPart()
    coded: CodedPart = CodedPart()
    lint: LintPart = LintPart()


class PackRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one pack, not yet read: `policies.inbuilt` does."""

    pack: str
    path: str
    items: tuple[Node, ...]
    digest: str
    """SHA-256 hex of the pack's text."""


class PackFile(msgspec.Struct, frozen=True, kw_only=True):
    """A pack and where its parts stand."""

    pack: Pack
    path: str
    root: Block
    rules: PackRules | None

    def where(self, *keys: str) -> str:
        """``file:line:column`` of the innermost of nested keys that is written."""
        at, node = self.root.at, self.root
        for key in keys:
            found = node.entries.get(key)
            if found is None:
                break
            at = found[0]
            if not isinstance(found[1], Block):
                break
            node = found[1]
        return f"{self.path}:{at.line}:{at.column}"

    def refuse(self, message: str, hint: str, *keys: str) -> NoReturn:
        """Raises: `HubError` CONFIG_INVALID at nested keys."""
        raise HubError("CONFIG_INVALID", message, where=self.where(*keys), hint=hint)


def read_pack(path: Path) -> PackFile:
    """A pack file. Raises: `HubError` CONFIG_INVALID for a file that is not a pack."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError:
        raise HubError("CONFIG_INVALID", "cannot read the rule pack", where=str(path)) from None
    except UnicodeDecodeError:
        raise HubError(
            "CONFIG_INVALID", "the rule pack is not UTF-8", where=str(path), hint="save it again"
        ) from None
    return read_pack_text(text, str(path))


def read_pack_text(text: str, path: str) -> PackFile:
    """A pack's text. Raises: `HubError` CONFIG_INVALID if it is not a pack."""
    report = Report(path)
    trees = parse(text, report)
    for problem in report.problems:
        message = f"faulty rule pack: {problem.message}"
        raise HubError("CONFIG_INVALID", message, where=problem.where, hint=problem.hint)
    if len(trees) != 1 or not isinstance(trees[0], Block):
        message = "faulty rule pack: a pack is one mapping"
        raise HubError("CONFIG_INVALID", message, where=path, hint="begin with `pack: some-name`")
    root = trees[0]
    entries = {key: value for key, value in root.entries.items() if key != "rules"}
    try:
        pack = msgspec.convert(_plain(Block(entries, root.at)), Pack)
    except msgspec.ValidationError as problem:
        said = str(problem).replace("\n", " ")
        raise HubError("CONFIG_INVALID", f"faulty rule pack: {said}", where=path) from None
    if not _ID.match(pack.pack):
        at = root.entries["pack"][0]
        hint = "use small letters, digits and `-`, at most 40"
        raise HubError(
            "CONFIG_INVALID", "the rule pack's name is not a name", where=_at(path, at), hint=hint
        )
    return PackFile(pack=pack, path=path, root=root, rules=_rules(pack, root, text, path))


def _rules(pack: Pack, root: Block, text: str, path: str) -> PackRules | None:
    if "rules" not in root.entries:
        return None
    at, node = root.entries["rules"]
    if not isinstance(node, Row):
        hint = "write `- policy: some-name` and so on"
        raise HubError(
            "CONFIG_INVALID", "the rule pack's `rules` are not a list", where=_at(path, at),
            hint=hint,
        )  # fmt: skip
    digest = hashlib.sha256(text.encode()).hexdigest()
    return PackRules(pack=pack.pack, path=path, items=tuple(node.items), digest=digest)


def _at(path: str, at: Place) -> str:
    return f"{path}:{at.line}:{at.column}"


def _plain(node: Node) -> Any:
    match node:
        case Leaf():
            return node.value
        case Row():
            return [_plain(item) for item in node.items]
        case Block():
            return {key: _plain(value) for key, (_, value) in node.entries.items()}
