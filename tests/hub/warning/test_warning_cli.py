"""`hub warning` as those who look meet it, and a running hub that watches its own record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest
from click.testing import CliRunner, Result

from hub.audit.entry import Act, read_body
from hub.cli.main import cli, run
from hub.serve.app import create_app
from hub.serve.options import door_options
from hub.store.counts import JUDGED, Counts
from hub.store.ledger import open_ledger
from hub.store.warnings import Warnings
from hub.wiring import Hub
from tests.auth import forge
from tests.hub.warning.outlook import BEGIN, OFFICER, TEAM, Outlook, fields, outlook

__all__ = ["outlook"]

RULE = f"warning: a\ntitle: {{en: Guesses, zh: 试探}}\nkind: probing\n{OFFICER}\nleast: 2\n"


def hub(at: Outlook, *words: str) -> Result:
    config = ["--config", str(at.home / "hub.yaml")]
    return CliRunner().invoke(cli, ["warning", *words, *config])


def acts(at: Outlook) -> list[tuple[str, str, str | None]]:
    with closing(open_ledger(at.engine)) as ledger:
        found = [read_body(row.body) for row in ledger.rows()]
    return [(one.act, one.outcome, one.code) for one in found if isinstance(one, Act)]


@pytest.mark.asyncio
async def test_a_warning_is_looked_at_and_closed(outlook: Outlook) -> None:
    outlook.rule(RULE)
    await outlook.begin()
    outlook.asked(2, outcome="refused", code="TOO_DEEP")
    await outlook.turn(400)
    id = outlook.told[0].id
    assert f"{id}  2026-06-29T00:35:00+00:00  medium  open  试探  benefits  2" in (
        hub(outlook, "list", "--language", "zh").output
    )
    shown = hub(outlook, "show", id).output
    assert "kind: probing" in shown
    assert hub(outlook, "acknowledge", id, "--by", "shen").output == f"{id}  acknowledged\n"
    again = hub(outlook, "acknowledge", id, "--by", "shen")
    assert getattr(again.exception, "code", None) == "EDIT_CONFLICT"
    assert hub(outlook, "list", "--state", "open").output == "no warning\n"
    assert hub(outlook, "close", id, "--reason", "a test run").exit_code == 0
    (told,) = outlook.told
    assert (told.state, told.reason, told.revision) == ("closed", "a test run", 3)
    assert getattr(hub(outlook, "close", id, "--reason", " ").exception, "code", None) == (
        "BAD_USER_INPUT"
    )
    assert getattr(hub(outlook, "show", "0" * 32).exception, "code", None) == "NOT_FOUND"
    assert json.loads(hub(outlook, "list", "--json").output)["rule"] == "a"
    assert acts(outlook) == [
        ("warning.listed", "ok", None),
        ("warning.shown", "ok", None),
        ("warning.acknowledged", "ok", None),
        ("warning.acknowledged", "refused", "EDIT_CONFLICT"),
        ("warning.listed", "ok", None),
        ("warning.closed", "ok", None),
        ("warning.shown", "ok", None),
        ("warning.listed", "ok", None),
    ]


def test_rules_are_checked(outlook: Outlook, capsys: pytest.CaptureFixture[str]) -> None:
    looks = f"title: A\nkind: enumeration\n{TEAM}\nof: lookups\nleast: 2\n"
    outlook.rule(f"{RULE}---\nwarning: b\n{looks}fields: [Person.salary]\n")
    rules = str(outlook.home / "warn.yaml")
    assert hub(outlook, "check", rules).output.splitlines() == [
        "a  probing  duty:security-officer  judged",
        "b  enumeration  app:benefits  asleep: its owner may not filter by what it speaks of",
    ]
    outlook.rule(RULE.replace("probing", "volumes"))
    assert run(["warning", "check", rules, "--config", str(outlook.home / "hub.yaml")]) == 1
    assert "warn.yaml:3:7: `kind` cannot be `volumes` (did you mean `volume`?)" in (
        capsys.readouterr().err
    )


def test_rules_are_tried_on_what_is_on_record(outlook: Outlook) -> None:
    outlook.rule(f"{RULE}---\nwarning: f\ntitle: F\nkind: first_use\n{OFFICER}\nlearn: 1 day\n")
    outlook.asked(5, at=BEGIN - 40 * 86_400, outcome="refused", code="TOO_DEEP")
    outlook.asked(1, at=BEGIN - 3_600, fields=fields("project Person.name"))
    outlook.asked(2, at=BEGIN - 1_800, outcome="refused", code="TOO_DEEP")
    outlook.asked(2, at=BEGIN - 1_200, outcome="refused", code="TOO_DEEP")
    rules = str(outlook.home / "warn.yaml")
    found = hub(outlook, "replay", rules, "--since", "2026-06-28T00:00:00Z", "--json").output
    told = [json.loads(line) for line in found.splitlines()]
    assert [(one["rule"], one["what"], one["amount"]) for one in told] == [
        ("f", "Person.name", 1),
        ("a", "", 2),
    ], "quiet after the first, and nothing of what was before"
    assert outlook.told == ()
    assert acts(outlook) == [("warning.replayed", "ok", None)]


@pytest.mark.asyncio
async def test_a_running_hub_warns(outlook: Outlook) -> None:
    """Questions over HTTP, through its own record, to a warning."""
    forge.write_all(outlook.home / "jwks.json")
    outlook.configure(
        "  every_s: 1\n",
        f"auth: {{issuers: [{{issuer: '{forge.ISSUER}', audience: [hub], jwks: jwks.json}}]}}\n",
    )
    outlook.rule(RULE.replace("least: 2", "least: 2\nwindow: 5 minutes"))
    outlook.now = forge.NOW
    running = Hub(outlook.settings, clock=lambda: outlook.now)
    await running.open()
    try:
        app = create_app(running, door_options(outlook.settings))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://hub"
        ) as client:
            times = {"iat": outlook.now - 1, "exp": outlook.now + 600}
            token = forge.token(forge.claims(sub="benefits", azp="benefits", **times))
            for _ in range(2):
                got = await client.post(
                    "/graphql",
                    json={"query": "{ noSuchThing }"},
                    headers={"authorization": f"Bearer {token}"},
                )
                assert got.json()["errors"]
        counts = Counts(outlook.engine)
        await until(lambda: counts.position(JUDGED) is not None)
        outlook.now += 400
        await until(lambda: b"hub_warnings_open 1.0" in running.metrics()[0])
        found = Warnings(outlook.engine).listed()
        assert [(one.rule, one.app, one.amount) for one in found] == [("a", "benefits", 2)]
    finally:
        await running.close()


async def until(holds: Callable[[], bool]) -> None:
    """The worker turns by a clock of its own."""
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError
