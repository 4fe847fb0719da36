"""`hub policy`: proofs over bundles, what new rules change, tests and explanations."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from hub.cli.load import load_packs, read_catalogue, read_text, yaml_files
from hub.cli.policy_activate import activate, rollback
from hub.cli.policy_approve import approve, withdraw
from hub.cli.policy_check import check_rules
from hub.cli.policy_floor import floor
from hub.cli.policy_key import new_pair
from hub.cli.policy_seal import seal
from hub.cli.policy_sign import sign
from hub.cli.policy_status import show, status
from hub.cli.reveal import reveal
from hub.cli.simulate import simulate_command
from hub.cli.trial import explain, run_tests
from hub.settings.read import ASSERTIONS
from schema.errors import HubError, ManyErrors

if TYPE_CHECKING:
    from policies.engine import Engine
    from policies.grant_syntax import Approved
    from policies.packs import Packs
    from policies.prove.assertion import Assertion, Result
    from policies.prove.change import Comparison
    from policies.prove.witness import Witness
    from schema.model.catalogue import Catalogue

_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A configuration: its catalogue, packs, ceiling, grants, and rules unless they are named.",
)
_FRAGMENTS = click.option(
    "--fragments",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Fragment files or folders, without a configuration; may be repeated.",
)
_PACKS = click.option(
    "--pack",
    "packs",
    multiple=True,
    help="Rule packs in force, with --fragments; may be repeated. [default: plain]",
)
_TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds for each assertion, or for the comparison.",
)
_LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="The language of the text.",
)  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, in both languages.")


class _Ground(msgspec.Struct, frozen=True):
    """What rules are over."""

    catalogue: Catalogue
    packs: Packs
    ceiling: Mapping[str, str]
    approved: Approved | None = None
    files: tuple[Path, ...] = ()
    """The configuration's bundles."""


@click.group()
def policy() -> None:
    """Test, explain, prove and bound policy bundles; compare, simulate, sign and release them.

    \b
    Example:
      hub policy test policy-tests/ --config hub.yaml
      hub policy prove --config hub.yaml
      hub policy diff released/ policies/ --config hub.yaml
      hub policy reveal --check approved.json --config hub.yaml
      hub policy simulate policies-new/ --config hub.yaml
    """


policy.add_command(run_tests)
policy.add_command(explain)
policy.add_command(check_rules)
policy.add_command(new_pair)
policy.add_command(sign)
policy.add_command(seal)
policy.add_command(show)
policy.add_command(activate)
policy.add_command(rollback)
policy.add_command(status)
policy.add_command(floor)
policy.add_command(reveal)
policy.add_command(approve)
policy.add_command(withdraw)
policy.add_command(simulate_command)


@policy.command()
@click.argument("bundles", nargs=-1, type=click.Path(path_type=Path))
@_CONFIG
@_FRAGMENTS
@_PACKS
@click.option(
    "--assertions",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Files of assertions; may be repeated. [default: *.assert.yaml beside the bundles]",
)
@_TIMEOUT
@_LANGUAGE
@_JSON
def prove(
    bundles: tuple[Path, ...],
    config: Path | None,
    fragments: tuple[Path, ...],
    packs: tuple[str, ...],
    assertions: tuple[Path, ...],
    timeout: float,
    language: str,
    as_json: bool,
) -> None:
    """Prove what must hold of BUNDLES (files or folders) for every caller, row and time.

    Needs no source and changes nothing. Each assertion is proved, or refuted by a caller for whom
    the engine itself decides otherwise, or not decided in time. All but the first is a failure.

    \b
    Example:
      hub policy prove --config hub.yaml
      hub policy prove policies/ --fragments fragments/ --pack cn --timeout 60
    """
    from policies.prove.prover import prove as prove_all

    ground = _ground(config, fragments, packs)
    files = yaml_files(bundles) if bundles else list(ground.files)
    stated = _read_assertions(assertions or _beside(files))
    if not stated:
        hint = f"write `some-name{ASSERTIONS}` beside the bundles, or name a file with --assertions"
        raise HubError("NOT_FOUND", "there are no assertions", hint=hint)
    engine = _engine(ground, files)
    results = prove_all(engine, stated, seconds=timeout, begin=time.time())
    _print_results(engine, results, language, as_json)
    failed = sum(result.verdict != "proved" for result in results)
    if failed:
        hint = "mend the rules, or the assertion if it asks for too much"
        raise HubError(
            "POLICY_NOT_PROVED", f"{failed} of {len(results)} assertions not proved", hint=hint
        )


@policy.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@_CONFIG
@_FRAGMENTS
@_PACKS
@click.option(
    "--fail-on",
    type=click.Choice(["loosening", "never"]),
    default="loosening",
    show_default=True,
    help="Whether a loosening, or what was not decided, is a failure.",
)
@_TIMEOUT
@_LANGUAGE
@_JSON
def diff(
    old: Path,
    new: Path,
    config: Path | None,
    fragments: tuple[Path, ...],
    packs: tuple[str, ...],
    fail_on: str,
    timeout: float,
    language: str,
    as_json: bool,
) -> None:
    """Compare the bundles OLD and NEW (files or folders): does anybody have more, or less?

    Every field and mode is compared for every caller, row and time; each change comes with a
    caller for whom both engines confirm it.

    \b
    Example:
      hub policy diff released/ policies/ --config hub.yaml
    """
    from policies.prove.change import compare

    ground = _ground(config, fragments, packs)
    before, after = (_engine(ground, yaml_files([path])) for path in (old, new))
    found = compare(before, after, seconds=timeout, begin=time.time())
    _print_comparison(found, language, as_json)
    if fail_on == "loosening" and found.kind in ("loosening", "both", "undecided"):
        raise HubError(
            "POLICY_NOT_PROVED",
            "the new rules are not proved to show nobody more",
            hint="--fail-on never only reports",
        )


