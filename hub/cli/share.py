"""`hub share`: ask for data of other departments, answer for one's own, and the life of grants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from hub.cli.caller import CREDENTIALS, at_hub
from hub.cli.desk import CONFIG, plain, told
from hub.cli.load import read_text
from hub.sharing.request import RefusalReason
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.sharing.asking import Sharing
    from hub.sharing.desk import Shown
    from hub.sharing.party import Party
    from hub.sharing.request import Terms
    from hub.store.sharing import StoredGrant

BASED_ON = click.option(
    "--based-on",
    type=click.IntRange(min=1),
    help="The revision you have looked at; refused if somebody has taken a step since.",
)
PART = click.option(
    "--part", type=click.IntRange(min=0), required=True, help="Which part, as `show` numbers them."
)
SAID = click.option("--said", required=True, help="In words; it stands on record.")


@click.group(short_help="Ask for shares, answer them, manage grants.")
def share() -> None:
    """Ask for data of other departments, answer for your own, and manage what was granted.

    Who takes a step is who the credentials say, with their duties, as over HTTP.

    \b
    Example:
      hub share search salary --credentials token.txt
    """


@contextmanager
def _desk(config: Path, credentials: Path) -> Iterator[tuple[Sharing, Party]]:
    from hub.sharing.asking import Sharing
    from hub.sharing.party import party_of

    with at_hub(config, credentials) as at:
        settings = at.settings
        if not settings.sharing.enabled:
            hint = "set `sharing.enabled`"
            raise HubError("NOT_FOUND", "this hub has no requests for shares", hint=hint)
        lookers = frozenset({settings.release.officer_duty, settings.release.auditor_duty})
        yield (
            Sharing(at.engine, settings, at.loaded),
            party_of(at.who, settings.sharing, lookers),
        )


@share.command("search")
@click.argument("words", nargs=-1, required=True)
@CREDENTIALS
@CONFIG
def search_fields(words: tuple[str, ...], credentials: Path, config: Path) -> None:
    """Find fields that WORDS are about, in English or Chinese, among what you may know of.

    \b
    Example:
      hub share search monthly salary --credentials token.txt
    """
    from hub.sharing.search import search

    with _desk(config, credentials) as (desk, party):
        for one in search(desk.loaded, " ".join(words), party.department):
            titles = " / ".join(one.title.values())
            click.echo(f"{one.coordinate}  {plain(titles)}  {one.owner}  {one.share}: {one.how}")


@share.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--id", "ident", help="A draft of yours, to be written anew.")
@BASED_ON
@CREDENTIALS
@CONFIG
def request(
    file: Path, ident: str | None, based_on: int | None, credentials: Path, config: Path
) -> None:
    """Begin a request, as FILE (YAML) states it, or write a draft anew.

    \b
    Example:
      hub share request salaries.yaml --credentials token.txt
    """
    from hub.sharing.request import read_request

    found = read_request(_values(file))
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.write(party, found, ident=ident, based_on=based_on))


@share.command()
@click.argument("ident", metavar="ID")
@BASED_ON
@CREDENTIALS
@CONFIG
def submit(ident: str, based_on: int | None, credentials: Path, config: Path) -> None:
    """Submit the request ID to the owners; what is unconditional is granted at once.

    \b
    Example:
      hub share submit 1f0c9a55 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.submit(party, ident, based_on=based_on))


