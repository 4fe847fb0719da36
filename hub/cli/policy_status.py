"""`hub policy status` and `hub policy show`: what is in force, and what a release holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from hub.cli.desk import CONFIG, AtDesk, at_desk, plain, tell, told, write_beside
from hub.cli.load import read_text
from schema.errors import HubError


@click.command()
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(config: Path, *, as_json: bool) -> None:
    """Show every epoch of released rules: when, by whom, what kind, and what became of it.

    And whether the fragments keep the floors that their owners have signed.

    \b
    Example:
      hub policy status --config hub.yaml
    """
    from hub.rollout.active import revoked_epochs, states_of
    from hub.rollout.floors import told_floors

    with at_desk(config, 1.0) as at_it:
        desk = at_it.desk
        rows, now = desk.rows(), desk.now
        revoked = revoked_epochs(rows)
        states = states_of(rows, now)
        problem = _problem(at_it)
        floors = told_floors(desk, at_it.loaded)
    found = [
        {
            "epoch": row.epoch,
            "state": states[row.epoch],
            "revoked": row.epoch in revoked,
            "kind": row.kind,
            "rules": row.digest,
            "from": told(row.active_from),
            "by": row.recorded_by,
        }
        for row in rows
    ]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    for one in found:
        more = ", revoked" if one["revoked"] else ""
        click.echo(
            f"{one['epoch']}  {one['state']}{more}  {one['from']}  {one['kind']}"
            f"  {str(one['rules'])[:12]}  {one['by']}"
        )
    if not found:
        click.echo("no release was ever put in force")
    for department, said in floors:
        click.echo(f"{plain(department)}  {said}")
    if problem is not None:
        click.echo(f"note: workers refuse what is in force: {problem}")


@click.command()
@click.argument("release", type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new folder for the files in it, to be read and compared.",
)
def show(release: Path, config: Path, out: Path | None) -> None:
    """Show what a RELEASE says, who has signed it, and its files; nothing is found anew.

    \b
    Example:
      hub policy show june.release.json --out june/
    """
    from hub.rollout.release import read_release
    from hub.rollout.signature import RELEASE, opened, read_envelope
    from hub.rollout.signer import read_signers
    from hub.settings import read_settings

    settings = read_settings(config)
    envelope = read_envelope(read_text(release))
    payload, by = opened(envelope, read_signers(settings.release), RELEASE)
    held = read_release(payload)
    tell(held)
    for one in by:
        click.echo(f"signed by {one.signer.who} as {one.part}, {told(one.at)}")
    # by folder: a test may have the name of a bundle, and must not stand in its place
    folders = {"bundles": held.bundles, "assertions": held.assertions, "tests": held.tests}
    files = {(folder, name): text for folder, of in folders.items() for name, text in of.items()}
    if out is None:
        for folder, name in sorted(files):
            click.echo(f"holds {folder}/{plain(name)}")
        return
    _write(out, files)


def _write(out: Path, files: Mapping[tuple[str, str], str]) -> None:
    if any(Path(name).name != name or name == ".." or plain(name) != name for _, name in files):
        # a release is another's: it does not say where on this machine files go
        raise HubError("RELEASE_INVALID", "the release holds a file that is not in a folder")
    try:
        for folder in sorted({folder for folder, _ in files}):
            (out / folder).mkdir(parents=True)
    except OSError as error:
        message, hint = "the folder cannot be made", "name a new folder with --out"
        raise HubError("BAD_REQUEST", message, where=str(out), hint=hint, cause=error) from error
    for (folder, name), text in sorted(files.items()):
        write_beside(out / folder / name, text.encode())
        click.echo(f"wrote {out / folder / name}")


def _problem(at_it: AtDesk) -> str | None:
    """Why workers do not serve what is in force."""
    from hub.loading import pack_stamps
    from hub.rollout.active import Released
    from hub.rollout.floors import keep_floors

    desk = at_it.desk
    released = Released(desk.engine, at_it.settings.release)
    try:
        active = released.read(released.epoch(desk.now))
        at_it.gate.fits(active.bundles)
        keep_floors(desk, at_it.loaded)
    except HubError as error:
        return str(error)
    if active.packs is not None and dict(active.packs) != pack_stamps(at_it.loaded.packs):
        return "it was released with other rule packs"
    return None
