"""`hub source approve`, `reject` and `rollback`: an officer's steps with a registered source."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.desk import CONFIG, KEY, passphrase
from hub.cli.registered import BASED_ON, REASON, officer, registrar, tell_report, tell_step


@click.command("approve")
@click.argument("name")
@CONFIG
@KEY
@BASED_ON
def approve_source(name: str, config: Path, key_file: Path, based_on: int | None) -> None:
    """Approve the version of NAME that is submitted, by signing the digest of its text.

    Signed with it are the differences, labels and share attributes that its check found; they are
    printed. Who has written or submitted it does not approve it. Look at it first with
    `hub source show` and `hub source diff`.

    \b
    Example:
      hub source approve civil --key li.pem
    """
    from hub.registration.approval import sign
    from hub.registration.registrar import report_of
    from hub.rollout.signer import private_key

    key = private_key(key_file, passphrase)
    with registrar(config) as at:
        actor = officer(at, key)
        statement = at.statement(actor, name)
        envelope = sign(statement, key, at.now)
        version = at.approve(actor, name, envelope, based_on=based_on)
        tell_report(report_of(version))
        tell_step(version, at.source(actor, name).revision)


@click.command()
@click.argument("name")
@CONFIG
@KEY
@BASED_ON
@REASON
def reject(name: str, config: Path, key_file: Path, based_on: int | None, reason: str) -> None:
    """Send back the version of NAME that is submitted or approved.

    \b
    Example:
      hub source reject civil --key li.pem --reason "salaries are G3"
    """
    from hub.rollout.signer import private_key

    key = private_key(key_file, passphrase)
    with registrar(config) as at:
        actor = officer(at, key)
        version = at.reject(actor, name, reason, based_on=based_on)
        tell_step(version, at.source(actor, name).revision)


@click.command("rollback")
@click.argument("name")
@CONFIG
@KEY
@BASED_ON
@REASON
@click.option("--to", type=click.IntRange(min=1), required=True, help="The version to go back to.")
def roll_back_source(
    name: str, config: Path, key_file: Path, based_on: int | None, reason: str, to: int
) -> None:
    """Publish the text of an earlier version of NAME again, as a version of its own.

    \b
    Example:
      hub source rollback civil --to 2 --key li.pem --reason "version 3 has wrong names"
    """
    from hub.registration.approval import sign
    from hub.rollout.signer import private_key

    key = private_key(key_file, passphrase)
    with registrar(config) as at:
        actor = officer(at, key)
        envelope = sign(at.statement(actor, name, to), key, at.now)
        version = at.roll_back(actor, name, envelope, to=to, reason=reason, based_on=based_on)
        tell_step(version, at.source(actor, name).revision)
