"""`hub policy sign`: build a release and sign it, or sign one that another officer built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hub.cli.desk import (
    CONFIG,
    KEY,
    TIMEOUT,
    AtDesk,
    at_desk,
    by_name,
    moment,
    passphrase,
    tell,
    write_beside,
)
from hub.cli.load import read_text, yaml_files
from hub.settings.read import ASSERTIONS
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.rollout.release import Release
    from hub.rollout.signature import Envelope

_ENDING = ".release.json"


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@CONFIG
@KEY
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The new release.")
@click.option("--name", help="What the release is called; the name of its file if absent.")
@click.option(
    "--assertions",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Files of assertions; may be repeated. [default: *.assert.yaml beside the bundles]",
)
@click.option(
    "--tests",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Files or folders of tests of rules; may be repeated.",
)
@click.option(
    "--simulation",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What `hub policy simulate` printed as JSON, to be put into the evidence.",
)
@click.option("--at", callback=moment, help="It must not come into force before this moment.")
@click.option("--valid-days", type=click.IntRange(min=1), help="[default: release.valid_days]")
@TIMEOUT
def sign(
    files: tuple[Path, ...],
    config: Path,
    key_file: Path,
    out: Path | None,
    name: str | None,
    assertions: tuple[Path, ...],
    tests: tuple[Path, ...],
    simulation: Path | None,
    at: float | None,
    valid_days: int | None,
    timeout: float,
) -> None:
    """Build a release of FILES (bundles or folders) and sign it; or sign a release file.

    A new release is linted, tested, proved and compared with what is in force, and is refused if
    anything is against it. A file that ends in .release.json gets one signature more after
    everything in it was found anew: look at it first with `hub policy show`.

    \b
    Example:
      hub policy sign drafts/ --tests policy-tests/ --key li.pem --out june.release.json
      hub policy sign june.release.json --key wang.pem
    """
    from hub.rollout.lifecycle import Wish, approve, build
    from hub.rollout.signature import read_envelope
    from hub.rollout.signer import private_key

    key = private_key(key_file, passphrase)
    signing = len(files) == 1 and files[0].name.endswith(_ENDING)
    with at_desk(config, timeout) as at_it:
        if signing:
            file = files[0]
            given = read_envelope(read_text(file))
            release, made = approve(at_it.desk, at_it.gate, given, key)
        else:
            if out is None or not out.name.endswith(_ENDING):
                raise click.UsageError(f"name the new release with --out, ending in {_ENDING}")
            file = out
            wish = Wish(
                name=name or file.name.removesuffix(_ENDING),
                draft=_draft(files, at_it, assertions, tests),
                days=valid_days or at_it.settings.release.valid_days,
                activate_at=None if at is None else int(at),
                simulation=_simulated(simulation),
            )
            release, made = build(at_it.desk, at_it.gate, wish, key)
        write_beside(file, made.text().encode())
        tell(release)
        _tell_missing(at_it, release, made)


def _draft(
    files: tuple[Path, ...], at_it: AtDesk, assertions: tuple[Path, ...], tests: tuple[Path, ...]
) -> Any:
    from hub.rollout.gate import Draft
    from hub.settings import expand

    bundles = yaml_files(files) if files else list(expand(at_it.settings.policies))
    folders = sorted({file.parent for file in bundles})
    beside = [file for folder in folders for file in sorted(folder.glob(f"*{ASSERTIONS}"))]
    return Draft(
        bundles=by_name(bundles),
        assertions=by_name(assertions or beside),
        tests=by_name(yaml_files(tests)),
    )


def _simulated(file: Path | None) -> dict[str, Any] | None:
    from hub.rollout.release import canonical

    if file is None:
        return None
    try:
        found: dict[str, Any] = msgspec.json.decode(read_text(file), type=dict[str, Any])
        canonical(found)
    except (msgspec.DecodeError, TypeError) as error:
        hint = "name the JSON that `hub policy simulate` printed"
        raise HubError("BAD_REQUEST", "not a simulation", where=str(file), hint=hint) from error
    return found


def _tell_missing(at_it: AtDesk, release: Release, made: Envelope) -> None:
    from hub.rollout.quorum import check_quorum
    from hub.rollout.signature import RELEASE, opened

    desk = at_it.desk
    _, by = opened(made, desk.signers, RELEASE)
    click.echo(f"signed by {', '.join(f'{one.signer.who} ({one.part})' for one in by)}")
    try:
        check_quorum(by, release.evidence.change, at_it.settings.release)
    except HubError as error:
        click.echo(f"still missing: {error}")
    else:
        click.echo("complete: put it in force with `hub policy activate`")
