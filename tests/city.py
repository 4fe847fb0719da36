"""The sample city as its files say: catalogue, policy engine and who asks."""

from __future__ import annotations

from pathlib import Path

import yaml

from hub.settings import expand
from policies.engine import Engine
from policies.packs import load
from policies.syntax import read_bundle
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.subject import Subject

CITY = Path(__file__).resolve().parents[1] / "examples" / "city"
CEILING = {"cn-gbt43697": "IMPORTANT", "cn-secrecy": "NONE"}
PACKS = load(["cn"])


def _texts(folder: str) -> list[tuple[str, str]]:
    files = expand([str(CITY / folder / "*.yaml")])
    return [(file.read_text(encoding="utf-8"), file.name) for file in files]


CATALOGUE = compose(
    [read_fragment(text, name) for text, name in _texts("fragments")],
    PACKS.scheme,
    ceiling=CEILING,
)
ENGINE = Engine(
    CATALOGUE,
    [read_bundle(text, name) for text, name in _texts("policies")],
    PACKS,
    epoch=1,
    ceiling=CEILING,
)


def persona(name: str) -> Subject:
    """The subject that a persona's token stands for."""
    for entry in yaml.safe_load((CITY / "personas.yaml").read_text(encoding="utf-8")):
        if entry["name"] == name:
            claims = dict(entry["claims"])
            sets = {
                word: frozenset(claims.pop(word, ()))
                for word in ("compartments", "roles", "purposes", "duties")
            }
            return Subject(id=claims.pop("sub"), **claims, **sets)
    raise LookupError(name)
