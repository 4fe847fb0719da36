"""`hub correction`: doubts about values, as users report them and stewards look into them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hub.cli.caller import CREDENTIALS, AtHub, at_hub
from hub.cli.desk import CONFIG, plain
from hub.cli.load import read_text
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.corrections.desk import CorrectionDesk, Settled
    from hub.store.corrections import Correction
    from schema.model.subject import Subject

_BASED_ON = click.option(
    "--based-on",
    type=click.IntRange(min=1),
    help="The revision you have looked at; refused if somebody has taken a step since.",
)
_NOTE = click.option("--note", required=True, help="Why; the department's stewards read it.")


@click.group()
def correction() -> None:
    """Report doubts about values; look into those about your department's fields.

    \b
    Example:
      hub correction report doubt.json --credentials token.txt
      hub correction list --credentials token.txt
    """


@contextmanager
def _desk(config: Path, credentials: Path) -> Iterator[tuple[CorrectionDesk, Subject]]:
    from hub.corrections.desk import CorrectionDesk

    with at_hub(config, credentials) as at:
        yield CorrectionDesk(at.engine, at.settings, lambda: at.loaded.packs), at.who


@correction.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@CREDENTIALS
@CONFIG
def report(file: Path, credentials: Path, config: Path) -> None:
    """Report the doubt in FILE, as it would be sent to `/corrections`.

    Whoever may use the fields to `correct` may report. What comes back is the same whether the row
    exists, and whether the value is right.

    \b
    Example:
      hub correction report doubt.json --credentials token.txt
    """
    import msgspec

    from hub.corrections.reporting import Report, Reporting

    try:
        said = msgspec.json.decode(read_text(file), type=Report)
    except msgspec.DecodeError as error:
        hint = "write `type`, `key`, `fields` and `evidence`, and nothing else"
        where = str(file)
        raise HubError("BAD_REQUEST", "the file is no report", where=where, hint=hint) from error
    with at_hub(config, credentials) as at:
        _check_suspended(at)
        reporting = Reporting(at.engine, at.settings)
        for name in reporting.report(at.who, said, rules=at.rules(), packs=at.loaded.packs):
            click.echo(f"{name}: accepted for verification")


def _check_suspended(at: AtHub) -> None:
    from hub.emergency.desk import suspension
    from hub.emergency.suspended import suspended_apps
    from hub.store.emergency import openings

    now = time.time()
    if at.who.app in suspended_apps(openings(at.engine, concerning=now), now):
        raise suspension()


@correction.command("list")
@click.option("--scores", is_flag=True, help="How departments keep the clock; for the authority.")
@CREDENTIALS
@CONFIG
def list_(scores: bool, credentials: Path, config: Path) -> None:
    """List the doubts about your department's fields; for the authority all.

    \b
    Example:
      hub correction list --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        if scores:
            for score in desk.scores(who):
                click.echo(
                    f"{plain(score.department)}: {score.open} open, {score.overdue} overdue;"
                    f" {score.settled} settled, {score.late} late"
                )
            return
        for one in desk.corrections(who):
            late = ", overdue" if one.open and one.due_at <= time.time() else ""
            click.echo(
                f"{one.id}: {one.element} of {plain(one.department)} is {one.state} (revision"
                f" {one.revision}), due {_moment(one.due_at)}{late}"
            )


@correction.command()
@click.argument("name", metavar="ID")
@CREDENTIALS
@CONFIG
def show(name: str, credentials: Path, config: Path) -> None:
    """Show what the doubt ID says, to a steward of its department; the look is on record.

    \b
    Example:
      hub correction show 3f2a91c07be4d518 --credentials token.txt
    """
    import orjson

    with _desk(config, credentials) as (desk, who):
        found = desk.show(who, name)
        _tell(found.correction)
        click.echo(f"  key: {orjson.dumps(dict(found.doubt.key)).decode()}")
        click.echo(f"  claimed: {orjson.dumps(found.doubt.claimed).decode()}")
        click.echo(f"  evidence: {plain(found.doubt.evidence)}")
        for one in found.steps:
            note = "" if one.note is None else f": {plain(one.note)}"
            click.echo(f"  {_moment(one.step.at)} {one.step.act} by {plain(one.step.by)}{note}")


@correction.command()
@click.argument("name", metavar="ID")
@_NOTE
@_BASED_ON
@CREDENTIALS
@CONFIG
def accept(name: str, note: str, based_on: int | None, credentials: Path, config: Path) -> None:
    """Take the doubt ID up; answers then tell who asks that the value is disputed.

    \b
    Example:
      hub correction accept 3f2a91c07be4d518 --note "seen at the register" --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        _tell(desk.accept(who, name, note, based_on=based_on))


@correction.command()
@click.argument("name", metavar="ID")
@_NOTE
@_BASED_ON
@CREDENTIALS
@CONFIG
def reject(name: str, note: str, based_on: int | None, credentials: Path, config: Path) -> None:
    """Do not take the doubt ID up, with reasons.

    \b
    Example:
      hub correction reject 3f2a91c07be4d518 --note "another person" --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        _tell(desk.reject(who, name, note, based_on=based_on))


@correction.command()
@click.argument("name", metavar="ID")
@click.option(
    "--outcome",
    required=True,
    type=click.Choice(["corrected", "unfounded", "withdrawn"]),
    help="What became of it; the value itself is mended at the source.",
)
@_NOTE
@_BASED_ON
@CREDENTIALS
@CONFIG
def resolve(
    name: str, outcome: str, note: str, based_on: int | None, credentials: Path, config: Path
) -> None:
    """Settle the doubt ID, which was taken up.

    \b
    Example:
      hub correction resolve 3f2a91c07be4d518 --outcome corrected --note "mended" \\
        --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        _tell(desk.resolve(who, name, cast("Settled", outcome), note, based_on=based_on))


@correction.command()
@click.argument("name", metavar="ID")
@_NOTE
@_BASED_ON
@CREDENTIALS
@CONFIG
def extend(name: str, note: str, based_on: int | None, credentials: Path, config: Path) -> None:
    """Consent to more time for the doubt ID, once; for the authority.

    \b
    Example:
      hub correction extend 3f2a91c07be4d518 --note "papers abroad" --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        _tell(desk.extend(who, name, note, based_on=based_on))


def _tell(one: Correction) -> None:
    click.echo(
        f"{one.id}: {one.element} is {one.state} (revision {one.revision}), due"
        f" {_moment(one.due_at)}"
    )


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
