"""The commands on a real hub over a real database: key, check, plan, serve, reload, audit."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hub.cli.main import run
from hub.query.request import Request
from hub.settings import read_settings
from hub.wiring import build_hub
from tests.hub.serve.live import free_port

FRAGMENT = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{db}"}}}}
types:
  Person:
    key: [idNumber]
    from: {{table: residents}}
    label: internal
    share: unconditional
    fields:
      idNumber: {{column: id_number, type: String}}
      name: {{type: String}}
"""
RULE = """\
policy: {name}
effect: {effect}
subjects: {{app: benefits}}
resources: {{types: [Person]}}
modes: [all]
"""
CONFIG = """\
fragments: ["fragments/*.yaml"]
policies: ["policies/*.yaml"]
listen: {reload_poll_s: 0.1}
"""
QUERY = "{ persons { nodes { idNumber name } } }"


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a database, its fragment, a rule, and a key for the app `benefits`."""
    database = tmp_path / "civil.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE residents (id_number TEXT PRIMARY KEY, name TEXT)")
    connection.execute("INSERT INTO residents VALUES ('1', 'Zhang'), ('2', 'Li')")
    connection.commit()
    connection.close()
    for name in ("fragments", "policies"):
        (tmp_path / name).mkdir()
    (tmp_path / "fragments" / "civil.yaml").write_text(FRAGMENT.format(db=database))
    (tmp_path / "policies" / "one.yaml").write_text(RULE.format(name="one", effect="permit"))
    (tmp_path / "hub.yaml").write_text(CONFIG)
    words = ["--clearance", "plain=restricted", "--department", "benefits"]
    config = str(tmp_path / "hub.yaml")
    assert run(["keys", "new", "api", "--app", "benefits", *words, "--config", config]) == 0
    (tmp_path / "tokens.json").write_text(json.dumps({"app": capsys.readouterr().out.strip()}))
    return tmp_path


@contextmanager
def serving(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`hub serve` as a process of its own."""
    words = [sys.executable, "-m", "hub", "serve", "--config", str(home / "hub.yaml")]
    process = subprocess.Popen(
        [*words, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def names(port: int, home: Path) -> list[str] | None:
    token = json.loads((home / "tokens.json").read_text())["app"]
    got = httpx.post(
        f"http://127.0.0.1:{port}/graphql",
        json={"query": QUERY},
        headers={"authorization": f"ApiKey {token}"},
    ).json()
    if "data" not in got:
        return None
    return [node["name"] for node in got["data"]["persons"]["nodes"]]


def test_serve_reload_stop_and_audit(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with serving(home, port) as process:
        assert names(port, home) == ["Zhang", "Li"]
        other = home / "policies" / "two.yaml"
        other.write_text("policy: [broken")
        time.sleep(0.5)
        assert names(port, home) == ["Zhang", "Li"]
        other.write_text(RULE.format(name="two", effect="forbid"))
        deadline = time.monotonic() + 10
        while names(port, home) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not names(port, home)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert out == f"listening at http://127.0.0.1:{port}/graphql\n"
        events = [json.loads(line)["event"] for line in err.splitlines()]
        assert events[:2] == ["rules.unsigned", "serve.started"]
        assert events[-1] == "serve.stopped"
        assert {"reload.refused", "reload.done"} <= set(events)
    assert run(["audit", "verify", "--config", str(home / "hub.yaml")]) == 0
    assert "is whole" in capsys.readouterr().out


def test_a_quota_outlives_the_process(home: Path) -> None:
    rule = RULE.format(name="one", effect="permit")
    (home / "policies" / "one.yaml").write_text(
        rule + "obligations: [{quota: {rows: 3, per: week}}]\n"
    )
    token = json.loads((home / "tokens.json").read_text())["app"]

    async def asked() -> str | None:
        hub = build_hub(read_settings(home / "hub.yaml"))
        await hub.open()
        try:
            subject = await hub.identifier.identify("apikey", token)
            return (await hub.pipeline.answer(Request(text=QUERY, subject=subject))).code
        finally:
            await hub.close()

    assert [asyncio.run(asked()) for _ in range(3)] == [None, "QUOTA", "QUOTA"]


def test_serve_tells_what_is_wrong_before_it_starts(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    words = ["serve", "--config", str(home / "hub.yaml"), "--port", str(port)]
    with serving(home, port):
        assert run(words) == 1
        assert "another program" in capsys.readouterr().err
    (home / "policies" / "one.yaml").write_text("policy: [broken")
    assert run(words) == 1
    shown = capsys.readouterr()
    assert "one.yaml:2:1" in shown.err
    assert "Traceback" not in shown.err


def test_plan(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "q.graphql"
    file.write_text(QUERY)
    words = ["plan", str(file), "--as", "app", "--config", str(home / "hub.yaml")]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert "Fetch residents@civil" in shown
    assert "id_number" in shown
    file.write_text("{ nobody }")
    assert run(words) == 1
    assert "[GRAPHQL_VALIDATION_FAILED]" in capsys.readouterr().err
    assert run([*words, "--variables", "[]"]) == 1
    assert "[BAD_USER_INPUT]" in capsys.readouterr().err


def test_plan_takes_variables_and_purpose_from_the_sample_beside(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "one.graphql"
    file.write_text("query One($n: Int!) " + QUERY.replace("persons", "persons(first: $n)", 1))
    words = ["plan", str(file), "--as", "app", "--config", str(home / "hub.yaml")]
    assert run(words) == 1
    assert "`$n`" in capsys.readouterr().err
    file.with_suffix(".yaml").write_text("variables: {n: 3}\npurpose: nonsense\n")
    assert run(words) == 1
    assert "[PURPOSE_NOT_ALLOWED]" in capsys.readouterr().err
    file.with_suffix(".yaml").write_text("variables: {n: 3}\n")
    assert run(words) == 0
    assert "Fetch residents@civil" in capsys.readouterr().out
    file.with_suffix(".yaml").write_text("variables: [")
    assert run(words) == 1
    assert "one.yaml" in capsys.readouterr().err


def test_plan_in_other_circumstances(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = home / "policies" / "one.yaml"
    rule.write_text(
        RULE.format(name="one", effect="permit")
        + "when: {in: [context.network_zone, [office]]}\n"
        + "obligations: [case_id, {step_up: {acr: card}}]\n"
    )
    file = home / "q.graphql"
    file.write_text(QUERY)
    words = ["plan", str(file), "--as", "app", "--config", str(home / "hub.yaml")]
    given = ["--zone", "office", "--case", "7", "--acr", "card"]
    assert run([*words, *given]) == 0
    assert "Fetch residents@civil" in capsys.readouterr().out
    for missing, code in ((0, "NETWORK_ZONE"), (2, "CASE_REQUIRED"), (4, "STEP_UP_REQUIRED")):
        assert run([*words, *given[:missing], *given[missing + 2 :]]) == 1
        assert f"[{code}]" in capsys.readouterr().err


def test_draft_then_check(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "drafted.yaml"
    words = ["source", "draft", str(home / "civil.sqlite"), "--level", "internal"]
    assert run([*words, "--out", str(out)]) == 0
    assert run(["check", str(out)]) == 0
    assert "1 types" in capsys.readouterr().out
    assert run([*words, "--out", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err
