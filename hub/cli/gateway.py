"""`hub gateway`."""

from __future__ import annotations

import functools
import ipaddress
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from hub.cli.load import read_text
from schema.errors import HubError, ManyErrors

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

    from hub.gateway.compose.compose import Subgraph
    from hub.gateway.model import Supergraph
    from hub.gateway.serve import GatewayApp


@click.command()
@click.option(
    "--subgraphs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON: a list of objects with `name`, `url` and `sdl`.",
)
@click.option(
    "--supergraph",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A composed supergraph (join v0.3) instead of subgraphs.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=4000, show_default=True, help="Port."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."
)
@click.option(
    "--plan",
    "operation_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Print the plan of the operation in this file instead of serving.",
)
@click.option("--operation", help="With --plan: the operation's name, where the file has several.")
@click.option("--variables", default="{}", help="With --plan: variables, as a JSON object.")
def gateway(
    subgraphs: Path | None,
    supergraph: Path | None,
    host: str,
    port: int,
    workers: int,
    operation_file: Path | None,
    operation: str | None,
    variables: str,
) -> None:
    """Serve federated subgraphs as one endpoint, open to every caller of this machine.

    No credentials are asked for and no policy rules, so only loopback addresses are listened on.

    \b
    Example:
      hub gateway --subgraphs subgraphs.json --port 4000
    """
    if (subgraphs is None) == (supergraph is None):
        raise HubError("BAD_REQUEST", "name either --subgraphs or --supergraph")
    source = read_text(supergraph) if supergraph else _subgraphs(subgraphs or Path())
    composed = _compose(source)
    if operation_file is not None:
        click.echo(_plan(composed, read_text(operation_file), operation, variables), nl=False)
        return
    check_loopback(host)
    _serve(source, host, port, workers)


def _subgraphs(file: Path) -> tuple[Subgraph, ...]:
    """The subgraphs of a file; raises `HubError` with what is wrong and where."""
    from hub.gateway.compose.compose import Subgraph

    class Named(msgspec.Struct, frozen=True):
        name: str
        url: str
        sdl: str

    try:
        held = msgspec.json.decode(read_text(file).encode(), type=list[Named])
    except msgspec.DecodeError as error:
        raise HubError(
            "BAD_REQUEST", f"not a list of subgraphs: {error}", where=str(file),
            hint='write [{"name": "users", "url": "http://…", "sdl": "type Query …"}]',
        ) from None  # fmt: skip
    seen: set[str] = set()
    for number, one in enumerate(held):
        where = f"{file}: subgraph {number + 1}"
        if not one.name or one.name in seen:
            raise HubError("BAD_REQUEST", "every subgraph needs a name of its own", where=where)
        if not one.url.startswith(("http://", "https://")):
            raise HubError("BAD_REQUEST", "`url` is no absolute http address", where=where)
        seen.add(one.name)
    return tuple(Subgraph(one.name, one.url, one.sdl) for one in held)


def _compose(source: str | Sequence[Subgraph]) -> Supergraph:
    """The supergraph; raises every problem of composition, each with its code."""
    from hub.gateway.compose.compose import compose
    from hub.gateway.compose.problems import CompositionError

    try:
        if isinstance(source, str):
            from hub.gateway.compose.supergraph import read_supergraph

            return read_supergraph(source)
        return compose(source)
    except CompositionError as error:
        told = [HubError("COMPOSITION_FAILED", f"{one.code}: {one.message}")
                for one in error.problems]  # fmt: skip
        raise ManyErrors("COMPOSITION_FAILED", told) from None


def _plan(composed: Supergraph, text: str, operation: str | None, variables: str) -> str:
    from hub.gateway.gateway import Gateway
    from hub.query.parse import RequestError

    try:
        values: Any = orjson.loads(variables)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict):
        raise HubError("BAD_USER_INPUT", "--variables is not a JSON object")
    try:
        return Gateway(composed, None).plan_text(text, operation, values)
    except RequestError as error:
        told = [HubError(error.code, str(one["message"])) for one in error.errors]
        raise ManyErrors(error.code, told) from None


def check_loopback(host: str) -> None:
    """Refuse every address that others can reach."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        # fails closed: the open mode has no callers but this machine's own
        raise HubError(
            "CONFIG_INVALID",
            f"the open gateway listens on loopback only, not on {host}",
            hint="use 127.0.0.1",
        )


def _serve(source: str | tuple[Subgraph, ...], host: str, port: int, workers: int) -> None:
    from hub.serve.options import ListenOptions
    from hub.serve.runner import serve

    starting = multiprocessing.get_context("spawn").Value("i", workers)
    build = functools.partial(build_gateway, source, (host, port), starting)
    serve(build, ListenOptions(host=host, port=port, workers=workers))


def build_gateway(
    source: str | tuple[Subgraph, ...], listening: tuple[str, int], starting: Synchronized[int]
) -> GatewayApp:
    """One worker's application; called in the worker's process."""
    from hub.gateway.serve import GatewayApp
    from hub.telemetry.log import configure_logging

    configure_logging("warning", "console")
    return GatewayApp(_compose(source), listening, starting)
