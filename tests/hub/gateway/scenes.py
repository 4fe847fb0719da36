"""Scenes: small sets of subgraphs with operations and what they answer, read from YAML.

Each document is one. It has `about`, `subgraphs` (name -> `sdl`, `data` by root field, `entities`
by type, `first` for the first version of federation) and `cases` (`ask`, `variables`, `data`,
paths of `errors`, the greatest number of `fetches`), or the codes by which it is `refused`.
Values may be

- ``!told "{price} in {a[currency]}"``: text made of the object and the arguments;
- ``!error text``: the field fails;
- ``!count name``: how often this was asked for, over all subgraphs of the scene.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import yaml

from hub.gateway.compose.compose import Subgraph
from tests.hub.gateway.subgraphs import Service

FOLDER = Path(__file__).parent / "families"


class Told(msgspec.Struct, frozen=True):
    """A text made of an object and the arguments."""

    text: str

    def __call__(self, held: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
        """The text."""
        return self.text.format_map({**held, "a": arguments})


class Failing(msgspec.Struct, frozen=True):
    """A field that fails."""

    text: str

    def __call__(self, _held: Mapping[str, Any], _arguments: Mapping[str, Any]) -> Exception:
        """What is wrong."""
        return ValueError(self.text)


class Counted(msgspec.Struct, frozen=True):
    """How often something was asked for."""

    name: str

    def over(self, counter: Counter[str]) -> Callable[..., int]:
        """The value, counted there."""

        def count(*_: Any) -> int:
            counter[self.name] += 1
            return counter[self.name]

        return count


class _Loader(yaml.SafeLoader):
    """YAML with values that are worked out; `on` and `no` are texts."""

    yaml_implicit_resolvers: ClassVar = {
        first: [one for one in some if first in "tTfF" or not one[0].endswith(":bool")]
        for first, some in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_constructor("!told", lambda loader, node: Told(loader.construct_scalar(node)))
_Loader.add_constructor("!error", lambda loader, node: Failing(loader.construct_scalar(node)))
_Loader.add_constructor("!count", lambda loader, node: Counted(loader.construct_scalar(node)))


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One operation and what it answers."""

    ask: str
    variables: Mapping[str, Any] = {}
    data: Any = None
    errors: list[list[str | int]] = []
    fetches: int | None = None


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One set of subgraphs; `services` makes them anew."""

    about: str
    subgraphs: Mapping[str, Mapping[str, Any]]
    cases: list[Case] = []
    refused: list[str] = []

    def services(self) -> dict[str, Service]:
        """The subgraphs, none of which has been asked anything."""
        counter: Counter[str] = Counter()
        return {name: _service(held, counter) for name, held in self.subgraphs.items()}

    def listed(self, base: str = "http://{}/") -> list[Subgraph]:
        """What is composed; `base` is their address with braces for the name."""
        return [Subgraph(n, base.format(n), s.sdl) for n, s in self.services().items()]


def _service(held: Mapping[str, Any], counter: Counter[str]) -> Service:
    def counted(value: Any) -> Any:
        if isinstance(value, Counted):
            return value.over(counter)
        if isinstance(value, dict):
            return {name: counted(one) for name, one in value.items()}
        return [counted(one) for one in value] if isinstance(value, list) else value

    return Service(
        held["sdl"],
        counted(held.get("data")),
        counted(held.get("entities")),
        link=not held.get("first", False),
    )


def scenes(*names: str) -> Iterator[tuple[str, Scene]]:
    """Scenes of some files, or of all, each with the file's name and what it is about."""
    for path in sorted(FOLDER.glob("*.yaml")):
        if names and path.stem not in names:
            continue
        # the loader is YAML's safe one with three tags of our own
        for given in yaml.load_all(path.read_text("utf-8"), _Loader):
            scene = msgspec.convert(given, Scene)
            yield f"{path.stem}: {scene.about}", scene
