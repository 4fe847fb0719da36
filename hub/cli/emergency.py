"""`hub emergency`: emergencies, what is opened in them, and its review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hub.cli.caller import CREDENTIALS, at_hub
from hub.cli.desk import CONFIG, plain

if TYPE_CHECKING:
    from hub.emergency.desk import EmergencyDesk
    from hub.store.emergency import Outcome
    from schema.model.subject import Subject


@click.group()
def emergency() -> None:
    """Declare emergencies; break the glass in one; revoke and review what was opened.

    \b
    Example:
      hub emergency declare flood-2026-07 --title "Flood" --opens flood-rescue --hours 72 \\
        --credentials token.txt
    """


@contextmanager
def _desk(config: Path, credentials: Path) -> Iterator[tuple[EmergencyDesk, Subject]]:
    from hub.emergency.desk import EmergencyDesk

    with at_hub(config, credentials) as at:
        yield EmergencyDesk(at.engine, at.settings, lambda: at.loaded), at.who


@emergency.command()
@click.argument("name")
@click.option("--title", required=True, help="What has happened, in a few words.")
@click.option("--opens", required=True, multiple=True, help="A list; may be repeated.")
@click.option("--hours", required=True, type=click.IntRange(min=1), help="How long, from now.")
@click.option("--region", help="Callers of this region alone. [default: everywhere]")
@CREDENTIALS
@CONFIG
def declare(
    name: str,
    title: str,
    opens: tuple[str, ...],
    hours: int,
    region: str | None,
    credentials: Path,
    config: Path,
) -> None:
    """Declare the emergency NAME, in which lists may be opened.

    \b
    Example:
      hub emergency declare flood --title "Flood" --opens flood-rescue --hours 72 \\
        --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        made = desk.declare(who, name, title=title, opens=opens, hours=hours, region=region)
        click.echo(f"`{made.id}` is declared until {_moment(made.until)}")


@emergency.command()
@click.argument("name")
@CREDENTIALS
@CONFIG
def end(name: str, credentials: Path, config: Path) -> None:
    """End the emergency NAME; all that was opened in it is closed at once.

    \b
    Example:
      hub emergency end flood --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        desk.end(who, name)
        click.echo(f"`{name}` has ended")


@emergency.command("list")
@CREDENTIALS
@CONFIG
def show(credentials: Path, config: Path) -> None:
    """List emergencies, what was opened in them, and what waits for a review.

    \b
    Example:
      hub emergency list --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        for one in desk.emergencies(who):
            until, lists = _moment(one.over), ", ".join(one.lists)
            click.echo(f"{one.id}: {plain(one.title)}; until {until}; opens {lists}")
        for held in desk.openings(who):
            review = held.outcome or f"to be reviewed by {_moment(held.review_due)}"
            click.echo(
                f"  {held.id} in {held.emergency}: `{held.list}` by {plain(held.subject)}, case"
                f" {plain(held.case_id)}, until {_moment(held.over)}; {review}"
            )


@emergency.command("break")
@click.argument("name")
@click.argument("which", metavar="LIST")
@click.option("--case", "case_id", required=True, help="The case that it is for; on record.")
@click.option("--reason", required=True, help="Why; officers and reviewers read it.")
@CREDENTIALS
@CONFIG
def break_glass(
    name: str, which: str, case_id: str, reason: str, credentials: Path, config: Path
) -> None:
    """Open LIST in the emergency NAME, for the person and application of the credentials.

    Running hubs take it up within a second. Ask with the same purpose, case and log-in; it closes
    by itself. Owning departments and the security officer are told at once.

    \b
    Example:
      hub emergency break flood flood-rescue --case 2026-117 --reason "find residents" \\
        --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        made = desk.open_glass(who, name, which, case_id=case_id, reason=reason)
        click.echo(f"opening {made.id} until {_moment(made.until)}")


@emergency.command()
@click.argument("opening")
@CREDENTIALS
@CONFIG
def revoke(opening: str, credentials: Path, config: Path) -> None:
    """Close OPENING at once; for security officers.

    \b
    Example:
      hub emergency revoke 3f2a91c07be4d518 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        desk.revoke(who, opening)
        click.echo(f"{opening} is closed")


@emergency.command()
@click.argument("opening")
@click.option("--outcome", required=True, type=click.Choice(["justified", "unjustified"]))
@click.option("--note", required=True, help="What was found, and what follows from it.")
@CREDENTIALS
@CONFIG
def review(opening: str, outcome: str, note: str, credentials: Path, config: Path) -> None:
    """Say whether OPENING was justified; for security officers who have not opened it.

    Where that is not done in time, the application is suspended until it is.

    \b
    Example:
      hub emergency review 3f2a91c07be4d518 --outcome justified --note "3 rows, all in the case" \\
        --credentials token.txt
    """
    with _desk(config, credentials) as (desk, who):
        desk.review(who, opening, cast("Outcome", outcome), note)
        click.echo(f"{opening} is reviewed: {outcome}")


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
