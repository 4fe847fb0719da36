"""`hub scorecard`: how departments and applications stand, and what each figure is made of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import orjson

from hub.cli.desk import CONFIG, plain, told
from hub.cli.load import load_environment
from hub.cli.registered import BY, operator

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.loading import Loaded
    from hub.scorecard.departments import Departments
    from hub.scorecard.figure import Card, Figure
    from hub.settings import Settings

_LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="Language of titles and formulas.",
)  # fmt: skip
_PERIOD = click.option(
    "--period", help="`2026-06`, `2026-Q2` or `2026`, in UTC. [default: the last 30 whole days]"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, in both languages.")


@click.group(short_help="Scorecards of departments and applications.")
def scorecard() -> None:
    """Tell how departments and applications stand, each figure with its formula. Each look is on
    record.

    \b
    Example:
      hub scorecard departments --period 2026-06
      hub scorecard explain civil-affairs availability --period 2026-06
    """


@scorecard.command(short_help="Rank departments in a period.")
@CONFIG
@BY
@_PERIOD
@_LANGUAGE
@_JSON
def departments(
    config: Path, by: str | None, period: str | None, language: str, *, as_json: bool
) -> None:
    """Rank departments in a period, with every figure and its formula.

    \b
    Example:
      hub scorecard departments --period 2026-Q2 --language zh
    """
    from hub.scorecard.period import read_period

    when = read_period(period, time.time())
    with _opened(config, by, "scorecard.departments") as (settings, database, loaded):
        cards = _departments(settings, database, loaded).cards(when)
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(cards), option=orjson.OPT_INDENT_2).decode())
        return
    for card in cards:
        _tell(card, 0 if language == "en" else 1)


@scorecard.command(short_help="Tell what one figure of a department is made of.")
@click.argument("department")
@click.argument("figure")
@CONFIG
@BY
@_PERIOD
@_LANGUAGE
@_JSON
def explain(
    department: str, figure: str, config: Path, by: str | None, period: str | None,
    language: str, *, as_json: bool,
) -> None:  # fmt: skip
    """Tell what the FIGURE of a DEPARTMENT is made of: its formula, its numbers, and each event.

    \b
    Example:
      hub scorecard explain civil-affairs used_by_others --period 2026-06
    """
    from hub.scorecard.period import read_period

    when = read_period(period, time.time())
    with _opened(config, by, "scorecard.explained") as (settings, database, loaded):
        found = _departments(settings, database, loaded).explain(department, figure, when)
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2).decode())
        return
    _figure(found, 0 if language == "en" else 1)
    for line in found.events:
        click.echo(f"    {plain(line)}")


@scorecard.command(short_help="What applications use, and which grants they do not use.")
@CONFIG
@BY
@_JSON
def apps(config: Path, by: str | None, *, as_json: bool) -> None:
    """Tell what each application uses and does not use any more, and which fields of grants are
    proposed to be taken back. Nothing is taken back by it.

    \b
    Example:
      hub scorecard apps --config hub.yaml
    """
    from hub.scorecard.applications import applications

    with _opened(config, by, "scorecard.apps") as (settings, database, loaded):
        days = settings.scorecards.unused_days
        found = applications(database, loaded.grants, now=time.time(), unused_days=days)
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2).decode())
        return
    for card in found.cards:
        click.echo(f"{plain(card.app)}  {plain(card.department) or '-'}")
        for use in card.uses:
            idle = f"  not used for {days} days" if use.element in card.idle else ""
            click.echo(f"  {use.element}  {use.amount} uses, last {told(use.last_at)}{idle}")
    for one in found.proposals:
        last = "never" if one.last_at is None else told(one.last_at)
        click.echo(f"take back: {one.grant}  {one.element}  {plain(one.holder)}  used {last}")
    if not found.judged:
        since = "not counted" if found.since is None else f"counted since {told(found.since)}"
        click.echo(f"uses are {since}: too short to tell what has not been used for {days} days")


def _tell(card: Card, place: int) -> None:
    rank = "-" if card.rank is None else str(card.rank)
    click.echo(f"{rank}  {plain(card.department)}  {_value(card.score, place)}")
    for one in card.figures:
        _figure(one, place)


def _figure(one: Figure, place: int) -> None:
    weight = ("weight", "权重")[place]
    click.echo(f"  {one.title[place]}: {_value(one.value, place)}  ({weight} {one.weight:g})")
    parts = ", ".join(f"{name} {number}" for name, number in one.parts.items())
    click.echo(f"    {one.formula[place]}  [{parts}]")


def _value(value: float | None, place: int) -> str:
    return ("no data", "无数据")[place] if value is None else f"{value:g}"


def _departments(settings: Settings, database: Engine, loaded: Loaded) -> Departments:
    from hub.scorecard.clocks import departments_of

    return departments_of(settings, database, loaded.catalogue)


@contextmanager
def _opened(config: Path, by: str | None, act: str) -> Iterator[tuple[Settings, Engine, Loaded]]:
    """The hub's database and files; that somebody looks is on record first."""
    from hub.registration.ground import load
    from hub.rollout.act import Acts
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine

    load_environment(config)
    settings = read_settings(config)
    database = open_engine(settings.state.database_url)
    try:
        migrate(database)
        loaded = load(settings, rules=False, engine=database)
        Acts(database, settings, time.time).record(act, operator(by).name)
        yield settings, database, loaded
    finally:
        database.dispose()
