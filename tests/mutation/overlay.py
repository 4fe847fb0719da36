"""A pytest plugin: run the tests as if one module had another text, and tell how each ended.

Nothing is written over: the module is compiled from the changed text as it is imported, and no
bytecode of it is kept.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutation.point import ROOT, Point
from tests.mutation.points import POINTS

POINT, REPORT = "HUB_POINT_SWITCHED_OFF", "HUB_POINT_REPORT"
NOTICED = "noticed"


class _Changed(SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_data(self, path: Any) -> bytes:
        return self._text.encode() if path == self.path else super().get_data(path)

    def path_stats(self, path: Any) -> dict[str, Any]:
        raise OSError("neither read nor write bytecode")


class _Finder:
    """Finds the one module; everything else is found as ever."""

    def __init__(self, point: Point) -> None:
        self.module = point.file.removesuffix(".py").replace("/", ".")
        self.path = str(ROOT / point.file)
        self.text = point.switched_off(Path(self.path).read_text(encoding="utf-8"))
        self.imported = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.module:
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is None or found.origin != self.path:
            raise ImportError(f"{name} is not {self.path}")
        self.imported = True
        found.loader = _Changed(name, self.path, self.text)
        return found


class _Watch:
    """Notes how tests end, and writes it down."""

    def __init__(self, finder: _Finder) -> None:
        self.finder = finder
        self.ended: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        error = None if call.excinfo is None else call.excinfo.value
        if error is not None or call.when == "call":
            fails = call.when == "call" and error is not None and _is_assertion(error)
            told = "passed" if error is None else NOTICED if fails else repr(error)[:200]
            self.ended.setdefault(item.nodeid, told)
        return (yield)

    def pytest_sessionfinish(self) -> None:
        told = {"imported": self.finder.imported, "ended": self.ended}
        Path(os.environ[REPORT]).write_text(json.dumps(told), encoding="utf-8")


def _is_assertion(error: BaseException) -> bool:
    """Whether a test says no, and does not merely break off."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_assertion(one) for one in error.exceptions)
    if isinstance(error, pytest.fail.Exception):  # what should have been raised was not
        return "DID NOT RAISE" in str(error)
    return isinstance(error, AssertionError)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Change the module before anything imports it."""
    (point,) = (one for one in POINTS if one.name == os.environ[POINT])
    finder = _Finder(point)
    if finder.module in sys.modules:
        raise ImportError(f"{finder.module} was imported too early")
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    early_config.pluginmanager.register(_Watch(finder))


def pytest_sessionstart() -> None:
    """Random examples are the same each time; those that fail are neither kept nor made smaller."""
    from hypothesis import Phase, settings

    settings.register_profile(
        "switched-off",
        settings.get_profile("hub"),
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
    )
    settings.load_profile("switched-off")
