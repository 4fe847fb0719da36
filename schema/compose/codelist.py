"""Code lists that come with the hub, and the units of measure and money that it converts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from schema.model.norm import CodeList


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit: so many (`factor`, as ``3`` or ``2000/3``) of what its `of` counts in."""

    of: str
    factor: str
    title: Mapping[str, str]

    @property
    def exact(self) -> Fraction:
        """The factor as a number."""
        return Fraction(self.factor)


class _Units(msgspec.Struct, frozen=True):
    source: str
    units: Mapping[str, Unit]


def _data(name: str) -> bytes:
    return resources.files("schema.compose").joinpath("codes", name).read_bytes()


@cache
def built_in_names() -> frozenset[str]:
    """The names of the lists that come with the hub."""
    folder = resources.files("schema.compose").joinpath("codes")
    found = (file.name for file in folder.iterdir())
    return frozenset(n.removesuffix(".json") for n in found if n.endswith(".json")) - {"units"}


@cache
def built_in(name: str) -> CodeList | None:
    """The list of a name, ``None`` where the hub brings none."""
    if name not in built_in_names():
        return None
    return msgspec.json.decode(_data(f"{name}.json"), type=CodeList)


@cache
def known_units() -> Mapping[str, Unit]:
    """Every unit, by name."""
    held: Any = msgspec.json.decode(_data("units.json"), type=_Units)
    units: Mapping[str, Unit] = held.units
    return units
