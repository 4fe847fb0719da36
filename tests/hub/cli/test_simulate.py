"""`hub policy simulate`: what callers asked over HTTP, decided again by other rules."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.cli.main import run
from hub.query.request import Request
from hub.settings import read_settings
from hub.wiring import build_hub
from tests.hub.cli.test_serve import QUERY, RULE, home, names, serving  # noqa: F401  # a fixture
from tests.hub.serve.live import free_port
from tests.scenarios.world import HERE, running

RULES = (HERE / "rules.yaml").read_text(encoding="utf-8")
TIGHTER = RULES.replace(
    "modes: [read, filter, sort]\n---\npolicy: own-data", "modes: [read]\n---\npolicy: own-data"
)
LOOSER = (
    RULES
    + """---
policy: phones-for-aid
effect: permit
subjects: {app: aid-office}
resources: {fields: [Person.phone]}
---
policy: all-aid-for-townships
effect: permit
subjects: {app: desk, tier: township}
resources: {types: [Aid]}
modes: [read, filter, sort]
"""
)
BY_NAME = 'query ByName { persons(filter: {name: {eq: "Zhang Wei 330106"}}) { nodes { name } } }'
PHONES = "{ persons { nodes { name phone } } }"
AIDS = "query Aids { aids { totalCount nodes { status } } }"
TRACK = "{ persons { nodes { keyWatch } } }"


async def asked(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Several callers ask several things."""
    async with running(folder, patch) as world:
        for _ in range(3):
            assert "data" in await world.ask("A", BY_NAME, "benefits.eligibility")
        assert "data" in await world.ask("A", PHONES, "benefits.eligibility")
        assert "data" in await world.ask("T", AIDS, "grassroots")
        assert "data" not in await world.ask("Q-outside", TRACK, "case")
        await world.ask("A", "{ no such thing }", "benefits.eligibility")
        await world.ask("A", PHONES, "330106199001011234")


def report(folder: Path, rules: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    file = folder / "candidate" / "rules.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(rules, encoding="utf-8")
    command = ["policy", "simulate", str(file.parent), "--config", str(folder / "hub.yaml")]
    assert run([*command, "--json", "--save", str(folder / "saved.json")]) == 0
    printed = capsys.readouterr().out
    assert (folder / "saved.json").read_text(encoding="utf-8") == printed
    for language in ("en", "zh"):
        assert run([*command, "--language", language]) == 0
    text = capsys.readouterr().out
    assert "330106" not in printed + text
    assert "Zhang" not in printed + text
    told: dict[str, Any] = orjson.loads(printed)
    return told


def group(told: dict[str, Any], app: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["groups"] if one["app"] == app)
    return found


@pytest.mark.asyncio
async def test_the_same_rules_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await asked(tmp_path, monkeypatch)
    told = report(tmp_path, RULES, capsys)
    summary = told["summary"]
    assert summary["verdict"] == "none"
    assert summary["base"] == {"digest": summary["candidate"]["digest"], "epoch": 1}
    assert summary["recorded"]["operations"] == 4
    assert summary["recorded"]["asked"] == 6
    assert summary["counts"]["unchanged"] == {"operations": 4, "asked": 6}
    assert any("hub policy diff" in note for note in told["notes"]["en"])


@pytest.mark.asyncio
async def test_tighter_rules_take_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await asked(tmp_path, monkeypatch)
    told = report(tmp_path, TIGHTER, capsys)
    assert told["summary"]["verdict"] == "losses"
    found = group(told, "aid-office")
    assert found["department"] == "civil"
    assert found["counts"]["losses"] == {"operations": 1, "asked": 3}
    assert found["counts"]["unchanged"] == {"operations": 1, "asked": 1}
    (change,) = found["changes"]
    assert change["direction"] == "loss"
    assert change["use"] == "filter_eq Person.name"
    assert change["before"] == "answered"
    assert change["after"].startswith("refused (")
    assert change["rules_before"] == ["open-to-government@1"]
    assert change["asked"] == 3
    assert change["example"]["name"] == "ByName"
    text = "query($v1:String!){persons(filter:{name:{eq:$v1}}){nodes{name}}}"
    assert change["example"]["text"] == text


@pytest.mark.asyncio
async def test_looser_rules_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await asked(tmp_path, monkeypatch)
    told = report(tmp_path, LOOSER, capsys)
    assert told["summary"]["verdict"] == "gains"
    (change,) = group(told, "aid-office")["changes"]
    assert (change["direction"], change["use"]) == ("gain", "Person.phone")
    assert change["before"].startswith("null (")
    assert change["after"] == "allow"
    assert change["rules_after"] == ["phones-for-aid@1"]
    (rows,) = group(told, "desk")["changes"]
    assert (rows["what"], rows["use"], rows["direction"]) == ("rows", "Aid", "gain")
    assert (rows["before"], rows["after"]) == ("some rows", "all rows")
    assert group(told, "police")["counts"]["unchanged"]["operations"] == 1


@pytest.mark.asyncio
async def test_a_lower_label_is_a_gain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    masked = """---
policy: initials
effect: require
resources: {fields: [Person.name]}
outcome: {mask: {partial: {keep_first: 1}}}
"""
    async with running(tmp_path, monkeypatch) as world:
        await world.rewrite("rules.yaml", RULES, RULES + masked)
        assert "data" in await world.ask(
            "A", "{ persons { nodes { name } } }", "benefits.eligibility"
        )
    declared = RULES + masked + "declassify: {level: G1, reason: an initial is shared}\n"
    told = report(tmp_path, declared, capsys)
    (change,) = group(told, "aid-office")["changes"]
    assert (change["direction"], change["what"], change["use"]) == ("gain", "label", "Person.name")
    assert change["after"] == "G1 where 10 persons share it"
    assert told["summary"]["verdict"] == "gains"


@pytest.mark.asyncio
async def test_what_was_hidden_may_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path, monkeypatch) as world:
        await world.ask("O", "{ firms { nodes { name } } }", "case")
    permit = "---\n" + RULE.format(name="all", effect="permit").replace("benefits", "console")
    permit = permit.replace("Person", "Firm")
    open_rules = RULES[: RULES.index("---\npolicy: no-data-for-duties")] + permit
    told = report(tmp_path, open_rules, capsys)
    (change,) = group(told, "console")["changes"]
    assert (change["direction"], change["what"]) == ("gain", "operation")
    assert change["before"] == "refused (GRAPHQL_VALIDATION_FAILED)"
    assert change["rules_before"] == ["no-data-for-duties@1"]


