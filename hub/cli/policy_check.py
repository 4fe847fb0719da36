"""`hub policy check`: whether a draft of rules holds together."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.desk import CONFIG, by_name, gate_over, ground
from hub.cli.load import yaml_files


@click.command("check")
@click.argument("bundles", nargs=-1, type=click.Path(path_type=Path))
@CONFIG
def check_rules(bundles: tuple[Path, ...], config: Path) -> None:
    """Check BUNDLES (files or folders), else those of the configuration, over its catalogue.

    Needs no source and changes nothing. Mistakes are errors; what is probably not meant, such as
    a rule that never matters, is a note.

    \b
    Example:
      hub policy check drafts/ --config hub.yaml
    """
    from hub.settings import expand

    settings, loaded = ground(config)
    files = yaml_files(bundles) if bundles else list(expand(settings.policies))
    notes = gate_over(settings, loaded, 1.0).notes(by_name(files))
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"good: {len(files)} bundles, {len(notes)} notes")
