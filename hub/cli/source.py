"""`hub source`: draft a fragment, register it step by step, see values that no norm knows."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import msgspec

from hub.cli.check import catalogue_in_force
from hub.cli.source_norms import norms
from hub.cli.source_officer import approve_source, reject, roll_back_source
from hub.cli.source_show import diff_source, history_of, list_sources, show_source
from hub.cli.source_steps import check, publish, recall, register, submit, withdraw
from schema.errors import HubError

if TYPE_CHECKING:
    from connectors.spi import SourceShape
    from hub.registry.suggest.overlap import Overlap
    from hub.registry.suggest.sample import Samples

_SQL_SCHEMES = {
    "sqlite", "duckdb", "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle",
}  # fmt: skip
_SQLITE_SUFFIXES = {".sqlite", ".sqlite3", ".db", ".db3"}
_DUCKDB_SUFFIXES = {".duckdb", ".ddb"}
_PLACES = {"rest": "openapi", "soap": "wsdl", "files": "path"}
"""Where a kind's `connect` has the place."""
_FILE_SUFFIXES = {".csv", ".tsv", ".xlsx", ".xls", ".parquet"}


@click.group()
def source() -> None:
    """Draft a fragment from a live source; register it, step by step, without a restart.

    \b
    Example:
      hub source draft chinook.sqlite --department culture > culture.yaml
      hub source register culture.yaml
    """


for step in (
    register, check, submit, recall, approve_source, reject, publish, roll_back_source, withdraw,
    list_sources, show_source, history_of, diff_source, norms,
):  # fmt: skip
    source.add_command(step)


@source.command()
@click.argument("place")
@click.option("--name", help="The source's name; made from the place if absent.")
@click.option("--department", default="my-department", show_default=True, help="The owner.")
@click.option("--title", help="The source's title.")
@click.option("--kind", help="Kind of source, if not plain: `hub connector list` shows them.")
@click.option(
    "--schema",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="GraphQL: a file that holds the schema, for a server that does not tell it.",
)
@click.option(
    "--only", multiple=True, help="Draft this table alone: its name, path or operation. Repeatable."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="REST: what a place in paths stands for, such as `owner=acme`. Repeatable.",
)
@click.option("--hub", "hub_name", help="Another hub: its `instance.name`; makes the kind `hub`.")
@click.option("--as", "own_name", help="Another hub: this hub's own `instance.name`.")
@click.option(
    "--key", help="Another hub: the private key by reference, as `${file:/keys/link.json}`."
)
@click.option(
    "--level", help="One label for everything, to try it out; without it nothing is served yet."
)
@click.option(
    "--sample/--no-sample",
    default=True,
    show_default=True,
    help="Look at some rows of each table for what columns hold; no value is written anywhere.",
)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    default=("plain",),
    show_default=True,
    help="Rule packs whose categories are suggested; may be repeated.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A hub's configuration: links to types of its catalogue are suggested, from names alone.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here instead of to the terminal; never over a file that exists.",
)
def draft(
    place: str,
    name: str | None,
    department: str,
    title: str | None,
    kind: str | None,
    schema: Path | None,
    only: tuple[str, ...],
    params: tuple[str, ...],
    hub_name: str | None,
    own_name: str | None,
    key: str | None,
    level: str | None,
    sample: bool,
    packs: tuple[str, ...],
    config: Path | None,
    out: Path | None,
) -> None:
    """Write a fragment from what lies at PLACE: a database URL, a file or folder, an API.

    Types, keys, relations and names come from the source; what is missing are the labels. Comments
    suggest what fields may hold. Secrets go by reference: PLACE may be `${env:NAME}`.

    \b
    Example:
      hub source draft chinook.sqlite --department culture --out culture.yaml
      hub source draft '${env:CIVIL_DB_URL}' --kind sql --department civil-affairs
      hub source draft http://localhost:9001/openapi.json --department market
      hub source draft http://localhost:4001/graphql --department reviews
      hub source draft 'http://localhost:4002/people?wsdl' --department registry
      hub source draft https://county/graphql --hub county --as city --key '${file:/keys/link}'
    """
    from hub.registry.discover import draft_fragment
    from hub.registry.secret import resolve
    from hub.registry.suggest.detect import suggestions
    from hub.registry.suggest.norm import norms_of
    from policies.packs import load

    def known(text: str) -> str:
        return resolve(text, os.environ)

    of_hub = {"hub": hub_name, "as": own_name, "key": key}
    given = {name: value for name, value in of_hub.items() if value is not None}
    found_kind = kind or ("hub" if given else kind_of(known(place)))
    connect = connect_of(place, found_kind)
    if found_kind == "hub":
        connect |= given
        sample = False  # the other hub shows rows to callers alone, never to a hub for itself
    elif given:
        raise HubError("BAD_REQUEST", "`--hub`, `--as` and `--key` are for other hubs")
    if schema is not None:
        if found_kind != "graphql":
            raise HubError("BAD_REQUEST", "`--schema` is for GraphQL servers")
        connect["schema"] = str(schema.resolve())
    if params:
        if found_kind != "rest":
            raise HubError("BAD_REQUEST", "`--param` is for REST services")
        connect["params"] = params_of(params)
    called = name or name_of(known(place))
    categories = load(list(packs)).scheme.categories
    catalogue = None if config is None else catalogue_in_force(config)
    found = _discover(called, department, found_kind, connect, known, only=only, sample=sample)
    shape, samples, overlapping = asyncio.run(found)
    if "://" not in place and "://" not in known(place):
        connect.update(shape.connect)
    text = draft_fragment(
        shape,
        name=called,
        department=department,
        kind=found_kind,
        connect=connect,
        title=title,
        level=level,
        suggested=suggestions(shape, samples),
        categories=categories,
        overlapping=overlapping,
        normed=norms_of(shape, samples),
        catalogue=catalogue,
    )
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise HubError("BAD_REQUEST", "the file exists already", where=str(out)) from None
    mend = "read it" if found_kind == "hub" else "now label them"
    click.echo(f"drafted {len(shape.tables)} tables into {out}; {mend}", err=True)


