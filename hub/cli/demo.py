"""`hub demo`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8000,
    show_default=True,
    help="Port of the endpoint.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Where the city's data, configuration and tokens lie.",
)
@click.option(
    "--scale",
    type=click.IntRange(100, 10_000_000),
    default=20_000,
    show_default=True,
    help="Persons in the city.",
)
@click.option(
    "--check", is_flag=True, help="Run every persona's sample operations, compare, and stop."
)
def demo(port: int, folder: Path, scale: int, check: bool) -> None:
    """Start a demonstration city: five departments, four kinds of source, one endpoint.

    Prints `Hub ready at http://127.0.0.1:PORT` when it is; the personas' tokens then lie in
    DIR/tokens.json. Ctrl-C stops everything that it started.

    \b
    Example:
      hub demo --port 8000
      hub demo --check --scale 2000
    """
    from hub.demo.run import run_demo

    failed = run_demo(port=port, dir=folder, scale=scale, check=check)
    if failed:
        raise click.exceptions.Exit(1)
