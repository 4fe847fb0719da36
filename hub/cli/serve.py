"""`hub serve`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from hub.serve.app import App
    from hub.settings import Settings


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("hub.yaml"),
    show_default=True,
    help="The hub's configuration.",
)
@click.option("--host", help="Address to listen on; over the configuration's.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port; over the configuration's.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; over the configuration's.")
def serve(config: Path, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the one endpoint until SIGTERM or Ctrl-C.

    SIGHUP, or a change of a fragment or policy file, reloads catalogue and policies; a mistake in
    them leaves those in force as they are.

    \b
    Example:
      hub serve --config hub.yaml --workers 2
    """
    from hub.registration.ground import load
    from hub.serve.options import listen_options
    from hub.serve.runner import check_address
    from hub.serve.runner import serve as run
    from hub.settings import read_settings

    settings = read_settings(config)
    given = {"host": host, "port": port, "workers": workers}
    chosen = {name: value for name, value in given.items() if value is not None}
    listen = msgspec.structs.replace(settings.listen, **chosen)
    settings = msgspec.structs.replace(settings, listen=listen)
    # what is wrong in them is told here, once, not by every worker
    load(settings, rules=not settings.release.required)
    check_address(listen.host, listen.port)
    scheme = "https" if listen.tls_certificate else "http"
    click.echo(f"listening at {scheme}://{listen.host}:{listen.port}{settings.protocol.path}")
    run(functools.partial(build_app, settings), listen_options(settings))


def build_app(settings: Settings) -> App:
    """One worker's application; called in the worker's process."""
    from hub.control.door import control_door
    from hub.corrections.door import correction_routes
    from hub.login.routes import identity_routes
    from hub.serve.app import create_app
    from hub.serve.options import door_options
    from hub.telemetry.log import configure_logging
    from hub.wiring import build_hub

    configure_logging(settings.telemetry.log_level, settings.telemetry.log_format)
    trusted = settings.protocol.trusted_documents
    hub = build_hub(settings)
    door = control_door(hub, settings)
    return create_app(
        hub,
        door_options(settings),
        observe=hub.observe,
        manifests=() if trusted is None else (Path(trusted),),
        reload_poll_s=settings.listen.reload_poll_s,
        drain_s=settings.listen.drain_s,
        further=(
            *(() if door is None else door.routes),
            *correction_routes(hub, settings),
            *identity_routes(hub, settings),
        ),
        rooms=() if door is None else (door.room,),
    )
