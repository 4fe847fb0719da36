"""`hub policy test` and `hub policy explain`: real files, no source asked."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from auth.devissuer import DevIssuer
from auth.issuer import DevelopmentIssuer
from hub.cli.main import run
from tests.scenarios.world import WHO, prepare

TRIALS = """
test: nobody may ask without a purpose
subject: {app: tax-audit, org_kind: government, purposes: [tax.audit], clearance: {cn-gbt43697: G3}}
expect:
  - {use: list Firm, outcome: reject PURPOSE_REQUIRED}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "trials.yaml").write_text(TRIALS)
    return prepare(tmp_path, monkeypatch)


def test_what_is_met(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = str(config.parent / "trials.yaml")
    assert run(["policy", "test", trials, "--config", str(config)]) == 0
    assert capsys.readouterr().out == "1 tests, 1 expectations, 0 not met\n"


def test_what_is_not_met(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = config.parent / "trials.yaml"
    trials.write_text(TRIALS.replace("reject PURPOSE_REQUIRED", "allow"))
    assert run(["policy", "test", str(trials), "--config", str(config)]) == 1
    told = capsys.readouterr()
    assert told.out.endswith("1 not met\n")
    assert "trials.yaml:5:5: nobody may ask without a purpose" in told.err
    assert "expected allow" in told.err
    assert "found    reject PURPOSE_REQUIRED" in told.err
    assert "state one of your purposes" in told.err


def test_mistakes_are_told_together(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = config.parent / "trials.yaml"
    trials.write_text(TRIALS.replace("list Firm", "lists Firm").replace("subject:", "subjct:"))
    assert run(["policy", "test", str(trials), "--config", str(config)]) == 1
    assert "is not a use" in (told := capsys.readouterr().err)
    assert "did you mean `subject`" in told


def test_explain(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issuer = DevIssuer(
        DevelopmentIssuer(directory=str(config.parent / "issuer")),
        mode="development", host="127.0.0.1",
    )  # fmt: skip
    tokens = config.parent / "tokens.json"
    tokens.write_bytes(orjson.dumps({"B": issuer.sign(WHO["B"])}))
    asked = ["--as", "B", "--config", str(config), "--purpose", "tax.audit"]
    assert run(["policy", "explain", "Firm.creditCode", *asked]) == 0
    english, chinese = capsys.readouterr().out.splitlines()
    assert "decided by `open-to-government@1`" in english
    assert "`open-to-government@1`" in chinese
    assert run(["policy", "explain", "Firm.creditCode", *asked, "--for-app"]) == 0
    assert "open-to-government" not in capsys.readouterr().out
    assert run(["policy", "explain", "read Firm", *asked]) == 1
    assert "this is not a use" in capsys.readouterr().err
