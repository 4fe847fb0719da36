"""`hub connector`: the kinds of sources there are, and the beginning of a new one."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from schema.errors import HubError

_KIND = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z", re.ASCII)
_MOST = 40
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "src/$package/__init__.py": None,
    "src/$package/py.typed": None,
    "src/$package/connector.py": "connector.py",
    "tests/test_contract.py": "test_contract.py",
    "example/people.json": "people.json",
}
"""Path in the new folder -> template, or ``None`` for an empty file."""


@click.group()
def connector() -> None:
    """Kinds of sources: which there are, and how to begin a new one.

    \b
    Example:
      hub connector new records
    """


@connector.command("list")
def list_() -> None:
    """List the kinds that a fragment may name, and the package that brings each.

    \b
    Example:
      hub connector list
    """
    from hub.registry.kinds import BUILT_IN, GROUP, known_kinds

    brought = {
        found.name: found.dist.name if found.dist is not None else found.value
        for found in entry_points(group=GROUP)
    }
    kinds = known_kinds()
    width = max(map(len, kinds))
    for kind in kinds:
        click.echo(f"{kind:<{width}}  {'built in' if kind in BUILT_IN else brought[kind]}")


@connector.command()
@click.argument("kind")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to make; `hub-connector-KIND` if absent.",
)
def new(kind: str, out: Path | None) -> None:
    """Write a package with a connector that works, for a new KIND of source.

    It keeps the contract as it is written; the page on your own connector goes on from there.

    \b
    Example:
      hub connector new records
    """
    from hub.registry.kinds import GROUP, known_kinds

    if not _KIND.match(kind) or len(kind) > _MOST:
        hint = f"at most {_MOST} small letters and digits, with single dashes between them"
        raise HubError("BAD_REQUEST", "this cannot be the name of a kind", hint=hint)
    if kind in known_kinds():
        hint = "choose another name; `hub connector list` shows those that are taken"
        raise HubError("BAD_REQUEST", f"there is a kind `{kind}` already", hint=hint)
    home = out or Path(f"hub-connector-{kind}")
    words = {
        "kind": kind,
        "package": f"hub_connector_{kind.replace('-', '_')}",
        "prefix": "".join(part.capitalize() for part in kind.split("-")),
        "group": GROUP,
    }
    templates = files("hub.cli") / "connector_template"
    made = {
        Template(path).substitute(words): ""
        if name is None
        else Template((templates / f"{name}.tmpl").read_text(encoding="utf-8")).substitute(words)
        for path, name in _FILES.items()
    }
    try:
        home.mkdir(parents=True)
    except FileExistsError:
        hint = "name another one with --out"
        raise HubError(
            "BAD_REQUEST", "the folder exists already", where=str(home), hint=hint
        ) from None
    for path, text in made.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, encoding="utf-8")
    click.echo(f"made {home}; next: its README.md")
