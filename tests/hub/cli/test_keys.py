"""New keys are of the form that the hub takes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from auth.apikeys import FileKeys, check
from auth.refusal import RefusedError
from hub.cli.main import run
from hub.store.engine import open_engine
from hub.store.keys import StoredKeys


def made(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["keys", *words]) == 0
    return capsys.readouterr().out.strip()


def test_signing_pair(capsys: pytest.CaptureFixture[str]) -> None:
    pair = json.loads(made(["new", "signing", "--id", "k1"], capsys))
    public = pair["public"]["keys"][0]
    assert "d" not in public
    assert (public["kid"], public["crv"]) == ("k1", "Ed25519")
    private = OKPKey.import_key(pair["private"])
    signed = jws.serialize_compact({"alg": "Ed25519"}, b"x", private, algorithms=["Ed25519"])
    held = jws.deserialize_compact(signed, OKPKey.import_key(public), algorithms=["Ed25519"])
    assert held.payload == b"x"


def test_api_key_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    words = ["new", "api", "--app", "benefits", "--clearance", "general=G3", "--file", str(file)]
    first = made([*words, "--purpose", "benefits", "--days", "30"], capsys)
    second = made(["new", "api", "--app", "tax", "--file", str(file)], capsys)
    assert first.split("_")[2] not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    subject = check(first, [FileKeys(file)], now=time.time())
    assert (subject.app, dict(subject.clearance)) == ("benefits", {"general": "G3"})
    assert subject.purposes == {"benefits"}
    assert 29 < (subject.expires_at - time.time()) / 86_400 < 31
    assert made(["revoke", first.split("_")[1], "--file", str(file)], capsys) == "revoked"
    with pytest.raises(RefusedError):
        check(first, [FileKeys(file)], now=time.time())
    assert check(second, [FileKeys(file)], now=time.time()).app == "tax"


def test_api_key_in_the_hubs_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "hub.yaml"
    config.write_text("fragments: []\n")
    key = made(["new", "api", "--app", "benefits", "--config", str(config)], capsys)
    engine = open_engine(f"sqlite:///{tmp_path}/hub-state/state.sqlite")
    assert check(key, [StoredKeys(engine)], now=time.time()).app == "benefits"
    assert made(["revoke", key.split("_")[1], "--config", str(config)], capsys) == "revoked"
    with pytest.raises(RefusedError):
        check(key, [StoredKeys(engine, clock=lambda: time.time() + 3600)], now=time.time())
    engine.dispose()


@pytest.mark.parametrize(
    "words",
    [
        ["new", "api", "--app", "x"],
        ["new", "api", "--app", "x", "--file", "a", "--config", "b"],
        ["new", "api", "--app", "x", "--clearance", "G3", "--file", "absent/keys.json"],
        ["revoke", "000000000000", "--file", "absent.json"],
        ["new", "sealing"],
    ],
)
def test_refusals(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", *words]) not in (0, 70)
    assert capsys.readouterr().out == ""
