"""`hub source register` and what follows: a department's steps with a registered source."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from hub.cli.desk import CONFIG
from hub.cli.load import read_text
from hub.cli.registered import (
    BASED_ON,
    BY,
    REASON,
    operator,
    reader,
    registrar,
    tell_report,
    tell_step,
)
from schema.errors import HubError, ManyErrors


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@BASED_ON
@BY
def register(file: Path, config: Path, based_on: int | None, by: str | None) -> None:
    """Register the fragment in FILE as a draft, or as the new text of the version under way.

    Who edits what is registered already says with --based-on which revision it is based on; if
    somebody has taken a step since, it is refused, and what they changed is shown.

    \b
    Example:
      hub source register civil.yaml
      hub source register civil.yaml --based-on 7
    """
    text = read_text(file)
    with registrar(config) as at:
        actor = operator(by)
        try:
            version = at.edit(actor, text, based_on=based_on)
        except ManyErrors as error:
            raise ManyErrors(error.code, [_in_file(one, file) for one in error.problems]) from error
        tell_step(version, at.source(actor, version.source).revision)


def _in_file(error: HubError, file: Path) -> HubError:
    where = None if error.where is None else error.where.replace("fragment", str(file), 1)
    return HubError(error.code, error.message, where=where, hint=error.hint)


@click.command()
@click.argument("name")
@CONFIG
@BASED_ON
@BY
def check(name: str, config: Path, based_on: int | None, by: str | None) -> None:
    """Check the version of NAME that is under way, and keep the report with it.

    Whether it fits the catalogue in force and its rules, whether all is labelled, whether the live
    source holds what it says (a few rows of each table are read and thrown away), what it changes
    for those who ask, and which operations of recent weeks break. Exits with 1 unless it passed.

    \b
    Example:
      hub source check civil
    """
    with registrar(config) as at:
        actor = operator(by)
        version, report = asyncio.run(at.check(actor, name, based_on=based_on))
        tell_report(report)
        tell_step(version, at.source(actor, name).revision)
    if not report.passed:
        count = len(report.errors)
        message = f"the check of `{name}` found {count} error{'s' * (count != 1)}"
        hint = "mend the fragment, and register it with `hub source register`"
        raise HubError("REGISTRATION_REFUSED", message, hint=hint)


@click.command()
@click.argument("name")
@CONFIG
@BASED_ON
@BY
def submit(name: str, config: Path, based_on: int | None, by: str | None) -> None:
    """Ask a security officer to approve the version of NAME that was checked.

    \b
    Example:
      hub source submit civil --by zhang
    """
    with registrar(config) as at:
        actor = operator(by)
        version = at.submit(actor, name, based_on=based_on)
        tell_step(version, at.source(actor, name).revision)


@click.command()
@click.argument("name")
@CONFIG
@BASED_ON
@BY
def recall(name: str, config: Path, based_on: int | None, by: str | None) -> None:
    """Make a draft again of the version of NAME that was submitted or approved.

    \b
    Example:
      hub source recall civil
    """
    with registrar(config) as at:
        actor = operator(by)
        version = at.recall(actor, name, based_on=based_on)
        tell_step(version, at.source(actor, name).revision)


@click.command()
@click.argument("name")
@CONFIG
@BASED_ON
@BY
def publish(name: str, config: Path, based_on: int | None, by: str | None) -> None:
    """Put the approved version of NAME in force; running hubs take it up without a restart.

    \b
    Example:
      hub source publish civil
    """
    with registrar(config) as at:
        actor = operator(by)
        version = at.publish(actor, name, based_on=based_on)
        tell_step(version, at.source(actor, name).revision)


@click.command()
@click.argument("name")
@CONFIG
@BASED_ON
@BY
@REASON
def withdraw(name: str, config: Path, based_on: int | None, by: str | None, reason: str) -> None:
    """Take NAME out of the catalogue; where nothing of it is published, take its draft back.

    Refused while anything depends on it, naming what does. Says what disappears.

    \b
    Example:
      hub source withdraw civil --reason "the system is switched off"
    """
    with registrar(config) as at:
        version, gone = at.withdraw(operator(by), name, reason, based_on=based_on)
        for one in gone:
            click.echo(f"  gone: {one}")
        tell_step(version, at.source(reader(), name).revision)
