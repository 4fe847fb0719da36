"""`hub directory`: departments, applications, persons and duty items."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hub.cli.desk import CONFIG, plain, told
from hub.cli.load import load_environment
from hub.cli.registered import BY, account

if TYPE_CHECKING:
    from hub.directory.keeping import Difference, Directory
    from hub.store.directory import Kind

KIND = click.argument("kind", type=click.Choice(["department", "app", "person", "duty-item"]))
REVISION = click.option(
    "--based-on",
    "revision",
    type=click.IntRange(min=0),
    help="The revision you have looked at; refused if it has changed since.",
)


@click.group(short_help="Departments, applications, persons, duty items.")
def directory() -> None:
    """Keep the directory: who there is, whose they are, and which duties they have.

    \b
    Example:
      hub directory import people.yaml --dry-run
    """


@contextmanager
def _kept(config: Path) -> Iterator[Directory]:
    from hub.directory.apart import separated
    from hub.directory.keeping import Directory
    from hub.rollout.act import Acts
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine

    load_environment(config)
    settings = read_settings(config)
    Path(settings.state.directory).mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.state.database_url)
    try:
        migrate(engine)
        import time

        yield Directory(engine, separated(settings), Acts(engine, settings, time.time))
        if not settings.directory.enabled:
            click.echo("note: `directory.enabled` is off: callers are who their credentials say")
    finally:
        engine.dispose()


@directory.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@BY
@CONFIG
def import_entries(file: Path, by: str | None, config: Path, *, dry_run: bool) -> None:
    """Take the entries of FILE (YAML) into the directory: all of them, or none.

    FILE has lists below `departments`, `apps`, `persons` and `duty_items`. Entries that it does
    not name stay as they are. What it says counts as confirmed today.

    \b
    Example:
      hub directory import people.yaml --config hub.yaml
    """
    from hub.directory.importing import read_wishes

    wishes = read_wishes(file)
    with _kept(config) as kept:
        if dry_run:
            found = kept.rehearse(wishes, source="import")
        else:
            found = kept.take(wishes, by=by or account(), source="import")
        for one in found:
            click.echo(_line(one))
        word = "would change" if dry_run else "taken"
        click.echo(f"{word}: {len(found)} entries")


@directory.command("list")
@KIND
@CONFIG
def list_entries(kind: Kind, config: Path) -> None:
    """List the entries of KIND.

    \b
    Example:
      hub directory list person --config hub.yaml
    """
    with _kept(config) as kept:
        offset = 0
        while True:
            rows, count = kept.all(kind, offset=offset)
            for row in rows:
                state = "  suspended" if row.suspended else ""
                click.echo(f"{plain(row.entry.id)}  revision {row.revision}{state}")
            offset += len(rows)
            if not rows or offset >= count:
                return


@directory.command("show")
@KIND
@click.argument("name")
@CONFIG
def show_entry(kind: Kind, name: str, config: Path) -> None:
    """Show the entry NAME of KIND, and when each attribute was last confirmed.

    \b
    Example:
      hub directory show person zhang --config hub.yaml
    """
    with _kept(config) as kept:
        held = kept.find(kind, name)
        click.echo(msgspec.yaml.encode(held.entry, order="sorted").decode().rstrip())
        click.echo(
            f"revision: {held.revision}, by {plain(held.changed_by)} {told(held.changed_at)}"
        )
        if held.suspended:
            click.echo("suspended: it and what belongs to it ask nothing")
        for attribute, one in sorted(held.confirmed.items()):
            click.echo(f"confirmed: {attribute}  {told(one.at)}  by {one.by}")


@directory.command()
@KIND
@click.argument("name")
@REVISION
@BY
@CONFIG
def remove(kind: Kind, name: str, revision: int | None, by: str | None, config: Path) -> None:
    """Take the entry NAME of KIND out of the directory.

    \b
    Example:
      hub directory remove app old-desk --config hub.yaml
    """
    with _kept(config) as kept:
        kept.remove(kind, name, by=by or account(), revision=revision)
        click.echo(f"removed: {kind} {plain(name)}")


@directory.command()
@KIND
@click.argument("name")
@REVISION
@BY
@CONFIG
def suspend(kind: Kind, name: str, revision: int | None, by: str | None, config: Path) -> None:
    """Let NAME of KIND, and all that belongs to it, ask nothing more, within seconds.

    \b
    Example:
      hub directory suspend person zhang --config hub.yaml
    """
    with _kept(config) as kept:
        kept.suspend(kind, name, by=by or account(), suspended=True, revision=revision)
        click.echo(f"suspended: {kind} {plain(name)}")


@directory.command()
@KIND
@click.argument("name")
@REVISION
@BY
@CONFIG
def resume(kind: Kind, name: str, revision: int | None, by: str | None, config: Path) -> None:
    """Let NAME of KIND ask again.

    \b
    Example:
      hub directory resume person zhang --config hub.yaml
    """
    with _kept(config) as kept:
        kept.suspend(kind, name, by=by or account(), suspended=False, revision=revision)
        click.echo(f"resumed: {kind} {plain(name)}")


def _line(one: Difference) -> str:
    attributes = f": {', '.join(one.attributes)}" if one.attributes else ""
    return f"{one.act}  {one.kind}  {plain(one.id)}{attributes}"
