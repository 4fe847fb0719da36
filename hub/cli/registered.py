"""What the commands of registered sources share: the registrar, who acts, what a report says."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli.desk import plain, told
from hub.cli.load import load_environment
from schema.errors import HubError

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

    from hub.registration.actor import Actor
    from hub.registration.publishing import Publisher
    from hub.registration.report import Report
    from hub.store.registrations import Version

BY = click.option(
    "--by", help="Who takes the step, as it stands on record. [default: your account]"
)
BASED_ON = click.option(
    "--based-on",
    type=click.IntRange(min=0),
    help="The revision you have looked at; refused if somebody has taken a step since.",
)
REASON = click.option("--reason", required=True, help="Why; it stands on record.")


@contextmanager
def registrar(config: Path) -> Iterator[Publisher]:
    """The registered sources of a configuration's hub. Raises: `HubError`."""
    from hub.registration.history import ConflictError
    from hub.registration.publishing import Publisher
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine

    load_environment(config)
    settings = read_settings(config)
    Path(settings.state.directory).mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.state.database_url)
    try:
        migrate(engine)
        yield Publisher(engine, settings)
    except ConflictError as error:
        tell_lines(error.difference, err=True)
        raise
    finally:
        engine.dispose()


def operator(by: str | None) -> Actor:
    """Who has a shell where the hub's database is: every department's steward, no officer."""
    from hub.registration.actor import Actor

    return Actor(name=f"account:{account()}" if by is None else by, steward=True)


def reader() -> Actor:
    """Whoever looks from the command line sees all."""
    from hub.registration.actor import Actor

    return Actor(name=f"account:{account()}", steward=True, officer=True)


def officer(registrar: Publisher, key: OKPKey) -> Actor:
    """The officer whose key it is. Raises: `HubError` REGISTRATION_REFUSED."""
    from hub.registration.actor import Actor

    found = registrar.signers.get(key.thumbprint())
    if found is None or found.retired or found.sort != "officer":
        hint = "declare its public key under `release.officers`"
        message = "the key is not one of a security officer"
        raise HubError("REGISTRATION_REFUSED", message, hint=hint)
    return Actor(name=found.who, officer=True)


def account() -> str:
    """Who runs the command, as the system says."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def tell_step(version: Version, revision: int) -> None:
    """What became of a version."""
    click.echo(
        f"`{version.source}` version {version.version} is {version.state.replace('_', ' ')}"
        f" (revision {revision})"
    )


def tell_lines(text: str, *, err: bool = False) -> None:
    """Somebody else's text for a terminal, line by line."""
    for line in text.splitlines():
        click.echo(plain(line.replace("\t", "    ")), err=err)


def tell_report(report: Report) -> None:
    """What a check found."""
    click.echo(f"checked {told(report.at)} by {plain(report.by)}: {_verdict(report)}")
    for one in report.findings:
        click.echo(f"  {one.severity}: {plain(str(one))} [{one.code}]")
    _tell_part("differences to the catalogue", report.changes, _change)
    _tell_part("labels and share attributes", report.labels, _label)
    if report.passed:
        click.echo(f"  recorded operations: {report.operations} decided anew")
        for effect in report.effects:
            where = plain(effect.department or "no department")
            click.echo(
                f"    {where}, {plain(effect.app)}: {effect.breaks} break, {effect.changes} change"
                f" (asked {effect.asked} times)"
            )
            for example in effect.examples:
                name = plain(example.name or example.digest[:12])
                click.echo(f"      {name}, asked {example.asked}: {plain(example.reason)}")


def _verdict(report: Report) -> str:
    count = len(report.errors)
    return "passed" if report.passed else f"{count} error{'s' * (count != 1)}"


def _tell_part(title: str, rows: tuple[Any, ...], line: Callable[[Any], str]) -> None:
    click.echo(f"  {title}: {len(rows) or 'none'}")
    for row in rows:
        click.echo(f"    {plain(line(row))}")


def _change(change: Any) -> str:
    return f"{change.kind}: {change.coordinate}: {change.message}"


def _label(row: Any) -> str:
    return f"{row.way}: {row.coordinate} {row.what}: {row.before or '-'} -> {row.after or '-'}"