@share.command()
@click.argument("ident", metavar="ID")
@click.option("--reason", required=True, help="Why; it stands on record.")
@BASED_ON
@CREDENTIALS
@CONFIG
def withdraw(
    ident: str, reason: str, based_on: int | None, credentials: Path, config: Path
) -> None:
    """Take back what is not answered of the request ID.

    \b
    Example:
      hub share withdraw 1f0c9a55 --reason "not needed" --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.withdraw(party, ident, reason, based_on=based_on))


@share.command()
@click.argument("ident", metavar="ID")
@PART
@click.option(
    "--terms",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file (YAML) with narrower terms. [default: as asked for]",
)
@click.option("--said", default="", help="In words; it stands on record.")
@BASED_ON
@CREDENTIALS
@CONFIG
def agree(
    ident: str,
    part: int,
    terms: Path | None,
    said: str,
    based_on: int | None,
    credentials: Path,
    config: Path,
) -> None:
    """Give what a part of the request ID asks for, or less of it.

    \b
    Example:
      hub share agree 1f0c9a55 --part 0 --terms bands.yaml --credentials token.txt
    """
    given = None if terms is None else _terms(terms)
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.agree(party, ident, part, terms=given, said=said, based_on=based_on))


@share.command()
@click.argument("ident", metavar="ID")
@PART
@click.option("--reason", required=True, type=click.Choice(get_args(RefusalReason)))
@SAID
@BASED_ON
@CREDENTIALS
@CONFIG
def refuse(
    ident: str,
    part: int,
    reason: str,
    said: str,
    based_on: int | None,
    credentials: Path,
    config: Path,
) -> None:
    """Refuse a part of the request ID, for a reason of the list and in words.

    \b
    Example:
      hub share refuse 1f0c9a55 --part 0 --reason law-forbids --said "article 9" \\
        --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.refuse(party, ident, part, reason=reason, said=said, based_on=based_on))


@share.command()
@click.argument("ident", metavar="ID")
@PART
@SAID
@BASED_ON
@CREDENTIALS
@CONFIG
def dispute(
    ident: str, part: int, said: str, based_on: int | None, credentials: Path, config: Path
) -> None:
    """Ask the data authority to judge the refusal of a part of the request ID.

    \b
    Example:
      hub share dispute 1f0c9a55 --part 0 --said "the law asks for it" --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.dispute(party, ident, part, said, based_on=based_on))


@share.command()
@click.argument("ident", metavar="ID")
@PART
@click.option("--judgement", required=True, type=click.Choice(["uphold", "reconsider"]))
@SAID
@BASED_ON
@CREDENTIALS
@CONFIG
def judge(
    ident: str,
    part: int,
    judgement: str,
    said: str,
    based_on: int | None,
    credentials: Path,
    config: Path,
) -> None:
    """Judge a dispute: uphold the refusal, or let the owner reconsider. It permits nothing.

    \b
    Example:
      hub share judge 1f0c9a55 --part 0 --judgement reconsider --said "look again" \\
        --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        given = {"judgement": judgement, "said": said, "based_on": based_on}
        _tell(desk, desk.judge(party, ident, part, **given))  # type: ignore[arg-type]  # by name


@share.command("list")
@CREDENTIALS
@CONFIG
def list_requests(credentials: Path, config: Path) -> None:
    """List the requests of your department, and those that it answers.

    \b
    Example:
      hub share list --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        for shown in desk.requests(party):
            asked = shown.held.request
            late = any(_late(one, desk.now) for one in shown.held.parts)
            click.echo(
                f"{shown.id}  {shown.held.state}{', late' if late else ''}  {asked.department}"
                f"  {plain(asked.app)}  {plain(asked.scenario)[:60]}"
            )


@share.command("show")
@click.argument("ident", metavar="ID")
@CREDENTIALS
@CONFIG
def show_request(ident: str, credentials: Path, config: Path) -> None:
    """Show the request ID: its parts, their clocks, and who did what.

    \b
    Example:
      hub share show 1f0c9a55 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        shown = desk.request(party, ident)
        _tell(desk, shown)
        for step in shown.steps:
            reason = "" if step.reason is None else f": {plain(step.reason)}"
            click.echo(f"  {step.revision}  {told(step.at)}  {step.act}  {plain(step.by)}{reason}")


