"""`hub source norms`: what of a source's values is outside the norms of its fields."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hub.cli.desk import plain
from hub.cli.load import load_environment
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.registry.outside import Looked

_STATES = {
    "unknown": ("no code of the list", "不在代码表中"),
    "retired": ("a code that is no longer one", "已停用的代码"),
    "divided": ("what it stood for was divided", "所指区域已拆分，无法自动对应"),
    "unread": ("cannot be read", "无法解析"),
}


@click.command()
@click.argument("name")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".demo/hub.yaml"),
    show_default=True,
    help="The hub's configuration.",
)
@click.option("--most", default=20, show_default=True, help="Values shown of each field.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, every value included.")
@click.option("--zh", is_flag=True, help="In Chinese.")
def norms(name: str, config: Path, most: int, as_json: bool, zh: bool) -> None:
    """Look through the source NAME for values outside the code lists and forms of its fields.

    The values themselves are printed: this is for the department that owns the source.

    \b
    Example:
      hub source norms civil --config hub.yaml
    """
    load_environment(config)
    seen = asyncio.run(_look(name, config))
    if as_json:
        click.echo(msgspec.json.encode(seen).decode())
        return
    place = int(zh)
    for one in seen:
        click.echo(_head(one, place))
        for found in one.found[:most]:
            state = _STATES[found.state][place]
            to = f" -> {', '.join(found.to)}" if found.to else ""
            click.echo(f"  {plain(found.value)}{to}: {found.rows} ({state})")
        if len(one.found) > most:
            left = len(one.found) - most
            click.echo((f"  and {left} more values", f"  另有 {left} 个值")[place])
    if not seen:
        click.echo(("no field of it has a norm", "没有字段采用标准")[place])


def _head(one: Looked, place: int) -> str:
    if one.code is not None:
        return f"{one.field} · {one.norm}: {one.code}"
    outside = sum(found.rows for found in one.found)
    return (
        f"{one.field} · {one.norm}: {outside} of {one.rows} values outside",
        f"{one.field} · {one.norm}：{one.rows} 个值中有 {outside} 个不符合标准",
    )[place]


async def _look(name: str, config: Path) -> list[Looked]:
    from hub.registration.ground import load
    from hub.registry.kinds import connect_of
    from hub.registry.outside import look
    from hub.registry.sources import close_quietly, placed, resolver
    from hub.settings import read_settings
    from schema.model.names import SourceName

    settings = read_settings(config)
    loaded = load(settings, rules=False)
    held = loaded.sources.get(SourceName(name))
    if held is None:
        known = ", ".join(sorted(loaded.sources))
        raise HubError("NOT_FOUND", "there is no such source", hint=f"known: {known}")
    decl, folder = held
    connector = connect_of(decl.kind)(placed(decl, folder), resolver(folder, settings.vault))
    await connector.open()
    try:
        return await look(loaded.catalogue, decl.name, connector)
    finally:
        await close_quietly(connector)
