"""A suggested fragment from what introspection found in a source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from connectors.spi import ShapeColumn, SourceShape
from hub.registry import naming
from hub.registry.entities import DraftColumn, Entity, entities_of
from hub.registry.hint import extending, norm_lines
from hub.registry.relate import relation_lines
from hub.registry.suggest.detect import Suggestion, Suggestions, told_of
from hub.registry.suggest.existing import Link, links
from hub.registry.suggest.norm import Normeds
from hub.registry.suggest.overlap import Overlap
from hub.registry.yamltext import flow, text
from schema.compose import reference
from schema.compose.english import lower_first
from schema.compose.positions import parse
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.names import SOURCE_NAME

_HEAD = """\
# Drafted from the source itself. Before it can be published:
#  1. say for each type (or field) how sensitive it is: `label: ...`;
#     a field without a label is not served, and a key needs one;
#  2. check `share:`: unconditional, conditional (with `conditions: [...]`),
#     or withheld (with `legal_basis: [...]`);
#  3. delete what is not to be shared at all.
# Comments tell what a field may hold, how sure that is (0 to 1) and why. They decide nothing.
"""
_LABELLED = """\
# Drafted from the source itself, with one label for everything: check each before publishing,
# and delete what is not to be shared at all.
"""
_CARRIED = """\
# Drafted from another hub, with its labels, owners, keys and relations as they are there. That hub
# rules on every question too, by its own labels: what is loosened here stays shut there.
"""


class _Told(NamedTuple):
    suggested: Suggestions
    categories: Collection[str]
    source: str
    normed: Normeds
    links: Sequence[Link]


def draft_fragment(
    shape: SourceShape,
    *,
    name: str,
    department: str,
    kind: str,
    connect: Mapping[str, Any],
    title: str | None = None,
    tier: str | None = None,
    region: str | None = None,
    level: str | None = None,
    suggested: Suggestions = MappingProxyType({}),
    categories: Collection[str] = (),
    overlapping: Sequence[Overlap] = (),
    normed: Normeds = MappingProxyType({}),
    catalogue: Catalogue | None = None,
) -> str:
    """YAML text of a fragment that needs nothing but labels (nothing at all with `level`).

    `suggested`: what columns may hold, told beside them; `categories`: those of the packs in use;
    `overlapping`: relations that nobody declared, `normed`: norms of fields, `catalogue`: types
    that exist and may be referred or added to; all of them are written as comments.
    Raises: ``CONFIG_INVALID`` for a name that no source can have, or a secret in `connect`.
    """
    for noun, given in (("source", name), ("department", department), ("kind", kind)):
        if not SOURCE_NAME.match(given):
            raise HubError(
                "CONFIG_INVALID",
                f"a {noun} cannot be called so",
                hint="use small letters, digits and `-`, beginning with a letter, at most 63",
            )
    _refuse_secrets(connect)
    entities = entities_of(shape, catalogue)
    carried = any(one.label is not None for table in shape.tables for one in table.columns)
    head = _CARRIED if carried else _HEAD if level is None else _LABELLED
    lines = [
        *head.splitlines(),
        "hub: 1",
        "source:",
        f"  name: {text(name)}",
        f"  department: {text(department)}",
        *(
            f"  {key}: {text(value)}"
            for key, value in (("title", title), ("tier", tier), ("region", region))
            if value is not None and value.strip()
        ),
        f"  kind: {text(kind)}",
        f"  connect: {flow(connect)}",
        *_details(entities),
        "types:",
    ]
    found = () if catalogue is None else links(entities, catalogue, suggested)
    told = _Told(suggested, categories, name, normed, found)
    for entity in entities.values():
        lines += _type_lines(entity, level, told)
    relations = list(relation_lines(entities, overlapping, found))
    if relations:
        lines += ["relations:", *relations]
    return "\n".join(lines) + "\n"


def _refuse_secrets(connect: Mapping[str, Any]) -> None:
    tree = parse(flow(connect))
    found = next(reference.problems(tree), None) if tree is not None else None
    if found is not None:
        _, message, hint = found
        raise HubError("CONFIG_INVALID", f"{message} in `connect`", hint=hint)


def _details(entities: Mapping[str, Entity]) -> Iterator[str]:
    told = {
        name: entity.table.detail
        for name, entity in entities.items()
        if entity.table.detail and not entity.table.elsewhere
    }
    if told:
        yield "  tables:"
        for name, detail in told.items():
            yield f"    {text(name)}: {flow(detail)}"


def _type_lines(entity: Entity, level: str | None, told: _Told) -> Iterator[str]:
    if entity.table.elsewhere:
        return
    lines = list(_body(entity, level, told))
    if entity.keys:
        yield from lines
        return
    yield "  # The next type has no key in the source, so it is left out. If some of its fields"
    yield "  # identify a row, name them in `key` and delete the `#` signs."
    for line in lines:
        yield f"#{line}"


def _body(entity: Entity, level: str | None, told: _Told) -> Iterator[str]:
    table = entity.table
    yield from (line for one in told.links if one.whole for line in extending(entity, one))
    yield f"  {text(entity.name)}:"
    original = table.name.rpartition(".")[2]
    if naming.loses(original):
        yield f"    title: {text(original)}"
    if table.comment and table.comment.strip():
        yield f"    about: {text(_one_line(table.comment))}"
    if table.extends:
        yield "    extend: true  # another fragment declares the type; agree with it on the key"
    else:
        if entity.singular != lower_first(entity.name):
            yield f"    singular: {text(entity.singular)}"
        yield f"    plural: {text(entity.plural)}"
    keys = [[entity.columns[column].field for column in key] for key in entity.keys]
    if len(keys) > 1 and not table.extends:
        yield f"    keys: {flow(keys)}"
    else:
        yield f"    key: {flow(keys[0] if keys else [])}"
    rows = "" if table.rows is None else f"  # about {table.rows} rows"
    yield f"    from: {{table: {text(table.name)}}}{rows}"
    carried = any(column.label is not None for column in table.columns)
    if carried:
        yield "    # each field says its own label, share and owner"
    elif level is None:
        yield "    # label: set the level of the fields below; one field may say its own"
    else:
        yield f"    label: {text(level)}"
    if not carried:
        yield "    share: unconditional"
    yield "    fields:"
    for column in table.columns:
        held = entity.columns.get(column.name)
        if column.elsewhere:
            continue
        if held is None:
            yield "      # a column is left out: its name cannot be written"
        else:
            one = told.suggested.get((table.name, column.name))
            beside = "" if one is None else f"  # {told_of(one, told.categories)}"
            said = _field(held, one) | _carried(held.found, told.source)
            yield f"      {text(held.field)}: {flow(said)}{beside}"
            normed = told.normed.get((table.name, column.name))
            if normed is not None and not {"codes", "format"} & said.keys():
                yield from norm_lines(held.field, said, normed, told.source)


def _field(column: DraftColumn, suggested: Suggestion | None) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if column.found.name != column.field:
        said["column"] = column.found.name
    said["type"] = column.kind
    if naming.loses(column.found.name):
        said["title"] = column.found.name
    if column.found.comment and column.found.comment.strip():
        said["about"] = _one_line(column.found.comment)
    if suggested is not None and suggested.shown and suggested.fact.format is not None:
        said["format"] = suggested.fact.format
    if column.found.authoritative is not None:
        said["authoritative"] = column.found.authoritative
    return said


def _carried(found: ShapeColumn, source: str) -> dict[str, Any]:
    """What another hub says of a field of its own."""
    said: dict[str, Any] = {}
    if found.label is not None:
        label = found.label
        named = (("categories", label.categories), ("compartments", label.compartments))
        said["label"] = {"levels": dict(label.levels)} | {
            key: sorted(held) for key, held in named if held
        }
    if found.share is not None:
        said["share"] = found.share
    if found.conditions:
        said["conditions"] = list(found.conditions)
    if found.legal_basis:
        said["legal_basis"] = list(found.legal_basis)
    if found.owner is not None:
        # a department there is another one than a department here that is called the same
        said["owner"] = f"{source}-{found.owner}"[:63].rstrip("-")
    if found.title:
        said["title"] = dict(found.title)
    return said


def _one_line(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 500 else f"{line[:497]}..."
