"""`hub policy activate` and `hub policy rollback`: rules come into force, or come back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.desk import CONFIG, KEY, TIMEOUT, at_desk, moment, passphrase, told
from hub.cli.load import read_text

if TYPE_CHECKING:
    from hub.rollout.lifecycle import Done
    from hub.settings import Settings


@click.command()
@click.argument("release", type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@click.option("--at", callback=moment, help="From this moment on, instead of at once.")
@TIMEOUT
def activate(release: Path, config: Path, at: float | None, timeout: float) -> None:
    """Put a signed RELEASE in force: at once, or from a moment on.

    Signatures, expiry and what it was compared with are checked, and everything in it is found
    anew over the catalogue of today. Workers take it up within a second. A release that was
    to come into force later and has not yet is replaced.

    \b
    Example:
      hub policy activate june.release.json --at 2026-06-01T00:00:00+08:00
    """
    from hub.rollout.lifecycle import activate as put_in_force
    from hub.rollout.signature import read_envelope

    with at_desk(config, timeout) as at_it:
        done = put_in_force(at_it.desk, at_it.gate, read_envelope(read_text(release)), at)
        _tell(done, at_it.desk.now, at_it.settings)


@click.command()
@click.argument("epoch", type=click.IntRange(min=1))
@CONFIG
@KEY
@click.option("--reason", required=True, help="Why; it is signed and on the audit log.")
@click.option(
    "--revoke",
    is_flag=True,
    help="Also refuse what the epochs in between decided and has not left yet.",
)
def rollback(epoch: int, config: Path, key_file: Path, reason: str, *, revoke: bool) -> None:
    """Put the rules of EPOCH in force again, as a new epoch. One officer signs.

    Nothing is deleted, and grants are not part of rules: none that was revoked comes back.

    \b
    Example:
      hub policy rollback 6 --key li.pem --reason "epoch 7 shows salaries" --revoke
    """
    from hub.rollout.lifecycle import roll_back
    from hub.rollout.signer import private_key

    key = private_key(key_file, passphrase)
    with at_desk(config, 1.0) as at_it:
        done = roll_back(
            at_it.desk, at_it.loaded, at_it.gate, key, to=epoch, reason=reason, revoke=revoke
        )
        _tell(done, at_it.desk.now, at_it.settings)


def _tell(done: Done, now: float, settings: Settings) -> None:
    when = "in force" if done.active_from <= now else f"in force from {told(done.active_from)}"
    click.echo(f"epoch {done.epoch} {when}")
    for epoch in done.replaced:
        click.echo(f"note: epoch {epoch}, which was to come into force, does not")
    if not settings.release.required:
        click.echo("note: `release.required` is off: hubs serve the files under `policies`")
