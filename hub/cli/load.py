"""What several commands read: fragments, bundles, personas' tokens, settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hub.settings.read import ASSERTIONS
from schema.errors import HubError, ManyErrors

if TYPE_CHECKING:
    from policies.packs import Packs
    from schema.compose.part import Fragment
    from schema.model.catalogue import Catalogue

YAML = (".yaml", ".yml")


def yaml_files(paths: Sequence[Path]) -> list[Path]:
    """The YAML files that paths name; a folder stands for those directly in it, by name,
    without files of assertions."""
    return [file for path in paths for file in _files(path)]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(
            child
            for child in path.iterdir()
            if child.suffix in YAML and not child.name.endswith(ASSERTIONS)
        )
        if not found:
            raise HubError("NOT_FOUND", "the folder holds no YAML file", where=str(path))
        yield from found
    elif path.is_file():
        yield path
    else:
        raise HubError("NOT_FOUND", "there is no such file or folder", where=str(path))


def read_text(path: Path) -> str:
    """A file's text; raises a coded error."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise HubError("BAD_REQUEST", "the file is not UTF-8", where=str(path)) from error
    except OSError as error:
        raise HubError("NOT_FOUND", "the file cannot be read", where=str(path)) from error


def read_fragments(paths: Sequence[Path]) -> list[Fragment]:
    """Every fragment of these files; all problems of all files are reported together."""
    from schema.compose.fragment import read_fragment

    fragments = []
    problems: list[HubError] = []
    for file in yaml_files(paths):
        try:
            fragments.append(read_fragment(read_text(file), str(file)))
        except ManyErrors as error:
            problems.extend(error.problems)
        except HubError as error:
            problems.append(error)
    if problems:
        raise ManyErrors("FRAGMENT_INVALID", problems)
    return fragments


def load_packs(ids: Sequence[str]) -> Packs:
    """The rule packs with these ids."""
    from policies import packs

    return packs.load(ids)


def read_catalogue(
    paths: Sequence[Path], packs: Packs, ceiling: Mapping[str, str] | None = None
) -> Catalogue:
    """The catalogue of these fragments."""
    from schema.compose.merge import compose

    return compose(read_fragments(paths), packs.scheme, ceiling=ceiling)


def token_of(persona: str, tokens: Path) -> str:
    """A persona's token from the file that the demonstration writes."""
    try:
        known = orjson.loads(tokens.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise HubError(
            "NOT_FOUND",
            "the tokens cannot be read",
            where=str(tokens),
            hint="start `hub demo`, or name a file with --tokens",
        ) from error
    token = known.get(persona) if isinstance(known, dict) else None
    if not isinstance(token, str):
        names = ", ".join(sorted(known)) if isinstance(known, dict) else ""
        raise HubError("NOT_FOUND", f"there is no persona `{persona}`", hint=f"known: {names}")
    return token


def load_environment(config: Path) -> None:
    """Take what ``hub.env`` beside a configuration says (``NAME=value`` lines), unless it is set.

    The demonstration writes that file, so that other commands reach its departments' systems.
    """
    file = config.parent / "hub.env"
    if not file.is_file():
        return
    for line in read_text(file).splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value)