@pytest.mark.asyncio
async def test_what_the_catalogue_does_not_know_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await asked(tmp_path, monkeypatch)
    for file in (tmp_path / "departments").glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("      phone:", "      mobile:")
        file.write_text(text, encoding="utf-8")
    told = report(tmp_path, RULES, capsys)
    assert told["summary"]["counts"]["unreadable"] == {"operations": 1, "asked": 1}


def test_workers_that_serve(
    home: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = home / "hub.yaml"
    config.write_text(config.read_text() + "audit: {wait_s: 30}\n")
    command = ["policy", "simulate", str(home / "new.yaml"), "--config", str(config)]
    (home / "new.yaml").write_text(RULE.format(name="one", effect="forbid"))
    assert run(command) == 1
    shown = capsys.readouterr()
    assert "No operation is recorded" in shown.out
    assert "[NOT_FOUND]" in shown.err
    port = free_port()
    with serving(home, port):
        for _ in range(3):
            assert names(port, home) == ["Zhang", "Li"]
    assert run([*command, "--since", "1h"]) == 0
    out = capsys.readouterr().out
    assert "1 operations, asked 3 times: losses" in out
    assert "benefits / benefits: losses 1 (asked 3)" in out
    assert run([*command, "--since", "soon"]) == 2
    config.write_text(config.read_text() + "recording: {enabled: false}\n")
    token = orjson.loads((home / "tokens.json").read_bytes())["app"]

    async def ask() -> None:
        hub = build_hub(read_settings(config))
        await hub.open()
        subject = await hub.identifier.identify("apikey", token)
        answer = await hub.pipeline.answer(Request(text=QUERY, subject=subject))
        await hub.close()
        assert answer.code is None

    asyncio.run(ask())
    capsys.readouterr()
    assert run([*command, "--json"]) == 0
    shown = capsys.readouterr()
    assert orjson.loads(shown.out)["summary"]["recorded"]["asked"] == 3