@share.command("grants")
@CREDENTIALS
@CONFIG
def list_grants(credentials: Path, config: Path) -> None:
    """List the grants of what your department owns or uses.

    \b
    Example:
      hub share grants --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        for row in desk.grants(party):
            _tell_grant(row)


@share.command()
@click.argument("grant")
@click.option("--reason", required=True, help="Why; it stands on record.")
@CREDENTIALS
@CONFIG
def revoke(grant: str, reason: str, credentials: Path, config: Path) -> None:
    """End GRANT now, on all workers.

    \b
    Example:
      hub share revoke share-1f0c9a55-0 --reason "too much" --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell_grant(desk.revoke(party, grant, reason))


@share.command()
@click.argument("grant")
@CREDENTIALS
@CONFIG
def certify(grant: str, credentials: Path, config: Path) -> None:
    """Confirm that GRANT is still needed and in order.

    \b
    Example:
      hub share certify share-1f0c9a55-0 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell_grant(desk.certify(party, grant))


@share.command()
@click.argument("grant")
@CREDENTIALS
@CONFIG
def accept(grant: str, credentials: Path, config: Path) -> None:
    """Sign for what GRANT gives: your department answers for it. Then it is live.

    \b
    Example:
      hub share accept share-1f0c9a55-0 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell_grant(desk.accept(party, grant))


@share.command()
@click.argument("grant")
@click.option("--expires", required=True, help="The new last day, as 2027-12-31.")
@CREDENTIALS
@CONFIG
def renew(grant: str, expires: str, credentials: Path, config: Path) -> None:
    """Begin a request for the same as GRANT gives, until another day.

    \b
    Example:
      hub share renew share-1f0c9a55-0 --expires 2027-12-31 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        _tell(desk, desk.renew(party, grant, expires))


@share.command()
@click.argument("grant")
@CREDENTIALS
@CONFIG
def reach(grant: str, credentials: Path, config: Path) -> None:
    """Show when each worker had taken up the last change to GRANT.

    \b
    Example:
      hub share reach share-1f0c9a55-0 --credentials token.txt
    """
    with _desk(config, credentials) as (desk, party):
        row, workers = desk.reach(party, grant)
        _tell_grant(row)
        for one in workers:
            click.echo(f"  {one.worker}  {told(one.at)}")


def _tell(desk: Sharing, shown: Shown) -> None:
    click.echo(f"request {shown.id} is {shown.held.state} (revision {shown.revision})")
    for number, one in enumerate(shown.held.parts):
        due = "" if one.due is None or one.state != "waiting" else f", due {told(one.due)}"
        late = ", late: the data authority sees it" if _late(one, desk.now) else ""
        grant = "" if one.grant is None else f", grant {one.grant}"
        click.echo(
            f"  part {number}  {one.department}  {one.state}{due}{late}{grant}"
            f"  {', '.join(one.fields)}"
        )
        if one.said:
            click.echo(f"    {'' if one.reason is None else one.reason + ': '}{plain(one.said)}")


def _late(part: Any, now: float) -> bool:
    return part.state == "waiting" and part.due is not None and now > part.due


def _tell_grant(row: StoredGrant) -> None:
    click.echo(
        f"{row.id}  {row.state}  {row.owner} -> {row.department} {plain(row.app)}"
        f"  until {dt.datetime.fromtimestamp(row.expires, dt.UTC).date().isoformat()}"
    )


def _values(file: Path) -> Any:
    import msgspec

    try:
        return msgspec.yaml.decode(read_text(file))
    except msgspec.DecodeError as error:
        message, hint = "not readable YAML", "see `docs/sharing.md`"
        raise HubError("SHARE_INVALID", message, where=str(file), hint=hint, cause=error) from error


def _terms(file: Path) -> Terms:
    import msgspec

    from hub.sharing.request import Terms

    try:
        return msgspec.convert(_values(file), Terms)
    except msgspec.ValidationError as error:
        raise HubError("SHARE_INVALID", "not terms", where=str(file), cause=error) from error
