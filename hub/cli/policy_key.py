"""`hub policy key`: an officer's key pair."""

from __future__ import annotations

import os
from pathlib import Path

import click

from schema.errors import HubError


@click.command("key")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the private key goes; the public one goes beside it, ending in .pub.json.",
)
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase and lock the key with it.")
def new_pair(out: Path, *, passphrase: bool) -> None:
    """Make an Ed25519 key pair with which an officer signs releases.

    The private key stays with the officer; the operator names the public one under
    `release.officers`.

    \b
    Example:
      hub policy key --out li.pem
    """
    from hub.rollout.signer import new_key

    if not out.name:
        raise click.UsageError("name the private key's file with --out, as li.pem")
    asked = None
    if passphrase:
        asked = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    pem, public = new_key(asked.encode() if asked else None)
    beside = out.with_suffix(".pub.json")
    for file, data, mode in ((out, pem, 0o600), (beside, public, 0o644)):
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as to:
                to.write(data)
        except OSError as error:
            hint = "name a file that is not there yet, in a folder that is; a key is never written "
            hint += "over another file"
            message = "the key cannot be written"
            raise HubError(
                "BAD_REQUEST", message, where=str(file), hint=hint, cause=error
            ) from error
    click.echo(f"private key: {out} (keep it to yourself)")
    click.echo(f"public key:  {beside}")
