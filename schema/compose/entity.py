"""The `types` part of a fragment: entity types, their fields and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from schema.compose.english import lower_first
from schema.compose.floor import read_floor
from schema.compose.own_codes import read_unit
from schema.compose.part import FieldPart, LabelPart, TypePart
from schema.compose.positions import Leaf, Node, Place, Row, shown
from schema.compose.report import did_you_mean
from schema.compose.row_label import read_row_labels
from schema.compose.words import (
    RESERVED_ENDINGS,
    RESERVED_FIELDS,
    RESERVED_ROOTS,
    RESERVED_TYPES,
    Way,
    Words,
)
from schema.model.entity import MetadataVisibility, OnConflict, Share
from schema.model.names import FieldName, TypeName
from schema.model.scalar import SCALAR_KINDS, TEXTUAL

SHARES = frozenset(get_args(Share))
CONFLICTS = frozenset(get_args(OnConflict))
VISIBILITIES = frozenset(get_args(MetadataVisibility))
_NO_KEYS = frozenset({"Float", "JSON"})


def read_types(words: Words, node: Node, what: str) -> tuple[TypePart, ...] | None:
    """Every type that is understood."""
    block = words.block(node, what)
    if block is None:
        return None
    parts = [
        _type(words, name, at, value)
        for name, (at, value) in block.entries.items()
        if _may_name_type(words, name, at)
    ]
    return tuple(part for part in parts if part is not None)


def _may_name_type(words: Words, name: str, at: Place) -> bool:
    if not words.is_name(name, at, "a type"):
        return False
    if name in RESERVED_TYPES or (name.endswith(RESERVED_ENDINGS) and not name.islower()):
        mend = f"name it `{name}Record`, or by what its rows are"
        words.wrong(at, f"the type name `{name}` is kept for the hub", mend)
        return False
    return True


def _type(words: Words, name: str, at: Place, node: Node) -> TypePart | None:
    what = f"type `{name}`"
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, TYPE_KEYS, what)
    for key, example in (("table", "from: {table: ...}"), ("fields", "fields: {...}")):
        written = "from" if key == "table" else key
        if key not in values and words.absent(block, written):
            words.wrong(at, f"{what} has no `{written}`", f"add `{example}`")
    keys = _keys(words, what, at, block.entries, values)
    extend = values.get("extend", False)
    defaults = {key: values.pop(key) for key in _DEFAULTS if key in values}
    fields = _Fields(words, name, at, defaults, values.get("label"), keys if extend else ())
    found = fields.read(values.pop("fields", {}))
    for key in ("plural", "singular", "region", "data_subject", "by_row"):
        if extend and key in values:
            where = block.entries[key][0]
            words.wrong(
                where,
                f"{what} is extended here and cannot say `{key}`",
                f"delete `{key}`; the fragment that declares the type says it",
            )
    if "table" not in values or keys is None:
        return None
    _check_names(words, what, at, keys, found, values.get("region"))
    if "data_subject" in values:
        _check_person(words, what, block.entries["data_subject"][0], values, found)
    return TypePart(
        name=TypeName(name), at=at, fields=found, keys=keys,
        keys_at=block.entries["keys" if "keys" in block.entries else "key"][0], **values,
    )  # fmt: skip


def _keys(
    words: Words, what: str, at: Place, entries: Mapping[str, Any], values: dict[str, Any]
) -> tuple[tuple[FieldName, ...], ...] | None:
    one, several = values.pop("key", None), values.pop("keys", None)
    if "key" in entries and "keys" in entries:
        hint = "keep `keys: [[...], [...]]`, the primary key first"
        words.wrong(entries["keys"][0], f"{what} says both `key` and `keys`", hint)
        return None
    if one is not None:
        return (one,)
    if several is not None:
        return tuple(several)
    if not ({"key", "keys"} & entries.keys()):
        hint = "add `key: [field]`: the fields that identify a row in every source"
        words.wrong(at, f"{what} has no key", hint)
    return None


def _check_names(
    words: Words,
    what: str,
    at: Place,
    keys: tuple[tuple[FieldName, ...], ...],
    fields: Mapping[FieldName, FieldPart],
    region: FieldName | None,
) -> None:
    for name in dict.fromkeys(name for key in keys for name in key):
        field = fields.get(name)
        if field is None:
            hint = did_you_mean(name, fields)
            words.wrong(at, f"{what} has no field `{shown(name)}` for its key", hint)
        elif field.kind in _NO_KEYS:
            message = f"key field `{name}` of {what} is of type `{field.kind}`"
            hint = "a key is text, a whole number, a date or a decimal; choose another field"
            words.wrong(field.at, message, hint)
    if region is None:
        return
    place = fields.get(region)
    if place is None:
        hint = did_you_mean(region, fields)
        words.wrong(at, f"{what} has no field `{shown(region)}` for its region", hint)
    elif place.kind not in TEXTUAL:
        hint = "the region field holds region codes; give it `type: String`"
        words.wrong(place.at, f"region field `{region}` of {what} is not a text", hint)


def _check_person(
    words: Words,
    what: str,
    at: Place,
    values: Mapping[str, Any],
    fields: Mapping[FieldName, FieldPart],
) -> None:
    """Whoever a row is about is told apart where the rows are: by fields of this source."""
    for name in values["data_subject"]:
        field = fields.get(name)
        if field is None:
            hint = did_you_mean(name, fields)
            words.wrong(at, f"{what} has no field `{shown(name)}` for its data subject", hint)
        elif field.kind in _NO_KEYS or field.authoritative is False:
            message = f"the data subject of {what} cannot be told by `{name}`"
            hint = "name a text, a whole number, a date or a decimal that this source answers for"
            words.wrong(field.at, message, hint)


class _Fields:
    """Reads the fields of one type, applying what the type says by default."""

    def __init__(
        self,
        words: Words,
        type_name: str,
        at: Place,
        defaults: Mapping[str, Any],
        label: LabelPart | None,
        borrowed: tuple[tuple[FieldName, ...], ...] | None,
    ) -> None:
        self.words = words
        self.type_name = type_name
        self.at = at
        self.defaults = defaults
        self.labelled = label is not None
        self.borrowed = frozenset(name for key in borrowed or () for name in key)
        self.said: set[str] = set()

    def read(self, entries: Mapping[str, tuple[Place, Node]]) -> dict[FieldName, FieldPart]:
        """Every field that is understood."""
        found = {}
        for name, (at, node) in entries.items():
            if self._may_name(name, at):
                part = self._field(FieldName(name), at, node)
                if part is not None:
                    found[part.name] = part
        return found

    def _may_name(self, name: str, at: Place) -> bool:
        if name == "id":
            mend = f"name this field `{lower_first(self.type_name)}Id`"
            self.words.wrong(at, "`id` is the opaque node id of every entity type", mend)
            return False
        if name in RESERVED_FIELDS:
            self.words.wrong(at, f"`{name}` is kept for the hub", f"name the field `{name}Value`")
            return False
        return self.words.is_name(name, at, "a field")

    def _field(self, name: FieldName, at: Place, node: Node) -> FieldPart | None:
        what = f"field `{self.type_name}.{name}`"
        block = self.words.block(node, what)
        if block is None:
            return None
        values = self.words.keys(block, FIELD_KEYS, what)
        values.setdefault("column", name)
        borrowed = name in self.borrowed or values.get("authoritative") is False
        if "kind" not in values and not borrowed and self.words.absent(block, "type"):
            self.words.wrong(at, f"{what} has no type", "add `type: String`, or another type")
        if "values" in values and values.get("kind", "String") not in TEXTUAL:
            hint = "give the field `type: String`, or drop `values`"
            self.words.wrong(at, f"{what} converts codes but is not a text", hint)
        if not borrowed:
            self._apply_share(values, what, at, unsaid=self.words.absent(block, "share"))
        values.setdefault("metadata", self.defaults.get("metadata", "public"))
        return FieldPart(name=name, at=at, **values)

    def _apply_share(self, values: dict[str, Any], what: str, at: Place, *, unsaid: bool) -> None:
        own = values.get("share")
        share = values.setdefault("share", self.defaults.get("share"))
        if share is None:
            # fails closed: how a labelled field is shared is a person's decision, never assumed
            del values["share"]
            if unsaid and (self.labelled or "label" in values):
                hint = "add `share: unconditional`, `conditional` or `withheld` to type or field"
                self._wrong_once("share", None, what, at, "is not said how to be shared", hint)
            return
        if share == "conditional":
            values.setdefault("conditions", self.defaults.get("conditions", ()))
            if not values["conditions"]:
                hint = "add `conditions: [...]` to the type or the field"
                self._wrong_once(share, own, what, at, "is conditional without conditions", hint)
        values.setdefault("legal_basis", self.defaults.get("legal_basis", ()))
        if share == "withheld" and not values["legal_basis"]:
            hint = "add `legal_basis: [...]`: the rule that forbids sharing"
            self._wrong_once(share, own, what, at, "is withheld without a legal basis", hint)

    def _wrong_once(
        self, topic: str, own: str | None, what: str, at: Place, message: str, hint: str
    ) -> None:
        """A problem of the type's default is told once, at the type."""
        if own is not None:
            self.words.wrong(at, f"{what} {message}", hint)
        elif topic not in self.said:
            self.said.add(topic)
            place = self.at if topic in self.defaults.values() else at
            self.words.wrong(place, f"{what} {message}", hint)


