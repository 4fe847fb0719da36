"""What an auditor finds without the hub: each kind of tampering, named, and nothing that is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import OKPKey
from joserfc.jws import deserialize_compact

from hub.audit import offline
from hub.audit.entry import encoder
from hub.audit.export import jsonl, picked
from hub.audit.link import Linked, linked
from hub.audit.proofs import AuditTree
from hub.audit.signing import audit_key, plain_head, sign_head
from hub.store.ledger import open_ledger
from tests.hub.audit.chains import engine_at, entry

Lines = list[dict[str, Any]]
COUNT = 40


class Kit:
    """A log of forty entries as an auditor has it: export, heads, key, verifier in one folder."""

    def __init__(self, home: Path, link: Linked) -> None:
        self.home = home
        self.link = link
        engine = engine_at(home / "state.sqlite")
        key = audit_key(home)
        with closing(open_ledger(engine)) as ledger:
            heads = []
            for step in range(2):
                bodies = [encoder.encode(entry(step * 20 + n)).decode() for n in range(20)]
                ledger.append(bodies, link)
                heads.append(sign_head(engine, AuditTree(ledger, link), key, 1_800_000_000.5))
            self.heads = [head for head in heads if head is not None]
            self.lines: Lines = [json.loads(jsonl(one)) for one in picked(ledger, link)]
            tree = AuditTree(ledger, link)
            self.inclusion = msgspec.to_builtins(tree.inclusion(7, COUNT))
            self.consistency = msgspec.to_builtins(tree.consistency(20, COUNT))
        self.key = dict(key.public)
        engine.dispose()
        shutil.copy(offline.__file__, home / "verifier.py")
        self.write("head.json", [msgspec.to_builtins(self.heads[1])])
        self.write("first.json", [msgspec.to_builtins(self.heads[0])])
        self.write("key.json", [self.key])

    def write(self, name: str, lines: Sequence[object]) -> str:
        file = self.home / name
        file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        return str(file)

    def run(self, *words: str, isolated: bool = False) -> tuple[int, str]:
        """Python with nothing but its own library, or with `cryptography` beside."""
        flags = ["-I", "-S"] if isolated else ["-I"]
        command = [sys.executable, *flags, str(self.home / "verifier.py"), *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.home)
        assert not done.stderr
        return done.returncode, done.stdout

    def check(self, lines: Lines, *heads: str) -> tuple[int, str]:
        given = [word for head in heads or ("head.json",) for word in ("--head", head)]
        return self.run("log", self.write("log.jsonl", lines), *given, "--key", "key.json")


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path, linked("sha256"))


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_a_log_that_is_whole(tmp_path: Path, algorithm: Any) -> None:
    kit = Kit(tmp_path, linked(algorithm))
    assert kit.heads[0].hash_alg == algorithm
    assert kit.check(kit.lines) == (0, "40 entries hold, 0 of them pruned\nit holds\n")
    assert kit.check(kit.lines, "head.json", "first.json")[0] == 0


def test_without_cryptography_signatures_are_said_to_be_unchecked(kit: Kit) -> None:
    log = kit.write("log.jsonl", kit.lines)
    words = ("log", log, "--head", "head.json", "--key", "key.json")
    status, said = kit.run(*words, isolated=True)
    assert status == 3
    assert "NOT CHECKED: `cryptography` is not installed" in said
    assert kit.run("log", log, "--head", "head.json")[0] == 3


def edited(lines: Lines) -> None:
    lines[11]["body"] = lines[11]["body"].replace("zhang", "li")


def removed(lines: Lines) -> None:
    del lines[11]


def reordered(lines: Lines) -> None:
    lines[11], lines[12] = lines[12], lines[11]


def cut(lines: Lines) -> None:
    del lines[-3:]


def twice(lines: Lines) -> None:
    lines.insert(12, lines[11])


def numbered(lines: Lines) -> None:
    for seq, line in enumerate(lines, 1):
        line["seq"] = seq


def removed_and_closed_up(lines: Lines) -> None:
    removed(lines)
    numbered(lines)


def reordered_and_numbered(lines: Lines) -> None:
    reordered(lines)
    numbered(lines)


def the_first_one_moved(lines: Lines) -> None:
    lines.insert(5, lines.pop(0))
    numbered(lines)


def edited_with_its_leaf(lines: Lines) -> None:
    edited(lines)
    hashed = offline.hasher("sha256")
    lines[11]["leaf"] = offline.leaf_hash(hashed, lines[11]["body"]).hex()


def rewritten(lines: Lines) -> None:
    """Every hash from there on is made anew."""
    edited_with_its_leaf(lines)
    before, hashed = bytes.fromhex(lines[10]["chain"]), offline.hasher("sha256")
    for line in lines[11:]:
        before = offline.chain_hash(before, line["body"], sm3=False, hashed=hashed)
        line["chain"] = before.hex()


def emptied(lines: Lines) -> None:
    lines[11]["body"] = None


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (edited, "EDITED: entry 12 was edited"),
        (removed, "REMOVED: entries 12 to 12 are removed"),
        (reordered, "REORDERED: entry 13 stands before entry 12"),
        (cut, "CUT: entries 38 to 40 are cut from the end"),
        (twice, "INSERTED: an entry 12 stands where entry 13 belongs"),
        (removed_and_closed_up, "REMOVED: entries before what now is 12 are removed"),
        (reordered_and_numbered, "REORDERED: entry 12 is not in its place"),
        (the_first_one_moved, "REORDERED: entry 1 is not in its place"),
        (edited_with_its_leaf, "EDITED: entry 12 does not follow the one before it"),
        (rewritten, "REWRITTEN: some of entries 1 to 40 are others than the head was made of"),
        (emptied, "REMOVED: the text of entry 12 is gone without an act"),
    ],
)
def test_tampering_is_named(kit: Kit, tamper: Callable[[Lines], None], said: str) -> None:
    tamper(kit.lines)
    status, told = kit.check(kit.lines)
    assert status == 1
    assert said in told


def test_more_heads_tell_more_closely_where(kit: Kit) -> None:
    rewritten(kit.lines[20:])
    before = bytes.fromhex(kit.lines[19]["chain"])
    kit.lines[30]["body"] = kit.lines[30]["body"].replace("zhang", "li")
    for line in kit.lines[20:]:
        line["leaf"] = offline.leaf_hash(offline.hasher("sha256"), line["body"]).hex()
        hashed = offline.hasher("sha256")
        before = offline.chain_hash(before, line["body"], sm3=False, hashed=hashed)
        line["chain"] = before.hex()
    assert "some of entries 21 to 40" in kit.check(kit.lines, "head.json", "first.json")[1]


def test_a_fork_is_named(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "audit.key", tmp_path / "other" / "audit.key")
    engine = engine_at(tmp_path / "other" / "state.sqlite")
    link = linked("sha256")
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(entry(n, user="li")).decode() for n in range(COUNT)], link)
        tree, key = AuditTree(ledger, link), audit_key(tmp_path / "other")
        forked = sign_head(engine, tree, key, 1_800_000_000)
    engine.dispose()
    other = kit.write("other.json", [msgspec.to_builtins(forked)])
    words = ("heads", "--head", "head.json", "--head", other, "--key", "key.json")
    assert kit.run(*words) == (1, "FORK: two heads of size 40 differ in root\n")
    assert kit.check(kit.lines, "head.json", other)[1].endswith(
        "FORK: two heads of size 40 differ in root\n"
    )
    assert kit.run("heads", "--head", "head.json", "--key", "key.json")[0] == 0


@pytest.mark.parametrize("name", ["size", "root", "ts", "hash_alg", "key_id", "signature"])
def test_a_head_that_was_changed_is_forged(kit: Kit, name: str) -> None:
    head = msgspec.to_builtins(kit.heads[1])
    head[name] = head[name] + 1 if isinstance(head[name], int) else "A" + head[name][1:]
    forged = kit.write("forged.json", [head])
    status, told = kit.run("heads", "--head", forged, "--key", "key.json")
    assert (status, told.split(":")[0]) == (1, "FORGED")


def test_a_head_is_a_jws(kit: Kit) -> None:
    head = plain_head(kit.heads[1])
    compact = f"{offline.signing_input(head).decode()}.{head.signature}"
    key = OKPKey.import_key({name: kit.key[name] for name in ("kty", "crv", "x")})
    held = deserialize_compact(compact, key, algorithms=["Ed25519"])
    assert json.loads(held.payload)["root"] == head.root
    assert held.headers()["kid"] == key.thumbprint() == head.key_id


def test_proofs_hold_for_the_head_that_they_were_made_for(kit: Kit) -> None:
    def check(proof: dict[str, Any], *heads: str) -> tuple[int, str]:
        given = [word for head in heads for word in ("--head", head)]
        return kit.run("proof", kit.write("p.json", [proof]), *given, "--key", "key.json")

    assert check(kit.inclusion, "head.json")[0] == 0
    assert check(kit.consistency, "head.json", "first.json")[0] == 0
    assert check(kit.inclusion, "first.json")[1].startswith("UNPROVEN: there is no head")
    other = {**kit.inclusion, "seq": 8}
    assert check(other, "head.json")[1] == "UNPROVEN: entry 8 is not in the log of the head\n"
    changed = {**kit.inclusion, "body": kit.inclusion["body"].replace("zhang", "li")}
    assert check(changed, "head.json")[1].startswith("EDITED: entry 7")
    short = {**kit.consistency, "path": kit.consistency["path"][1:]}
    assert check(short, "head.json", "first.json")[1].startswith("REWRITTEN")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seq": 1}', "null"])
def test_what_is_no_export_is_told(kit: Kit, text: str) -> None:
    (kit.home / "log.jsonl").write_text(f"{text}\n")
    words = ("log", "log.jsonl", "--head", "head.json", "--key", "key.json")
    assert kit.run(*words)[1].startswith("UNREADABLE")
