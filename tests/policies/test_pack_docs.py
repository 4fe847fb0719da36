"""The page on rule packs: its example is a pack, and it names every key and delivered pack."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

import policies
from policies import pack_file
from policies.inbuilt import pack_bundles
from policies.packs import load

ROOT = Path(policies.__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "packs.md").read_text(encoding="utf-8")


def test_the_example_is_a_pack(tmp_path: Path) -> None:
    block, more = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    path = tmp_path / "city.yaml"
    path.write_text(block, encoding="utf-8")
    packs = load([str(path)])
    (bundle,) = pack_bundles(packs)
    assert [rule.name for rule in bundle.rules] == ["pack.city.children"]
    second = tmp_path / "more.yaml"
    second.write_text(f"pack: more\nversion: 1\n{more}", encoding="utf-8")
    (bundle,) = pack_bundles(load([str(second)]))
    assert [rule.name for rule in bundle.joint] == ["pack.more.identity-health-place"]


def test_every_key_is_there() -> None:
    kinds = [
        kind
        for kind in vars(pack_file).values()
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__struct_config__.forbid_unknown_fields
    ]
    assert len(kinds) > 8
    keys = {field.name for kind in kinds for field in msgspec.structs.fields(kind)} | {"rules"}
    assert {key for key in keys if not re.search(rf"\b{key}\b", TEXT)} == set()


def test_every_delivered_pack_is_there() -> None:
    found = {path.stem for path in (ROOT / "policies" / "packs").glob("*.yaml")}
    assert {pack for pack in found if f"| `{pack}` |" not in TEXT} == set()