def _key(words: Words, node: Node, what: str) -> tuple[FieldName, ...] | None:
    names = words.words(node, what)
    if names is not None and not names:
        words.wrong(node.at, f"{what} is empty", "name at least one field")
        return None
    return None if names is None else tuple(FieldName(name) for name in names)


def _several_keys(words: Words, node: Node, what: str) -> tuple[tuple[FieldName, ...], ...] | None:
    if not isinstance(node, Row) or not node.items or isinstance(node.items[0], Leaf):
        words.wrong(node.at, f"{what} is not a list of lists", "write `[[a], [b, c]]`")
        return None
    found = [_key(words, item, what) for item in node.items]
    keys = tuple(key for key in found if key is not None)
    if len({frozenset(key) for key in keys}) < len(keys):
        words.wrong(node.at, f"{what} names a key twice", "keep one of them")
    return keys or None


def _fields(words: Words, node: Node, what: str) -> Mapping[str, tuple[Place, Node]] | None:
    block = words.block(node, what)
    if block is not None and not block.entries:
        words.wrong(node.at, f"{what} is empty", "name at least the key's fields")
    return None if block is None else block.entries


def _label(words: Words, node: Node, what: str) -> LabelPart | None:
    if isinstance(node, Leaf):
        text = words.text(node, what)
        return None if text is None else LabelPart(at=node.at, level=text)
    block = words.block(node, what)
    if block is None:
        return None
    values = words.keys(block, LABEL_KEYS, what)
    if words.absent(block, "level") and words.absent(block, "levels"):
        words.wrong(node.at, f"{what} has no level", "add `level: ...`")
    return LabelPart(at=node.at, **values)


