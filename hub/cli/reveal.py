"""`hub policy reveal`: the most that operations can reveal, to approve and to compare with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from hub.cli.desk import in_force
from hub.cli.load import load_environment, read_text, token_of, yaml_files
from schema.errors import HubError

if TYPE_CHECKING:
    from hub.query.approval import Agreement
    from hub.settings import Settings
    from schema.model.subject import Subject


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".demo/hub.yaml"),
    show_default=True,
    help="The hub's configuration: its catalogue, rules, grants and limits.",
)
@click.option(
    "--subjects",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Files with `subjects:`, as `hub policy test` reads them; may be repeated.",
)
@click.option("--app", help="Only the subjects of this application.")
@click.option("--department", help="Only the subjects of this department.")
@click.option("--as", "personas", multiple=True, help="A name in the tokens file; repeatable.")
@click.option(
    "--tokens",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Tokens by persona; tokens.json beside the configuration if absent.",
)
@click.option(
    "--purpose", "purposes", multiple=True,
    help="A purpose that is stated; repeatable. [default: each that the caller has, and none]",
)  # fmt: skip
@click.option(
    "--check",
    "approved",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An approved bound (`--json`): fail if what it is about can reveal more now.",
)
@click.option(
    "--stored", is_flag=True,
    help="Show the approved documents of the hub: the stored bound against the present one.",
)  # fmt: skip
@click.option(
    "--rules",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Bundles (files or folders) to look at instead of the rules in force; may be repeated.",
)
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="The language of the text.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in both languages.")
def reveal(
    files: tuple[Path, ...],
    config: Path,
    subjects: tuple[Path, ...],
    app: str | None,
    department: str | None,
    personas: tuple[str, ...],
    tokens: Path | None,
    purposes: tuple[str, ...],
    approved: Path | None,
    stored: bool,
    rules: tuple[Path, ...],
    language: str,
    as_json: bool,
) -> None:
    """Tell the most that the operations in FILES can reveal to their callers.

    FILES are GraphQL documents, or manifests of trusted documents (`.json`). The bound holds for
    every value of the variables, every choice of `@skip` and `@include`, every circumstance and
    time from now on, and all named callers. Needs no source and changes nothing. With `--check`,
    operations, callers and purposes are those of the approved bound, and FILES are left out;
    with `--stored`, those of every document that was approved with `hub policy approve`.
    Where a release is required the rules are those in force, not the drafts; name drafts with
    `--rules`.

    \b
    Example:
      hub policy reveal person.graphql --subjects callers.yaml --app benefits --json
      hub policy reveal --check approved.json --config hub.yaml
      hub policy reveal --stored --config hub.yaml
    """
    from hub.query.approval import agreed, digest_of

    load_environment(config)
    settings = _settings(config)
    if approved is not None:
        if files or subjects or personas or purposes or stored:
            raise click.UsageError("--check takes operations, callers and purposes from its file")
        _check(read_approved(approved), ground_of(settings, rules), language)
        return
    if stored:
        if files or subjects or personas or purposes:
            raise click.UsageError("--stored takes operations, callers and purposes as stored")
        from hub.cli.stored import show_stored

        show_stored(settings, ground_of(settings, rules), language, as_json=as_json)
        return
    if not files:
        raise click.UsageError("name the operations' files, or an approved bound with --check")
    callers = [one for file in subjects for one in _subjects(file)]
    if personas:
        known = [token_of(one, tokens or config.parent / "tokens.json") for one in personas]
        callers += asyncio.run(_identified(settings, known))
    callers = [
        one for one in callers if app in (None, one.app) and department in (None, one.department)
    ]
    if not callers:
        hint = "name them with --subjects or --as; --app and --department must leave one"
        raise HubError("NOT_FOUND", "there is no caller", hint=hint)
    texts = [text for file in files for text in _documents(file)]
    made = agreed(texts, callers, purposes, **ground_of(settings, rules))
    if as_json:
        said = msgspec.structs.replace(made, digest=digest_of(made))
        click.echo(orjson.dumps(msgspec.to_builtins(said), option=orjson.OPT_INDENT_2).decode())
        return
    from hub.query.approval import told

    for line in told(made, 0 if language == "en" else 1):
        click.echo(line)


def _settings(config: Path) -> Settings:
    from hub.settings import read_settings

    return read_settings(config)


def ground_of(settings: Settings, rules: Sequence[Path]) -> dict[str, Any]:
    """What bounds are found by: the rules in force, or others. Raises: `HubError`."""
    from hub.loading import engine_of, query_limits, rules_over
    from hub.registration.ground import load

    if rules:
        texts = {str(file): read_text(file) for file in yaml_files(rules)}
        loaded = rules_over(load(settings, rules=False), texts)
    elif settings.release.required:
        loaded = in_force(settings)
    else:
        loaded = load(settings)
    return {
        "engine": engine_of(loaded, settings, 1),
        "limits": query_limits(settings),
        "begin": time.time(),
    }


def _subjects(file: Path) -> Sequence[Subject]:
    from policies.trial import read_subjects

    return read_subjects(read_text(file), str(file))


async def _identified(settings: Settings, tokens: Sequence[str]) -> list[Subject]:
    from hub.wiring import build_hub

    hub = build_hub(settings)
    await hub.open()
    try:
        return [await hub.identifier.identify("bearer", token) for token in tokens]
    finally:
        await hub.close()


def _documents(file: Path) -> list[str]:
    if file.suffix != ".json":
        return [read_text(file)]
    from hub.serve.documents import load_documents

    return load_documents([file]).texts()


def read_approved(file: Path) -> Agreement:
    """The bound in a file. Raises: `HubError` BAD_REQUEST."""
    from hub.query.approval import Agreement, digest_of

    try:
        held = msgspec.json.decode(read_text(file), type=Agreement)
    except msgspec.MsgspecError as error:
        hint = "give it what `hub policy reveal --json` has written"
        raise HubError(
            "BAD_REQUEST", "this is not an approved bound", where=str(file), hint=hint
        ) from error
    if held.digest != digest_of(held):
        # fails closed: what was approved is not what stands there
        hint = "take the file that was approved, or have this one approved"
        raise HubError("BAD_REQUEST", "the digest is not that of the bound", where=str(file),
                       hint=hint)  # fmt: skip
    return held


def _check(approved: Agreement, ground: dict[str, Any], language: str) -> None:
    from hub.query.approval import agreed
    from hub.query.grown import growth

    present = agreed(approved.documents, approved.callers, approved.purposes, **ground)
    found = growth(approved.operations, present.operations)
    place = 0 if language == "en" else 1
    for one in found:
        at = f"{one.operation}: {one.at}" if one.at else one.operation
        click.echo(f"{at}: {one.what[place]}")
    if found:
        raise HubError(
            "POLICY_NOT_PROVED",
            "the operations can reveal more than was approved",
            hint="mend the rules, or have the present bound approved",
        )
    click.echo(
        ("the operations reveal no more than was approved", "操作披露的内容未超出批准范围")[place]
    )
