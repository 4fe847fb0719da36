"""`hub policy test` and `hub policy explain`: what rules come to, for one subject at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.load import load_environment, read_text, token_of, yaml_files
from schema.errors import HubError, ManyErrors

if TYPE_CHECKING:
    from policies.trial import Trial
    from schema.model.subject import Context
    from schema.model.use import FieldUse

_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".demo/hub.yaml"),
    show_default=True,
    help="The hub's configuration: its catalogue, rules and grants.",
)


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_CONFIG
def run_tests(files: tuple[Path, ...], config: Path) -> None:
    """Run tests of rules: FILES (or folders) say who, what and the expected outcome.

    Needs no source and changes nothing. An expectation that is not met is told with its place,
    what was found instead, and why; the exit status is then 1.

    \b
    Example:
      hub policy test policy-tests/ --config hub.yaml
    """
    from hub.loading import engine_of
    from hub.registration.ground import load
    from hub.settings import read_settings
    from policies.trial import try_out, unknown_uses

    load_environment(config)
    settings = read_settings(config)
    engine = engine_of(load(settings), settings, 1)
    trials = _read(files)
    for where, at, hint in unknown_uses(trials, engine.catalogue):
        click.echo(f"note: {where}: there is no `{at}` in the catalogue ({hint})")
    failures = try_out(trials, engine)
    for failure in failures:
        click.echo(f"{failure.where}: {failure.trial}", err=True)
        click.echo(f"  expected {failure.expected}", err=True)
        click.echo(f"  found    {failure.found}", err=True)
        click.echo(f"  {failure.explanation}", err=True)
    count = sum(len(trial.expectations) for trial in trials)
    click.echo(f"{len(trials)} tests, {count} expectations, {len(failures)} not met")
    if failures:
        click.get_current_context().exit(1)


def _read(files: Sequence[Path]) -> list[Trial]:
    from policies.trial import read_trials

    trials: list[Trial] = []
    problems: list[HubError] = []
    for file in yaml_files(files):
        try:
            trials += read_trials(read_text(file), str(file))
        except ManyErrors as error:
            problems += error.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return trials


@click.command()
@click.argument("use")
@click.option("--as", "persona", required=True, help="For whom: a name in the tokens file.")
@_CONFIG
@click.option(
    "--tokens",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Tokens by persona; tokens.json beside the configuration if absent.",
)
@click.option("--purpose", help="The purpose that is stated.")
@click.option("--case", "case_id", help="The case that is stated.")
@click.option("--zone", "network_zone", help="The network zone that is asked from.")
@click.option(
    "--for-app",
    "redacted",
    is_flag=True,
    help="As the application's own team may read it: no rules, labels or others' rights.",
)
def explain(
    use: str,
    persona: str,
    config: Path,
    tokens: Path | None,
    purpose: str | None,
    case_id: str | None,
    network_zone: str | None,
    redacted: bool,
) -> None:
    """Explain what a persona gets of a USE, by which rules, and how to ask for more.

    A use is a field as it is read (`Person.name`), or with its use mode before it
    (`filter_eq Person.name`, `aggregate:sum Job.pay`, `list Person`). English, then Chinese.

    \b
    Example:
      hub policy explain "filter_eq Person.idNumber" --as tax-app --purpose tax.audit
    """
    import time

    from policies.trial import read_use
    from schema.model.subject import Context

    asked = read_use(use)
    if asked is None:
        hint = "write `Person.name`, `filter_eq Person.name` or `aggregate:sum Job.pay`"
        raise HubError("BAD_USER_INPUT", "this is not a use", where=use[:100], hint=hint)
    load_environment(config)
    context = Context(purpose=purpose, case_id=case_id, network_zone=network_zone, now=time.time())
    token = token_of(persona, tokens or config.parent / "tokens.json")
    click.echo(asyncio.run(_explain(config, token, asked, context, redacted)))


async def _explain(
    config: Path, token: str, use: FieldUse, context: Context, redacted: bool
) -> str:
    from hub.settings import read_settings
    from hub.wiring import build_hub

    hub = build_hub(read_settings(config))
    await hub.open()
    try:
        subject = await hub.identifier.identify("bearer", token)
        return hub.pipeline.engine.explain(subject, use, context, redacted=redacted)
    finally:
        await hub.close()
