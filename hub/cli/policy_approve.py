"""`hub policy approve` and `withdraw`: an officer signs the most that documents may reveal."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.desk import CONFIG, KEY, passphrase
from hub.cli.load import load_environment
from hub.cli.reveal import ground_of, read_approved


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@KEY
def approve(file: Path, config: Path, key_file: Path) -> None:
    """Approve the documents in FILE with their bound, as `hub policy reveal --json` wrote it.

    The bound is signed and kept with each document; the newest approval of a document holds.
    Where `release.bounds` is set, a document runs only while the rules in force keep it within
    its bound, and only for the applications that stand there. Look at it first with
    `hub policy reveal`.

    \b
    Example:
      hub policy approve approved.json --key li.pem --config hub.yaml
    """
    from hub.rollout.bound import approve_bound
    from hub.rollout.desk import open_desk
    from hub.rollout.signer import private_key
    from hub.settings import read_settings

    key = private_key(key_file, passphrase)
    load_environment(config)
    settings = read_settings(config)
    agreement = read_approved(file)
    ground = ground_of(settings, ())
    with open_desk(settings) as desk:
        for one in approve_bound(desk, agreement, ground, key):
            click.echo(f"{one.document[:12]}  approval {one.serial}")
    if not settings.release.bounds:
        click.echo("note: `release.bounds` is off: hubs run documents whatever they reveal")


@click.command()
@click.argument("documents", nargs=-1, required=True)
@CONFIG
@KEY
def withdraw(documents: tuple[str, ...], config: Path, key_file: Path) -> None:
    """Take the approval of DOCUMENTS back, each named by the beginning of its digest.

    Where `release.bounds` is set, they run no more until an officer approves them anew.
    `hub policy reveal --stored` shows their digests.

    \b
    Example:
      hub policy withdraw 3f9a2c17b0de --key li.pem --config hub.yaml
    """
    from hub.rollout.bound import withdraw_bound
    from hub.rollout.desk import open_desk
    from hub.rollout.signer import private_key
    from hub.settings import read_settings

    key = private_key(key_file, passphrase)
    load_environment(config)
    with open_desk(read_settings(config)) as desk:
        for name in documents:
            one = withdraw_bound(desk, name, key)
            click.echo(f"{one.document[:12]}  withdrawn by statement {one.serial}")
