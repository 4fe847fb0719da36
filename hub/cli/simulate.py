"""`hub policy simulate`: what other rules would change of what callers have asked."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from hub.cli.desk import released
from hub.cli.load import load_environment, read_text, yaml_files
from schema.errors import HubError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine as Database

    from hub.loading import Loaded
    from hub.query.simulation import Group, Simulation, Told
    from hub.settings import Settings
    from policies.engine import Engine

_SINCE = re.compile(r"(\d{1,6})([smhdw])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NOBODY = {
    "en": "Only callers that have asked are covered. `hub policy diff` compares for every caller.",
    "zh": "仅涵盖已提出过请求的调用方；`hub policy diff` 对所有调用方作比较。",
}
_COUNTS = {
    "en": "Counts are those since an operation was first recorded, at most `recording.days`.",
    "zh": "次数自首次记录起累计，至多 `recording.days` 天。",
}
_DIFFERS = {
    "en": "The rules in the files are not those that the hub last took into force.",
    "zh": "文件中的规则与枢纽最近生效的规则不一致。",
}
_ANYBODY = {
    "en": "Rules read who the person is; where the record does not say, it is some other person.",
    "zh": "规则读取了个人身份；记录未注明的，按其他人员处理。",
}
_EMPTY = {"en": "No operation is recorded.", "zh": "没有任何操作记录。"}


class _Rules(msgspec.Struct, frozen=True):
    """One set of rules as read."""

    engine: Engine
    digest: str


@click.command("simulate")
@click.argument("candidate", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("hub.yaml"),
    show_default=True,
    help="The hub's configuration: its rules, and the database with what was asked.",
)
@click.option("--since", help="Only what was asked within this time, as 7d, 12h or 4w.")
@click.option(
    "--examples",
    type=click.IntRange(0, 1_000),
    default=5,
    show_default=True,
    help="Changes shown for each application.",
)
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="The language of the text.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in both languages.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file for the JSON, whatever is printed.",
)
def simulate_command(
    candidate: tuple[Path, ...],
    config: Path,
    since: str | None,
    examples: int,
    language: str,
    as_json: bool,
    save: Path | None,
) -> None:
    """Decide what callers have asked again, by the rules in force and by CANDIDATE.

    CANDIDATE are the bundles (files or folders) that would be in force instead. Needs no source
    and changes nothing. Shows who gains and who loses what, by department and application. The
    record holds no values, and neither does the report. Exits with 1 if nothing is recorded.

    \b
    Example:
      hub policy simulate policies-new/ --config hub.yaml --since 7d
    """
    from hub.loading import query_limits, rules_over
    from hub.query.replay import Reader, Replayed
    from hub.query.simulation import simulate
    from hub.registration.ground import load
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine
    from hub.store.recorded import read_recorded

    after = 0.0 if since is None else time.time() - _seconds(since)
    load_environment(config)
    settings = read_settings(config)
    texts = {str(file): read_text(file) for file in yaml_files(candidate)}
    database = open_engine(settings.state.database_url)
    try:
        migrate(database)
        rows = read_recorded(database, after)
        loaded, epoch = _in_force(database, settings)
    finally:
        database.dispose()
    other_rules = rules_over(load(settings, rules=False), texts)
    old, new = _rules(loaded, settings), _rules(other_rules, settings)
    whole = Reader(loaded.catalogue, query_limits(settings))
    base, other = (Replayed(whole, side.engine) for side in (old, new))
    named, asked = _persons([old.engine, new.engine], settings)
    found = simulate(rows, base, other, named)
    notes = [_NOBODY, _COUNTS]
    notes += [_DIFFERS] if epoch is None else []
    notes += [_ANYBODY] if asked and found.anybody else []
    said = {
        "summary": {
            "base": {"digest": old.digest, "epoch": epoch},
            "candidate": {"digest": new.digest},
            "catalogue": str(loaded.catalogue.version),
            "since": after or None,
            **_summary(found),
        },
        "groups": [_group(group, examples) for group in found.groups],
        "notes": {word: [note[word] for note in notes] for word in ("en", "zh")},
    }
    text = orjson.dumps(said, option=orjson.OPT_INDENT_2).decode()
    if save is not None:
        _save(save, text)
    if as_json:
        click.echo(text)
    else:
        for line in _lines(found, said, language, examples):
            click.echo(line)
    if not rows:
        raise HubError(
            "NOT_FOUND",
            "no operation is recorded" if since is None else "no operation is recorded since then",
            hint="see `recording` in the settings; a hub writes what it has answered within "
            "seconds",
        )


def _seconds(since: str) -> int:
    match = _SINCE.match(since)
    if match is None:
        raise click.UsageError("--since is a number and one of s, m, h, d, w, as in 7d")
    return int(match[1]) * _SECONDS[match[2]]


def _rules(loaded: Loaded, settings: Settings) -> _Rules:
    from hub.loading import engine_of

    digest = hashlib.sha256(loaded.rules.encode()).hexdigest()
    return _Rules(engine_of(loaded, settings, 1), digest)


def _in_force(database: Database, settings: Settings) -> tuple[Loaded, int | None]:
    """What is in force and its epoch: the release, or the files where none is required."""
    from hub.registration.ground import load

    if not settings.release.required:
        loaded = load(settings)
        return loaded, _epoch(database, hashlib.sha256(loaded.rules.encode()).hexdigest())
    return released(database, settings, load(settings, rules=False))


def _epoch(database: Database, digest: str) -> int | None:
    """The epoch that the hub last took into force, if it is that of these rules."""
    from hub.store.epochs import last_epoch

    last = last_epoch(database)
    return last[0] if last is not None and last[1] == digest else None


def _persons(engines: Sequence[Engine], settings: Settings) -> tuple[dict[str, str], bool]:
    """Persons whom rules name by the hash of records; whether rules read persons at all."""
    from hub.query.recording import person_hash, person_key
    from hub.store.secret import shared_secret
    from policies.replay import persons_named, reads_person

    asked = any(reads_person(engine) for engine in engines)
    names = frozenset[str]().union(*(persons_named(engine) for engine in engines))
    if not names:
        return {}, asked
    key = person_key(shared_secret(Path(settings.state.directory)))
    return {person_hash(key, name): name for name in sorted(names)}, asked


def _summary(found: Simulation) -> dict[str, Any]:
    """What a release keeps as evidence, beside what was simulated."""
    return {
        "recorded": {
            **msgspec.to_builtins(found.recorded),
            "first_seen": found.first_seen,
            "last_seen": found.last_seen,
        },
        "verdict": found.verdict,
        "counts": {kind: msgspec.to_builtins(count) for kind, count in found.counts.items()},
    }


def _group(group: Group, examples: int) -> dict[str, Any]:
    told = group.told()
    return {
        "department": group.department,
        "app": group.app,
        "counts": {kind: msgspec.to_builtins(count) for kind, count in group.counts.items()},
        "changes": [_change(one) for one in told[:examples]],
        "further_changes": max(0, len(told) - examples),
    }


def _change(told: Told) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(told.change),
        **msgspec.to_builtins(told.count),
        "example": {"digest": told.digest, "name": told.name, "text": told.operation},
    }


def _save(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise HubError(
            "BAD_REQUEST", "the file cannot be written", where=str(file), cause=error
        ) from error


_WORDS = {
    "en": {
        "gains": "gains", "losses": "losses", "mixed": "both or not comparable",
        "unchanged": "unchanged", "unreadable": "not in the catalogue any more",
        "gain": "gain", "loss": "loss", "differs": "differs",
        "none": "nothing changes", "both": "gains and losses",
        "head": "{operations} operations, asked {asked} times: {verdict}",
        "rules": "rules in force {old}, candidate {new}",
        "count": "{kind} {operations} (asked {asked})",
        "change": "{way}: {use}: {before} -> {after}; asked {asked} in {operations} operations, "
        "as in {example}",
        "by": "by {before} -> by {after}", "nothing": "no rule",
        "more": "{count} further changes, see --examples", "note": "note: {note}",
        "nowhere": "no department",
    },
    "zh": {
        "gains": "放宽", "losses": "收紧", "mixed": "兼有或无法比较",
        "unchanged": "不变", "unreadable": "目录中已不存在",
        "gain": "放宽", "loss": "收紧", "differs": "不同",
        "none": "没有变化", "both": "有放宽也有收紧",
        "head": "{operations} 个操作，共 {asked} 次：{verdict}",
        "rules": "现行规则 {old}，候选规则 {new}",
        "count": "{kind} {operations} 个（{asked} 次）",
        "change": "{way}：{use}：{before} -> {after}；{operations} 个操作共 {asked} 次，"
        "例如 {example}",
        "by": "依据 {before} -> 依据 {after}", "nothing": "无规则",
        "more": "另有 {count} 项变化，见 --examples", "note": "注：{note}",
        "nowhere": "无部门",
    },
}  # fmt: skip


def _lines(found: Simulation, said: dict[str, Any], language: str, examples: int) -> list[str]:
    words = _WORDS[language]
    if not found.recorded.operations:
        return [_EMPTY[language]]
    summary = said["summary"]
    lines = [
        words["head"].format(
            operations=found.recorded.operations,
            asked=found.recorded.asked,
            verdict=words[found.verdict],
        ),
        words["rules"].format(
            old=summary["base"]["digest"][:12], new=summary["candidate"]["digest"][:12]
        ),
    ]
    for group in found.groups:
        counts = [
            words["count"].format(kind=words[kind], operations=count.operations, asked=count.asked)
            for kind, count in group.counts.items()
            if count.operations
        ]
        where = group.department or words["nowhere"]
        lines.append(f"{where} / {group.app}: {', '.join(counts)}")
        told = group.told()
        for one in told[:examples]:
            lines += _told(one, words)
        if len(told) > examples:
            lines.append("  " + words["more"].format(count=len(told) - examples))
    return lines + [words["note"].format(note=note) for note in said["notes"][language]]


def _told(told: Told, words: dict[str, str]) -> list[str]:
    change = told.change
    example = told.digest[:12] if told.name is None else f"`{told.name}` ({told.digest[:12]})"
    lines = [
        "  "
        + words["change"].format(
            way=words[change.direction], use=change.use, before=change.before,
            after=change.after, asked=told.count.asked, operations=told.count.operations,
            example=example,
        )
    ]  # fmt: skip
    if change.rules_before or change.rules_after:
        old, new = (
            ", ".join(rules) or words["nothing"]
            for rules in (change.rules_before, change.rules_after)
        )
        lines.append("    " + words["by"].format(before=old, after=new))
    return lines
