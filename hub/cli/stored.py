"""What is stored of approved documents, against what they can reveal now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from hub.cli.desk import plain, told
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.settings import Settings


def show_stored(
    settings: Settings, ground: dict[str, Any], language: str, *, as_json: bool
) -> None:
    """Every approved document: what it may reveal, and what it can reveal more by now.

    Raises: `HubError` POLICY_NOT_PROVED where any can.
    """
    from hub.query.approval import told as told_bound
    from hub.rollout.bound import bounds_of, grown
    from hub.rollout.desk import open_desk

    place = 0 if language == "en" else 1
    found, more = [], 0
    with open_desk(settings) as desk:
        held = bounds_of(desk)
        for document, row in sorted(held.rows().items()):
            try:
                bound = held.opened(row, desk.now)
            except HubError as error:
                more += 1
                found.append({"document": document, "serial": row.serial, "problem": str(error)})
                continue
            if bound.withdrawn:
                found.append({
                    "document": document, "serial": row.serial, "by": row.recorded_by,
                    "at": told(bound.made_at), "withdrawn": True,
                })  # fmt: skip
                continue
            wider = grown(bound.agreement, ground)
            more += bool(wider)
            found.append({
                "document": document,
                "serial": row.serial,
                "by": row.recorded_by,
                "at": told(bound.made_at),
                "callers": sorted({one.app for one in bound.agreement.callers}),
                "stored": list(told_bound(bound.agreement, place)),
                "now": _now(bound.agreement, ground, place),
                "more": [f"{one.at}: {one.what[place]}" if one.at else one.what[place]
                         for one in wider],
            })  # fmt: skip
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        for one in found:
            _tell(one)
        if not found:
            click.echo(("no document was ever approved", "尚无经批准的操作")[place])
    if more:
        raise HubError(
            "POLICY_NOT_PROVED",
            f"{more} of {len(found)} documents are not within what was approved",
            hint="mend the rules, or approve the present bound with `hub policy approve`",
        )


def _now(agreement: Any, ground: dict[str, Any], place: int) -> list[str]:
    """What the document can reveal by the rules of now; nothing where that cannot be said."""
    from hub.query.approval import agreed
    from hub.query.approval import told as told_bound

    try:
        now = agreed(agreement.documents, agreement.callers, agreement.purposes, **ground)
    except HubError:
        return []
    return list(told_bound(now, place))


def _tell(one: dict[str, Any]) -> None:
    problem = one.get("problem")
    if problem is not None:
        click.echo(f"{one['document'][:12]}  approval {one['serial']}: {problem}")
        return
    if one.get("withdrawn"):
        who = f"{plain(one['by'])}, {one['at']}"
        click.echo(f"{one['document'][:12]}  statement {one['serial']}, {who}: withdrawn")
        return
    click.echo(
        f"{one['document'][:12]}  approval {one['serial']}, {plain(one['by'])}, {one['at']}, "
        f"for {plain(', '.join(one['callers']))}: {'more than that now' if one['more'] else 'kept'}"
    )
    stored, now = one["stored"], one["now"]
    for line in stored:
        click.echo(f"  {' ' if line in now else '-'} {plain(line)}")
    for line in now:
        if line not in stored:
            click.echo(f"  + {plain(line)}")
    for line in one["more"]:
        click.echo(f"  ! {plain(line)}")