def kind_of(place: str) -> str:
    """The kind of source that a place most likely is; raises `BAD_REQUEST`."""
    scheme = urlsplit(place).scheme.split("+")[0].lower()
    if scheme in _SQL_SCHEMES:
        return "sql"
    if scheme in ("http", "https"):
        parts = urlsplit(place)
        below = parts.path.rstrip("/")
        if below.lower().endswith(".wsdl") or parts.query.lower() == "wsdl":
            return "soap"
        return "graphql" if not below or below.endswith(("/graphql", "/query")) else "rest"
    path = Path(place)
    if path.suffix.lower() in _SQLITE_SUFFIXES | _DUCKDB_SUFFIXES:
        return "sql"
    if path.suffix.lower() in (".json", ".yaml", ".yml"):
        return "rest"
    if path.suffix.lower() == ".wsdl":
        return "soap"
    if path.suffix.lower() in _FILE_SUFFIXES or path.is_dir():
        return "files"
    raise HubError(
        "BAD_REQUEST", "this is no kind of source that is known", hint="say which with --kind"
    )


def connect_of(place: str, kind: str) -> dict[str, Any]:
    """The `connect:` of the fragment; a local path becomes absolute."""
    if place.startswith("${") or "://" in place:
        return {_PLACES.get(kind, "url"): place}
    path = Path(place).expanduser().resolve()
    if not path.exists():
        raise HubError("NOT_FOUND", "there is no such file or folder", where=place)
    if kind == "graphql":
        raise HubError(
            "BAD_REQUEST", "a GraphQL source is named by its address",
            hint="name a file that holds the schema with --schema",
        )  # fmt: skip
    if kind == "sql":
        scheme = "duckdb" if path.suffix.lower() in _DUCKDB_SUFFIXES else "sqlite"
        return {"url": f"{scheme}:///{path}"}
    return {_PLACES.get(kind, "path"): str(path)}


def params_of(told: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` each; raises `BAD_REQUEST`."""
    made = {}
    for one in told:
        name, equals, value = one.partition("=")
        if not (name and equals and value):
            raise HubError("BAD_REQUEST", "`--param` wants NAME=VALUE")
        made[name] = value
    return made


def chosen(shape: SourceShape, only: Sequence[str]) -> SourceShape:
    """The tables that are named; raises `NOT_FOUND` for a name that none has."""
    kept = []
    for name in only:
        found = [table for table in shape.tables if name in (table.name, *table.called)]
        if not found:
            every = sorted({name for table in shape.tables for name in (table.name, *table.called)})
            near = difflib.get_close_matches(name, every, 1)
            raise HubError(
                "NOT_FOUND", f"the source has no table or operation `{name}` to draft",
                hint=f"did you mean `{near[0]}`?" if near else None,
            )  # fmt: skip
        kept += [table for table in found if table not in kept]
    return msgspec.structs.replace(shape, tables=tuple(kept))


def name_of(place: str) -> str:
    """A source name made from the place, without anything that could be a secret."""
    parts = urlsplit(place)
    stem = Path(parts.path).stem
    generic = parts.hostname and stem in ("graphql", "query")
    text = parts.hostname or "" if generic else stem or parts.hostname or "source"
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return name if name[:1].isalpha() else f"source-{name}".strip("-")


async def _discover(
    name: str,
    department: str,
    kind: str,
    connect: Mapping[str, Any],
    resolve: Callable[[str], str],
    *,
    only: Sequence[str],
    sample: bool,
) -> tuple[SourceShape, Samples, Sequence[Overlap]]:
    from hub.registry.kinds import connect_of as connect_of_kind
    from hub.registry.suggest.overlap import overlaps
    from hub.registry.suggest.sample import sampled
    from schema.model.binding import SourceDecl
    from schema.model.names import DepartmentName, SourceName

    declared = SourceDecl(
        name=SourceName(name), department=DepartmentName(department), kind=kind, connect=connect
    )
    connector = connect_of_kind(kind)(declared, resolve)
    await connector.open()
    try:
        shape: SourceShape = await connector.discover()
        if only:
            shape = chosen(shape, only)
        if not sample:
            return shape, {}, ()
        samples = await sampled(connector, shape)
        return shape, samples, await overlaps(connector, shape, samples)
    finally:
        await connector.close()
