"""What the commands of shares have in common: the desk, who stands there, what a request says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.caller import at_hub
from hub.cli.desk import plain, told
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.sharing.asking import Sharing
    from hub.sharing.desk import Shown
    from hub.sharing.party import Party
    from hub.sharing.request import Part


@contextmanager
def sharing_desk(config: Path, credentials: Path) -> Iterator[tuple[Sharing, Party]]:
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


def tell_request(desk: Sharing, shown: Shown) -> None:
    click.echo(f"request {shown.id} is {shown.held.state} (revision {shown.revision})")
    for number, one in enumerate(shown.held.parts):
        due = "" if one.due is None or one.state != "waiting" else f", due {told(one.due)}"
        late = ", late: the data authority sees it" if is_late(one, desk.now) else ""
        grant = "" if one.grant is None else f", grant {one.grant}"
        click.echo(
            f"  part {number}  {one.department}  {one.state}{due}{late}{grant}"
            f"  {', '.join(one.fields)}"
        )
        if one.said:
            click.echo(f"    {'' if one.reason is None else one.reason + ': '}{plain(one.said)}")


def is_late(part: Part, now: float) -> bool:
    return part.state == "waiting" and part.due is not None and now > part.due
