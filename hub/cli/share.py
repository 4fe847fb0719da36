"""`hub share`: ask for data of other departments, answer for one's own, and the life of grants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from hub.cli.caller import CREDENTIALS
from hub.cli.desk import CONFIG, plain, told
from hub.cli.load import read_text
from hub.cli.share_desk import is_late, sharing_desk, tell_request
from hub.cli.share_grants import accept, certify, list_grants, reach, renew, revoke
from hub.sharing.request import RefusalReason
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.sharing.request import Terms

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


for _command in (list_grants, revoke, certify, accept, renew, reach):
    share.add_command(_command)


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

    with sharing_desk(config, credentials) as (desk, party):
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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(desk, desk.write(party, found, ident=ident, based_on=based_on))


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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(desk, desk.submit(party, ident, based_on=based_on))


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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(desk, desk.withdraw(party, ident, reason, based_on=based_on))


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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(
            desk, desk.agree(party, ident, part, terms=given, said=said, based_on=based_on)
        )


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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(
            desk, desk.refuse(party, ident, part, reason=reason, said=said, based_on=based_on)
        )


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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(desk, desk.dispute(party, ident, part, said, based_on=based_on))


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
    with sharing_desk(config, credentials) as (desk, party):
        given = {"judgement": judgement, "said": said, "based_on": based_on}
        tell_request(desk, desk.judge(party, ident, part, **given))  # type: ignore[arg-type]  # by name


@share.command("list")
@CREDENTIALS
@CONFIG
def list_requests(credentials: Path, config: Path) -> None:
    """List the requests of your department, and those that it answers.

    \b
    Example:
      hub share list --credentials token.txt
    """
    with sharing_desk(config, credentials) as (desk, party):
        for shown in desk.requests(party):
            asked = shown.held.request
            late = any(is_late(one, desk.now) for one in shown.held.parts)
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
    with sharing_desk(config, credentials) as (desk, party):
        shown = desk.request(party, ident)
        tell_request(desk, shown)
        for step in shown.steps:
            reason = "" if step.reason is None else f": {plain(step.reason)}"
            click.echo(f"  {step.revision}  {told(step.at)}  {step.act}  {plain(step.by)}{reason}")


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