def _table(words: Words, node: Node, what: str) -> str | None:
    block = words.block(node, what)
    if block is None:
        return None
    table: str | None = words.keys(block, FROM_KEYS, what).get("table")
    if words.absent(block, "table"):
        words.wrong(node.at, f"{what} has no `table`", "write `from: {table: ...}`")
    return table


def _field_name(words: Words, node: Node, what: str) -> FieldName | None:
    name = words.name(node, what)
    return None if name is None else FieldName(name)


def _root_name(words: Words, node: Node, what: str) -> FieldName | None:
    name = words.name(node, what)
    if name in RESERVED_ROOTS:
        words.wrong(node.at, f"{what} cannot be `{name}`: it is kept for the hub", "rename it")
        return None
    return None if name is None else FieldName(name)


def _share(words: Words, node: Node, what: str) -> str | None:
    return words.choice(node, what, SHARES)


def _metadata(words: Words, node: Node, what: str) -> str | None:
    return words.choice(node, what, VISIBILITIES)


def _on_conflict(words: Words, node: Node, what: str) -> str | None:
    return words.choice(node, what, CONFLICTS)


def _kind(words: Words, node: Node, what: str) -> str | None:
    return words.choice(node, what, SCALAR_KINDS)


_DEFAULTS = ("share", "conditions", "legal_basis", "metadata")
FROM_KEYS: dict[str, tuple[str, Way]] = {"table": ("table", Words.text)}
LABEL_KEYS: dict[str, tuple[str, Way]] = {
    "level": ("level", Words.text),
    "levels": ("levels", Words.pairs),
    "categories": ("categories", Words.words),
    "compartments": ("compartments", Words.words),
    "basis": ("basis", Words.text),
    "decided_by": ("decided_by", Words.text),
    "decided_at": ("decided_at", Words.date),
    "review_by": ("review_by", Words.date),
}
_GOVERNED: dict[str, tuple[str, Way]] = {
    "about": ("about", Words.spoken),
    "title": ("title", Words.spoken),
    "label": ("label", _label),
    "share": ("share", _share),
    "conditions": ("conditions", Words.words),
    "legal_basis": ("legal_basis", Words.words),
    "metadata": ("metadata", _metadata),
    "floor": ("floor", read_floor),
}
TYPE_KEYS: dict[str, tuple[str, Way]] = {
    **_GOVERNED,
    "plural": ("plural", _root_name),
    "singular": ("singular", _root_name),
    "key": ("key", _key),
    "keys": ("keys", _several_keys),
    "extend": ("extend", Words.flag),
    "from": ("table", _table),
    "region": ("region", _field_name),
    "data_subject": ("data_subject", _key),
    "changed": ("changed", Words.text),
    "by_row": ("by_row", read_row_labels),
    "fields": ("fields", _fields),
}
FIELD_KEYS: dict[str, tuple[str, Way]] = {
    **_GOVERNED,
    "column": ("column", Words.text),
    "type": ("kind", _kind),
    "format": ("format", Words.text),
    "codes": ("codes", Words.text),
    "values": ("values", Words.pairs),
    "unit": ("unit", Words.text),
    "from_codes": ("from_codes", Words.text),
    "from_format": ("from_format", Words.text),
    "from_unit": ("from_unit", read_unit),
    "deprecated": ("deprecated", Words.text),
    "authoritative": ("authoritative", Words.flag),
    "owner": ("owner", Words.slug),
    "on_conflict": ("on_conflict", _on_conflict),
}
