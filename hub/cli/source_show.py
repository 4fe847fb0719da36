"""`hub source list`, `show`, `history` and `diff`: what is registered, and what became of it."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.desk import CONFIG, plain, told
from hub.cli.registered import reader, registrar, tell_lines, tell_report


@click.command("list")
@CONFIG
def list_sources(config: Path) -> None:
    """List the registered sources: what of each is published, and what is under way.

    \b
    Example:
      hub source list
    """
    with registrar(config) as at:
        found = at.sources(reader())
    for source in found:
        published, under_way = source.published, source.under_way
        parts = [f"version {published.version} published"] if published else ["not published"]
        parts += [f"version {under_way.version} {under_way.state}"] if under_way else []
        where = f"{plain(source.name)}  {plain(source.department)}"
        click.echo(f"{where}  {', '.join(parts)}  (revision {source.revision})")
    if not found:
        click.echo("no source is registered")


@click.command("show")
@click.argument("name")
@CONFIG
@click.option("--version", "number", type=click.IntRange(min=1), help="[default: the newest]")
@click.option("--text", is_flag=True, help="Print the fragment alone.")
def show_source(name: str, config: Path, number: int | None, text: bool) -> None:
    """Show one version of NAME: its state, its hands, its report with the table of labels.

    \b
    Example:
      hub source show civil
      hub source show civil --version 2 --text > civil.yaml
    """
    from hub.registration.registrar import report_of

    with registrar(config) as at:
        source = at.source(reader(), name)
        version = source.versions[-1] if number is None else source.version(number)
        if text:
            click.echo(at.text(version), nl=False)
            return
        state = version.state.replace("_", " ")
        click.echo(f"`{name}` version {version.version} of {plain(version.department)}: {state}")
        click.echo(f"  revision {source.revision}, text {version.digest[:12]}")
        click.echo(f"  changed {told(version.changed_at)} by {plain(version.changed_by)}")
        if version.submitted_by is not None:
            click.echo(f"  submitted by {plain(version.submitted_by)}")
        if version.reason is not None:
            click.echo(f"  reason: {plain(version.reason)}")
        if version.report is not None:
            tell_report(report_of(version))


@click.command("history")
@click.argument("name")
@CONFIG
def history_of(name: str, config: Path) -> None:
    """Show every step that was taken with NAME: who did what when.

    \b
    Example:
      hub source history civil
    """
    with registrar(config) as at:
        source = at.source(reader(), name)
    for step in source.steps:
        why = "" if step.reason is None else f": {plain(step.reason)}"
        click.echo(
            f"{step.revision:4}  {told(step.at)}  version {step.version}  "
            f"{step.act.replace('_', ' ')} by {plain(step.by)}{why}"
            f"  [{step.state.replace('_', ' ')}, text {step.digest[:12]}]"
        )


@click.command("diff")
@click.argument("name")
@CONFIG
@click.option("--from", "old", type=click.IntRange(min=1), help="[default: what is published]")
@click.option("--to", "new", type=click.IntRange(min=1), help="[default: the newest version]")
def diff_source(name: str, config: Path, old: int | None, new: int | None) -> None:
    """Show how the text of one version of NAME differs from another's.

    \b
    Example:
      hub source diff civil --from 2 --to 3
    """
    with registrar(config) as at:
        tell_lines(at.difference(at.source(reader(), name), old, new))
