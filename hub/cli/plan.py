"""`hub plan`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from hub.cli.load import load_environment, read_text, token_of
from schema.errors import HubError


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as", "persona", required=True, help="Whose plan: a name in the tokens file.")
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
@click.option("--operation", help="The operation's name, where the file holds several.")
@click.option("--variables", help="Variables, as a JSON object.")
@click.option("--purpose", help="The purpose that is stated.")
@click.option("--case", "case_id", help="The case that is stated.")
@click.option("--zone", help="The network zone that the request comes from.")
@click.option("--acr", help="How the person has logged in; instead of what the token says.")
def plan(
    file: Path,
    persona: str,
    config: Path,
    tokens: Path | None,
    operation: str | None,
    variables: str | None,
    purpose: str | None,
    case_id: str | None,
    zone: str | None,
    acr: str | None,
) -> None:
    """Show the plan of the operation in FILE, as it would run for a persona.

    Row filters and masks that policy adds stand in it, and what every source is asked. Variables
    and purpose that are not given are those of the YAML file of the same name, where there is one.

    \b
    Example:
      hub plan person.graphql --as benefits-app --variables '{"id": "330106…"}'
    """
    load_environment(config)
    text = read_text(file)
    token = token_of(persona, tokens or config.parent / "tokens.json")
    beside = _beside(file)
    given = beside.get("variables") or {}
    values = _object(orjson.dumps(given).decode() if variables is None else variables)
    if purpose is None and isinstance(beside.get("purpose"), str):
        purpose = beside["purpose"]
    asked: dict[str, Any] = {
        "text": text,
        "operation_name": operation,
        "variables": values,
        "purpose": purpose,
        "case_id": case_id,
        "network_zone": zone,
    }
    click.echo(asyncio.run(_plan(config, token, asked, acr)))


def _beside(file: Path) -> dict[str, Any]:
    """What the sample operations' YAML files say: ``variables`` and ``purpose``."""
    import yaml

    sample = file.with_suffix(".yaml")
    if not sample.is_file():
        return {}
    try:
        held = yaml.safe_load(read_text(sample))
    except yaml.YAMLError as error:
        raise HubError("BAD_REQUEST", "the file is not YAML", where=str(sample)) from error
    return held if isinstance(held, dict) else {}


def _object(text: str) -> dict[str, Any]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        raise HubError("BAD_USER_INPUT", "--variables is not a JSON object")
    return values


async def _plan(config: Path, token: str, asked: dict[str, Any], acr: str | None) -> str:
    from hub.query.request import Request
    from hub.settings import read_settings
    from hub.wiring import build_hub

    hub = build_hub(read_settings(config))
    await hub.open()
    try:
        subject = await hub.identifier.identify("bearer", token)
        if acr is not None:
            subject = msgspec.structs.replace(subject, acr=acr)
        return str(hub.pipeline.plan_text(Request(subject=subject, **asked)))
    finally:
        await hub.close()
