"""`hub check`: what can be known before any source is reached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.load import load_environment, load_packs, read_fragments, read_text, yaml_files
from schema.errors import HubError, ManyErrors

if TYPE_CHECKING:
    from hub.settings import Settings
    from policies.grant_syntax import Approved
    from policies.packs import Packs
    from schema.compose.part import Fragment
    from schema.model.catalogue import Catalogue


@click.command()
@click.argument("fragments", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--policies",
    "bundles",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Policy bundle files or folders; may be repeated.",
)
@click.option(
    "--pack", "packs", multiple=True, help="Rule packs in force; may be repeated. [default: plain]"
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Check what this configuration names instead.",
)
def check(
    fragments: tuple[Path, ...],
    bundles: tuple[Path, ...],
    packs: tuple[str, ...],
    config: Path | None,
) -> None:
    """Check FRAGMENTS (files or folders), that they fit together, and policies over them.

    Needs no source and changes nothing. Every problem is one line with file, line and column and
    how to mend it.

    \b
    Example:
      hub check fragments/ --policies policies/ --pack cn
      hub check --config hub.yaml
    """
    from policies.grant_syntax import read_all_approved

    ceiling: Mapping[str, str] = {}
    grants: Sequence[Path] = ()
    registered: Sequence[Fragment] = ()
    if config is not None:
        from hub.query.profile import Profile
        from hub.rollout.signer import read_signers
        from hub.settings import expand, read_settings

        settings = read_settings(config)
        Profile(settings.instance.crypto_profile)  # refused here as at start
        fragments, bundles = expand(settings.fragments), expand(settings.policies)
        packs, ceiling = tuple(settings.packs), settings.ceiling
        grants = expand(settings.grants)
        read_signers(settings.release)
        if settings.instance.mode == "production" and not settings.release.required:
            click.echo("note: rules are in force unsigned (`release.required: true` asks for it)")
        registered = _registered(settings)
    if not fragments and not registered:
        raise click.UsageError("name fragments, or a configuration with --config")
    loaded = load_packs(packs or ("plain",))
    read = [*read_fragments(fragments), *registered]
    catalogue = _compose(read, loaded, ceiling)
    approved = read_all_approved((read_text(file), str(file)) for file in grants)
    rules = _check_bundles(bundles, catalogue, loaded, ceiling, approved)
    departments = {source.department for source in catalogue.sources.values()}
    click.echo(
        f"good: {len(catalogue.types)} types of {len(departments)} departments"
        f" from {len(catalogue.sources)} sources, {rules} bundles"
    )


def catalogue_in_force(config: Path) -> Catalogue:
    """What a configuration's fragments and registered sources make together; no source is read.

    Raises: what `hub check` tells of them.
    """
    from hub.settings import expand, read_settings
    from schema.compose.merge import compose

    load_environment(config)
    settings = read_settings(config)
    read = [*read_fragments(expand(settings.fragments)), *_registered(settings)]
    return compose(read, load_packs(settings.packs).scheme, ceiling=settings.ceiling)


def _registered(settings: Settings) -> list[Fragment]:
    """The registered sources in force, where the configuration takes any."""
    from hub.registration.ground import read_held
    from hub.store.engine import migrate, open_engine
    from schema.compose.fragment import read_fragment

    if not settings.registry.enabled:
        return []
    engine = open_engine(settings.state.database_url)
    try:
        migrate(engine)
        held = read_held(engine, settings)
    finally:
        engine.dispose()
    return [read_fragment(one.text, one.path) for one in held.registered.values()]


def _compose(fragments: Sequence[Fragment], packs: Packs, ceiling: Mapping[str, str]) -> Catalogue:
    from policies.floor import check_floors
    from policies.row_label import check_row_labels
    from schema.compose.floor import floor_places
    from schema.compose.merge import compose_with_notes
    from schema.compose.review import overdue
    from schema.compose.row_label import row_label_places

    catalogue, notes = compose_with_notes(fragments, packs.scheme, ceiling=ceiling)
    check_floors(catalogue, packs, floor_places(fragments))
    check_row_labels(catalogue, row_label_places(fragments))
    today = dt.datetime.now(dt.UTC).date()
    late = overdue(fragments, today=today, basis=packs.label_basis)
    if late:
        raise ManyErrors("FRAGMENT_INVALID", list(late))
    for note in notes:
        click.echo(f"note: {note}")
    return catalogue


def _check_bundles(
    paths: Sequence[Path],
    catalogue: Catalogue,
    packs: Packs,
    ceiling: Mapping[str, str],
    approved: Approved,
) -> int:
    from policies.engine import Engine
    from policies.lint import lint
    from policies.syntax import read_bundle

    bundles = []
    problems: list[HubError] = []
    for file in yaml_files(paths):
        try:
            bundles.append(read_bundle(read_text(file), str(file)))
        except ManyErrors as error:
            problems.extend(error.problems)
        except HubError as error:
            problems.append(error)
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    Engine(
        catalogue, bundles, packs, epoch=1, ceiling=ceiling,
        grants=approved.grants, delegations=approved.delegations,
    )  # fmt: skip
    for finding in lint(bundles, catalogue, packs):
        click.echo(f"note: {finding.where}: {finding.message} ({finding.hint})")
    return len(bundles)
