"""Heads, proofs, exports, holds and pruning on the command line."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from hub.audit import offline
from hub.audit.entry import encoder
from hub.audit.link import link
from hub.cli.audit import audit
from hub.store.ledger import open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import engine_at, entry

OLD = 1_500_000_000.0
Run = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "hub-state").mkdir()
    engine = engine_at(tmp_path / "hub-state" / "state.sqlite")
    entries = [
        entry(number, ts=OLD + number, app="benefits" if number % 3 else "tax")
        for number in range(30)
    ]
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(one).decode() for one in entries], link)
    (tmp_path / "hub.yaml").write_text("")
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:
    def words(*given: object) -> str:
        told = [str(word) for word in given]
        done = CliRunner().invoke(
            audit, [*told, "--config", str(home / "hub.yaml")], catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return done.output

    return words


def refused(run: Run, *words: object) -> str:
    with pytest.raises(HubError) as error:
        run(*words)
    return error.value.code


def tampered(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "hub-state" / "state.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def last_body(home: Path) -> dict[str, object]:
    with closing(sqlite3.connect(home / "hub-state" / "state.sqlite")) as connection:
        found = connection.execute("SELECT body FROM audit_entries ORDER BY seq DESC LIMIT 1")
        told: dict[str, object] = json.loads(found.fetchone()[0])
        return told


def test_what_is_exported_satisfies_the_offline_verifier(home: Path, run: Run) -> None:
    assert refused(run, "key") == "NOT_FOUND"
    run("sign", "--out", home / "head.json")
    assert stat.S_IMODE((home / "hub-state" / "audit.key").stat().st_mode) == 0o600
    run("key", "--out", home / "key.json")
    assert '"d"' not in (home / "key.json").read_text()
    run("export", "--out", home / "log.jsonl")
    assert last_body(home).get("act") == "audit.exported"
    known = ["--head", str(home / "head.json"), "--key", str(home / "key.json")]
    assert offline.main(["log", str(home / "log.jsonl"), *known]) == 0
    run("prove", 7, "--out", home / "proof.json")
    assert offline.main(["proof", str(home / "proof.json"), *known]) == 0
    run("sign", "--out", home / "later.json")
    sizes = [json.loads(line)["size"] for line in run("heads").splitlines()]
    assert sizes == [30, 32]
    run("consistency", 30, 32, "--out", home / "steps.json")
    later = ["--head", str(home / "later.json"), *known]
    assert offline.main(["proof", str(home / "steps.json"), *later]) == 0
    assert "signed heads of size 30, 32" in run("verify", "--against", home / "head.json")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE audit_entries SET body = replace(body, 'zhang', 'li') WHERE seq = 9", "edited"),
        ("DELETE FROM audit_entries WHERE seq = 9", "removed"),
        ("UPDATE audit_entries SET body = '' WHERE seq = 9", "removed"),
        ("DELETE FROM audit_entries WHERE seq > 20", "cut"),
    ],
)
def test_verifying_names_what_is_wrong(home: Path, run: Run, statement: str, kind: str) -> None:
    run("sign", "--out", home / "head.json")
    tampered(home, statement)
    with pytest.raises(HubError, match=f"{kind}: ") as error:
        run("verify", "--against", home / "head.json")
    assert error.value.code == "AUDIT_BROKEN"


def test_a_log_written_anew_shows_against_a_head_kept_elsewhere(home: Path, run: Run) -> None:
    run("sign", "--out", home / "head.json")
    names = ("audit_entries", "audit_tiles", "audit_heads")
    tampered(home, *(f"DELETE FROM {name}" for name in names))  # noqa: S608 - three constants
    engine = engine_at(home / "hub-state" / "state.sqlite")
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(entry(n, user="li")).decode() for n in range(30)], link)
    assert "whole" in run("verify")
    run("sign")
    with pytest.raises(HubError, match="fork: two heads of size 30"):
        run("verify", "--against", home / "head.json")


def test_heads_of_an_older_key_need_it(home: Path, run: Run) -> None:
    run("sign", "--out", home / "head.json")
    run("key", "--out", home / "key.json")
    (home / "hub-state" / "audit.key").unlink()
    run("sign")
    with pytest.raises(HubError, match="forged"):
        run("verify", "--against", home / "head.json")
    told = run("verify", "--against", home / "head.json", "--key", home / "key.json")
    assert "signed heads of size 30" in told
    assert refused(run, "verify", "--key", home / "head.json") == "AUDIT_BROKEN"
    assert refused(run, "verify", "--key", home / "none.json") == "NOT_FOUND"


def test_heads_of_an_older_crypto_profile_still_hold(home: Path, run: Run) -> None:
    run("sign", "--out", home / "head.json")
    (home / "hub.yaml").write_text("instance: {crypto_profile: sm}")
    run("sign", "--out", home / "later.json")
    assert json.loads((home / "later.json").read_text())["hash_alg"] == "sm3"
    assert "signed heads of size 30" in run("verify")
    assert "signed heads of size 30" in run("verify", "--against", home / "head.json")
    both = ("--against", home / "head.json", "--against", home / "later.json")
    with pytest.raises(HubError, match="check each alone"):
        run("verify", *both)


def test_nothing_is_signed_on_top_of_a_head_that_does_not_hold(home: Path, run: Run) -> None:
    run("sign")
    tampered(home, "UPDATE audit_heads SET root = replace(root, 'a', 'b')")
    assert refused(run, "sign") == "AUDIT_BROKEN"


def test_a_chosen_export(home: Path, run: Run) -> None:
    lines = run("export", "--app", "tax", "--since", "2017-07-14T02:40:10").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [13, 16, 19, 22, 25, 28]
    details = last_body(home)["details"]
    assert isinstance(details, dict)
    assert details["app"] == "tax"
    assert len(run("export", "--coordinate", "Person.name", "--last", 12).splitlines()) == 12
    assert run("export", "--coordinate", "Person.idNumber") == ""


def test_parquet(home: Path, run: Run) -> None:
    run("export", "--format", "parquet", "--out", home / "log.parquet", "--last", 30)
    table = pq.read_table(home / "log.parquet")
    assert table.num_rows == 30
    assert table["app"].to_pylist()[:3] == ["tax", "benefits", "benefits"]
    assert json.loads(table["body"][4].as_py())["operation_id"] == "op-4"
    assert refused(run, "export", "--format", "parquet") == "CONFIG_INVALID"


def test_cef_escapes_what_would_forge_an_event(home: Path, run: Run) -> None:
    forged = entry(1, operation_name="a|b\\c\nCEF:0", purpose="x=1 \r\nCEF:0|\u2028y", case_id="=")
    engine = engine_at(home / "hub-state" / "state.sqlite")
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(forged).decode()], link)
    out = home / "log.cef"
    run("export", "--format", "cef", "--first", 31, "--last", 31, "--out", out)
    lines = out.read_text().splitlines()
    assert len(lines) == 1
    assert "|a\\|b\\\\c CEF:0|3|" in lines[0]
    assert "cs1=x\\=1 \\nCEF:0|\\ny " in lines[0]
    assert "cs3=\\= " in lines[0]
    assert lines[0].startswith("<110>1 2027-01-15T08:00:01.000Z ")


def test_pruning_leaves_hashes_and_what_is_held(home: Path, run: Run) -> None:
    assert "no entry is old enough" in run("prune"), "no signed head covers any"
    run("sign", "--out", home / "head.json")
    run("hold", "set", "case-17", "--app", "tax", "--reason", "an order")
    assert refused(run, "hold", "set", "case-17", "--reason", "again") == "EDIT_CONFLICT"
    assert "case-17" in run("hold", "list")
    assert "20 entries between 2 and 30 have lost their text; 10 are held" in run("prune")
    assert last_body(home).get("act") == "audit.pruned"
    told = run("verify", "--against", home / "head.json")
    assert "of these 20 have lost their text" in told
    run("export", "--out", home / "log.jsonl")
    known = ["--head", str(home / "head.json")]
    assert offline.main(["log", str(home / "log.jsonl"), *known]) == 3
    proof = json.loads(run("prove", 2))
    assert proof["body"] is None
    (home / "proof.json").write_text(json.dumps(proof))
    assert offline.main(["proof", str(home / "proof.json"), *known]) == 3
    assert "pruned" in run("tail", "-n", 40)
    run("hold", "lift", "case-17", "--reason", "closed")
    assert refused(run, "hold", "lift", "case-17", "--reason", "closed") == "NOT_FOUND"
    assert "10 entries between 1 and 28 have lost their text; 0 are held" in run("prune")
    assert "no entry is old enough" in run("prune")
    assert b"op-17" not in (home / "hub-state" / "state.sqlite").read_bytes()


def test_the_retention_is_a_floor(run: Run) -> None:
    assert refused(run, "prune", "--before", "2999-01-01") == "CONFIG_INVALID"
