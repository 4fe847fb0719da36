"""`hub share grants`, `revoke`, `certify`, `accept`, `renew` and `reach`: the life of grants."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.caller import CREDENTIALS
from hub.cli.desk import CONFIG, plain, told
from hub.cli.share_desk import sharing_desk, tell_request

if TYPE_CHECKING:
    from hub.store.sharing import StoredGrant


@click.command("grants")
@CREDENTIALS
@CONFIG
def list_grants(credentials: Path, config: Path) -> None:
    """List the grants of what your department owns or uses.

    \b
    Example:
      hub share grants --credentials token.txt
    """
    with sharing_desk(config, credentials) as (desk, party):
        for row in desk.grants(party):
            _tell(row)


@click.command()
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
    with sharing_desk(config, credentials) as (desk, party):
        _tell(desk.revoke(party, grant, reason))


@click.command()
@click.argument("grant")
@CREDENTIALS
@CONFIG
def certify(grant: str, credentials: Path, config: Path) -> None:
    """Confirm that GRANT is still needed and in order.

    \b
    Example:
      hub share certify share-1f0c9a55-0 --credentials token.txt
    """
    with sharing_desk(config, credentials) as (desk, party):
        _tell(desk.certify(party, grant))


@click.command()
@click.argument("grant")
@CREDENTIALS
@CONFIG
def accept(grant: str, credentials: Path, config: Path) -> None:
    """Sign for what GRANT gives: your department answers for it. Then it is live.

    \b
    Example:
      hub share accept share-1f0c9a55-0 --credentials token.txt
    """
    with sharing_desk(config, credentials) as (desk, party):
        _tell(desk.accept(party, grant))


@click.command()
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
    with sharing_desk(config, credentials) as (desk, party):
        tell_request(desk, desk.renew(party, grant, expires))


@click.command()
@click.argument("grant")
@CREDENTIALS
@CONFIG
def reach(grant: str, credentials: Path, config: Path) -> None:
    """Show when each worker had taken up the last change to GRANT.

    \b
    Example:
      hub share reach share-1f0c9a55-0 --credentials token.txt
    """
    with sharing_desk(config, credentials) as (desk, party):
        row, workers = desk.reach(party, grant)
        _tell(row)
        for one in workers:
            click.echo(f"  {one.worker}  {told(one.at)}")


def _tell(row: StoredGrant) -> None:
    click.echo(
        f"{row.id}  {row.state}  {row.owner} -> {row.department} {plain(row.app)}"
        f"  until {dt.datetime.fromtimestamp(row.expires, dt.UTC).date().isoformat()}"
    )