def _ground(config: Path | None, fragments: Sequence[Path], packs: Sequence[str]) -> _Ground:
    if config is None:
        if not fragments:
            raise click.UsageError("name a configuration with --config, or fragments")
        loaded = load_packs(packs or ("plain",))
        return _Ground(read_catalogue(fragments, loaded), loaded, {})
    from hub.settings import expand, read_settings
    from policies.breakglass import widest
    from policies.breakglass_syntax import read_break_glass
    from policies.grant_syntax import read_all_approved

    settings = read_settings(config)
    loaded = load_packs(settings.packs)
    texts = ((read_text(file), str(file)) for file in expand(settings.grants))
    approved = read_all_approved(texts)
    lists = ((read_text(file), str(file)) for file in expand(settings.emergency.lists))
    grants = (*approved.grants, *widest(read_break_glass(lists)))
    return _Ground(
        read_catalogue(expand(settings.fragments), loaded, settings.ceiling),
        loaded,
        settings.ceiling,
        msgspec.structs.replace(approved, grants=grants),
        expand(settings.policies),
    )


def _engine(ground: _Ground, files: Sequence[Path]) -> Engine:
    from policies.engine import Engine
    from policies.syntax import read_bundle

    bundles = []
    problems: list[HubError] = []
    for file in files:
        try:
            bundles.append(read_bundle(read_text(file), str(file)))
        except ManyErrors as error:
            problems.extend(error.problems)
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return Engine(
        ground.catalogue,
        bundles,
        ground.packs,
        epoch=1,
        ceiling=ground.ceiling,
        grants=ground.approved.grants if ground.approved else (),
        delegations=ground.approved.delegations if ground.approved else (),
    )


def _beside(files: Sequence[Path]) -> list[Path]:
    folders = sorted({file.parent for file in files})
    return [file for folder in folders for file in sorted(folder.glob(f"*{ASSERTIONS}"))]


def _read_assertions(files: Sequence[Path]) -> list[Assertion]:
    from policies.prove.assertion_syntax import read_assertions

    found: list[Assertion] = []
    problems: list[HubError] = []
    for file in files:
        try:
            found += read_assertions(read_text(file), str(file))
        except ManyErrors as error:
            problems.extend(error.problems)
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    return found


def _print_results(engine: Engine, results: Sequence[Result], language: str, as_json: bool) -> None:
    from policies.prove.told import premises, result_told

    assumed = premises(engine)
    if as_json:
        said = {
            "results": [_result(result) for result in results],
            "premises": [{"en": en, "zh": zh} for en, zh in assumed],
        }
        click.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
        return
    for result in results:
        first, *rest = result_told(result, language)  # type: ignore[arg-type]  # a choice
        click.echo(f"{result.assertion.where}: {first}")
        for line in rest:
            click.echo(f"    {line}")
    for told in assumed:
        click.echo(f"note: {told[0 if language == 'en' else 1]}")


def _result(result: Result) -> dict[str, Any]:
    from policies.prove.told import result_told

    return {
        "assertion": result.assertion.name,
        "where": result.assertion.where,
        "verdict": result.verdict,
        "examples": [
            {
                **_use(example.use),
                **_caller(example.witness, example.use.coordinate),
                "shown": example.shown,
                "rules": example.rules,
            }
            for example in result.examples
        ],
        "findings": result.findings,
        "looked_at": result.looked_at,
        "seconds": round(result.seconds, 3),
        "text": {"en": result_told(result, "en"), "zh": result_told(result, "zh")},
    }


def _print_comparison(found: Comparison, language: str, as_json: bool) -> None:
    from policies.prove.told import comparison_told

    if not as_json:
        for line in comparison_told(found, language):  # type: ignore[arg-type]  # a choice
            click.echo(line)
        return
    said = {
        "kind": found.kind,
        "complete": found.complete,
        "obligations_differ": found.duties_differ,
        "no_longer_together": [{"en": en, "zh": zh} for en, zh in found.apart],
        "declassified": [{"en": en, "zh": zh} for en, zh in found.lowered],
        "no_longer_declassified": [{"en": en, "zh": zh} for en, zh in found.restored],
        "delegations_unsure": found.delegated,
        "changes": [
            {
                "direction": change.direction,
                **_use(change.use),
                "also": change.like,
                **_caller(change.witness, change.use.coordinate),
                "before": change.before,
                "after": change.after,
                "rules": change.rules,
            }
            for change in found.changes
        ],
        "text": {"en": comparison_told(found, "en"), "zh": comparison_told(found, "zh")},
    }
    click.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())


def _use(use: Any) -> dict[str, Any]:
    return {"coordinate": use.coordinate, "mode": use.mode, "function": use.function}


def _caller(witness: Witness, coordinate: str) -> dict[str, Any]:
    from policies.prove.told import attributes

    said = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in attributes(witness).items()
    }
    row = witness.rows.get(coordinate.partition(".")[0], {})
    return {"caller": said, "now": witness.context.now, "row": dict(row)}
