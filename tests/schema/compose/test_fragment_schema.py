"""The published JSON Schema says what the reader does: same keys, same verdicts on examples."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schema.compose import entity, floor, fragment, own_codes, relation, row_label, source
from schema.compose.fragment import read_fragment
from schema.compose.positions import parse, plain
from schema.errors import ManyErrors
from schema.model.scalar import SCALAR_KINDS

ROOT = Path(__file__).resolve().parents[3]
SCHEMA: dict[str, Any] = json.loads(
    resources.files("schema.compose").joinpath("fragment.schema.json").read_text("utf-8")
)
CIVIL = (Path(__file__).parent / "civil.yaml").read_text(encoding="utf-8")
EXAMPLES = sorted(
    path
    for folder in ("examples", "tests/schema")
    for path in (ROOT / folder).rglob("*.yaml")
    if path.read_text(encoding="utf-8").startswith("hub: 1")
)


def accepts(text: str) -> bool:
    tree = parse(text)
    assert tree is not None
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(plain(tree))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("part", "ways"),
    [
        (None, fragment.ROOT_KEYS),
        ("source", source.SOURCE_KEYS),
        ("freshness", source.FRESHNESS_KEYS),
        ("type", entity.TYPE_KEYS),
        ("from", entity.FROM_KEYS),
        ("field", entity.FIELD_KEYS),
        ("codes", own_codes.CODES_KEYS),
        ("code", own_codes.CODE_KEYS),
        ("fromUnit", own_codes.UNIT_KEYS),
        ("label", entity.LABEL_KEYS),
        ("floor", floor.FLOOR_KEYS),
        ("rowLabel", row_label.ROW_LABEL_KEYS),
        ("relation", relation.RELATION_KEYS),
    ],
)
def test_schema_and_reader_know_the_same_keys(part: str | None, ways: dict[str, Any]) -> None:
    told = SCHEMA if part is None else SCHEMA["$defs"][part]
    assert set(told["properties"]) == set(ways)
    assert told["additionalProperties"] is False


def test_schema_and_reader_know_the_same_words() -> None:
    field = SCHEMA["$defs"]["field"]["properties"]
    assert set(field["type"]["enum"]) - {None} == SCALAR_KINDS
    assert set(field["share"]["enum"]) - {None} == entity.SHARES
    assert set(field["metadata"]["enum"]) - {None} == entity.VISIBILITIES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_validates(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert accepts(text)
    read_fragment(text, path.name)


def test_the_example_of_the_documentation_validates() -> None:
    page = (ROOT / "docs" / "fragments.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in page.split("```yaml\n")[1:]]
    whole = [block for block in blocks if block.startswith("hub: 1")]
    assert whole
    for block in whole:
        assert accepts(block)
        read_fragment(block, "fragments.md")


def test_the_documentation_names_every_key() -> None:
    page = (ROOT / "docs" / "fragments.md").read_text(encoding="utf-8")
    ways = [
        fragment.ROOT_KEYS, source.SOURCE_KEYS, source.FRESHNESS_KEYS, entity.TYPE_KEYS,
        entity.FROM_KEYS, entity.FIELD_KEYS, entity.LABEL_KEYS, floor.FLOOR_KEYS,
        row_label.ROW_LABEL_KEYS, relation.RELATION_KEYS, own_codes.CODES_KEYS,
        own_codes.CODE_KEYS, own_codes.UNIT_KEYS,
    ]  # fmt: skip
    assert {key for one in ways for key in one if f"`{key}`" not in page} == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("plural:", "plurl:"),
        ("type: Date", "type: date"),
        ("share: withheld", "share: never"),
        ("name: civil", "name: Civil"),
        ("hub: 1", "hub: 2"),
        ("PT1H", "an hour"),
        ("name:         {", "id: {"),
        ("    keys: [[idNumber], [passport, country]]\n", ""),
        ("from: {table: residents}", "from: {}"),
        ("Person.district:", "district:"),
        ("to: District", "to: '[District'"),
        ("match: {districtCode: code}", "match: {}"),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(old: str, new: str) -> None:
    assert old in CIVIL
    text = CIVIL.replace(old, new)
    with pytest.raises(ManyErrors):
        read_fragment(text, "civil.yaml")
    assert not accepts(text)
