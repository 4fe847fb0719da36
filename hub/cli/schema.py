"""`hub schema`: print and compare."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from hub.cli.load import load_packs, read_catalogue, token_of
from schema.errors import HubError

_RANKS = {"safe": 0, "dangerous": 1, "breaking": 2, "never": 3}


@click.group()
def schema() -> None:
    """Print the GraphQL schema; compare two catalogues.

    \b
    Example:
      hub schema print --as township-clerk
      hub schema diff published/ fragments/
    """


@schema.command("print")
@click.option("--as", "persona", help="Only what this persona may see.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".demo/hub.yaml"),
    show_default=True,
    help="The hub's configuration.",
)
@click.option(
    "--tokens",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Tokens by persona; tokens.json beside the configuration if absent.",
)
def print_schema(persona: str | None, config: Path, tokens: Path | None) -> None:
    """Print the GraphQL schema in full, or the part that a persona may see.

    \b
    Example:
      hub schema print > city.graphql
      hub schema print --as township-clerk
    """
    if persona is None:
        click.echo(_whole(config))
    else:
        token = token_of(persona, tokens or config.parent / "tokens.json")
        click.echo(asyncio.run(_part(config, token)))


def _whole(config: Path) -> str:
    from hub.settings import expand, read_settings
    from schema.graph.build import build_face
    from schema.graph.sdl import print_face
    from schema.model.whole import see_everything

    settings = read_settings(config)
    packs = load_packs(settings.packs)
    catalogue = read_catalogue(expand(settings.fragments), packs, settings.ceiling)
    return print_face(build_face(catalogue, see_everything(catalogue)))


async def _part(config: Path, token: str) -> str:
    from hub.settings import read_settings
    from hub.wiring import build_hub
    from schema.graph.sdl import print_face

    hub = build_hub(read_settings(config))
    await hub.open()
    try:
        subject = await hub.identifier.identify("bearer", token)
        return print_face(hub.pipeline.face(subject))
    finally:
        await hub.close()


@schema.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--pack", "packs", multiple=True, help="Rule packs in force; may be repeated. [default: plain]"
)
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "dangerous", "never"]),
    default="breaking",
    show_default=True,
    help="From which kind of change on the exit status is 1.",
)
def diff(old: Path, new: Path, packs: tuple[str, ...], fail_on: str) -> None:
    """Compare the fragments OLD and NEW (files or folders): safe, dangerous, breaking.

    \b
    Example:
      hub schema diff published/ fragments/ --fail-on dangerous
    """
    from schema.compose.evolve import compare

    loaded = load_packs(packs or ("plain",))
    changes = compare(read_catalogue([old], loaded), read_catalogue([new], loaded))
    worst = -1
    for change in sorted(changes, key=lambda c: (-_RANKS[c.kind], c.coordinate)):
        worst = max(worst, _RANKS[change.kind])
        click.echo(f"{change.kind:9}  {change.coordinate}  {change.message}")
    if not changes:
        click.echo("no changes")
    if worst >= _RANKS[fail_on]:
        raise HubError(
            "COMPOSITION_FAILED",
            f"there are {fail_on} changes",
            hint="--fail-on says from which kind on this is a failure",
        )
