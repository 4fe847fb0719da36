"""`hub catalogue`: what the departments have together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import orjson

from hub.cli.desk import plain
from hub.cli.load import load_packs, read_catalogue

if TYPE_CHECKING:
    from hub.registry.duplicates import Duplicate


@click.group()
def catalogue() -> None:
    """Look at what the departments have together.

    \b
    Example:
      hub catalogue duplicates --config hub.yaml
    """


@catalogue.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".demo/hub.yaml"),
    show_default=True,
    help="The hub's configuration.",
)
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of titles and reasons.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, in both languages.")
def duplicates(config: Path, language: str, *, as_json: bool) -> None:
    """Tell which facts several departments collect, who is authoritative, and who could read
    them instead of typing them in.

    By what the fragments say; no data is read. What is found is a suggestion to look at.

    \b
    Example:
      hub catalogue duplicates --config hub.yaml --language zh
    """
    from hub.registry.duplicates import duplicates as duplicates_of
    from hub.settings import expand, read_settings

    settings = read_settings(config)
    packs = load_packs(settings.packs)
    found = duplicates_of(read_catalogue(expand(settings.fragments), packs, settings.ceiling))
    if as_json:
        told = msgspec.to_builtins(found)
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    place = 0 if language == "en" else 1
    for one in found:
        _tell(one, place)
    if not found:
        click.echo(("no fact is collected twice", "没有重复采集的信息")[place])


def _tell(one: Duplicate, place: int) -> None:
    click.echo(
        f"{plain(one.fact[place])} ({one.of})  {one.confidence:.2f}, {plain(one.reason[place])}"
    )
    if one.first is None:
        click.echo(("  nobody is authoritative: agree on one", "  无权威来源：请协商确定")[place])
    else:
        first = f"{one.first.at} ({one.first.department})"
        click.echo((f"  authoritative: {first}", f"  权威来源：{first}")[place])
    for held in one.others:
        at = f"{held.at} ({held.department}, {held.source})"
        also = (f"  collected too:  {at}", f"  重复采集：{at}")[place]
        click.echo(also)
