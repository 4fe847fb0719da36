"""`hub policy floor`: a department signs the least that holds for its own fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hub.cli.desk import CONFIG, KEY, at_desk, passphrase, plain
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.rollout.floor_values import FieldFloor, OwnerFloor


@click.group()
def floor() -> None:
    """Sign, show and verify owners' floors: the least that holds for a department's fields.

    \b
    Example:
      hub policy floor sign --key tax.pem --config hub.yaml
      hub policy floor verify --config hub.yaml
    """


@floor.command()
@CONFIG
@KEY
@click.option(
    "--lower", is_flag=True, help="Some of what was signed before is meant to hold no more."
)
def sign(config: Path, key_file: Path, *, lower: bool) -> None:
    """Sign the labels, sharing and minimum rules of your fields, as the fragments have them now.

    From then on hubs serve no catalogue in which one of these fields has less; more needs no
    signature. The key is one of `release.owners`, and says whose floor it is.

    \b
    Example:
      hub policy floor sign --key tax.pem --config hub.yaml
    """
    from hub.rollout.floors import sign_floor
    from hub.rollout.signer import private_key

    key = private_key(key_file, passphrase)
    with at_desk(config, 1.0) as at_it:
        done = sign_floor(at_it.desk, at_it.loaded, key, lower=lower)
    _tell(done.floor)
    for one in done.less:
        click.echo(f"  no longer: {plain(one)}")
    click.echo(f"signed by {plain(done.floor.department)} as its floor {done.floor.serial}")


@floor.command()
@CONFIG
@click.argument("department")
@click.option("--signed", is_flag=True, help="What was signed last, not what would be signed now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(department: str, config: Path, *, signed: bool, as_json: bool) -> None:
    """Show the floor of DEPARTMENT: what it would sign now, or what it has signed.

    \b
    Example:
      hub policy floor show tax --config hub.yaml
    """
    from hub.rollout.floor import floor_of
    from hub.rollout.floors import floors_of

    with at_desk(config, 1.0) as at_it:
        if signed:
            held = floors_of(at_it.desk)
            row = held.rows().get(department)
            if row is None:
                hint = "departments under `release.owners` sign with `hub policy floor sign`"
                message = "this department has signed no floor"
                raise HubError("NOT_FOUND", message, hint=hint)
            found = held.opened(row)
        else:
            found = floor_of(at_it.loaded.catalogue, department, packs=at_it.loaded.packs)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        _tell(found)


@floor.command()
@CONFIG
def verify(config: Path) -> None:
    """Check every signed floor, and that the fragments keep it.

    \b
    Example:
      hub policy floor verify --config hub.yaml
    """
    from hub.rollout.floors import keep_floors, told_floors

    with at_desk(config, 1.0) as at_it:
        keep_floors(at_it.desk, at_it.loaded)
        for department, said in told_floors(at_it.desk, at_it.loaded):
            click.echo(f"{plain(department)}  {said}")


def _tell(found: OwnerFloor) -> None:
    for at, held in sorted(found.fields.items()):
        click.echo(f"  {plain(at)}: {plain('; '.join(_words(held)))}")
    if not found.fields:
        click.echo("  no field")


def _words(held: FieldFloor) -> list[str]:
    label = held.label
    words = [*(level for _, level in label.levels), *label.categories, *label.compartments]
    told = [f"label {', '.join(words) or 'none'}", held.share]
    if held.metadata != "public":
        told.append(f"metadata {held.metadata}")
    told += [f"condition `{one}`" for one in held.conditions]
    told += [f"at most {one}" for one in held.outcomes]
    told += [f"purposes {', '.join(one)}" for one in held.purposes]
    told += [f"clearance {level}" for _, level in held.min_level]
    for one in held.rows:
        on_top = [*(level for _, level in one.label.levels), *one.label.categories]
        told.append(f"in some rows {', '.join([*on_top, *one.label.compartments])}")
    return told
