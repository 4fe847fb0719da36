"""`hub audit search`, `subject` and `reconcile` as an auditor meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.audit.entry import encoder
from hub.audit.link import link
from hub.audit.persons import MANY, MOST, person_hashes
from hub.cli.audit import audit
from hub.store.ledger import open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import engine_at, entry

Run = Callable[..., str]
DAY = "2027-01-15"
KEY = "330102199001011234"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    state = tmp_path / "hub-state"
    state.mkdir()
    engine = engine_at(state / "state.sqlite")
    hashes = person_hashes(state)
    seen = {3: [[KEY]], 7: [["1"], [KEY]], 9: [["2"]]}
    entries = [
        entry(number, app="tax" if number % 2 else "benefits",
              persons=hashes.listed(seen.get(number, ()), more=number == 11))
        for number in range(20)
    ]  # fmt: skip
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(one).decode() for one in entries], link)
    (tmp_path / "hub.yaml").write_text("audit: {persons: true}")
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:
    def words(*given: object, key: str | None = None) -> str:
        told = [*(str(word) for word in given), "--config", str(home / "hub.yaml")]
        return CliRunner().invoke(audit, told, input=key, catch_exceptions=False).stdout

    return words


def last_act(run: Run) -> dict[str, object]:
    entry: dict[str, object] = json.loads(run("tail", "-n", 1, "--json"))["entry"]
    return entry


def test_search(run: Run) -> None:
    found = [
        json.loads(line)["seq"] for line in run("search", "--app", "tax", "--json").split("\n")[:-1]
    ]
    assert found == list(range(20, 0, -2))
    act = last_act(run)
    assert (act.get("act"), act.get("details")) == ("audit.searched", {"app": "tax"})
    assert run("search", "--app", "tax", "-n", 2).splitlines()[0].startswith("20  2027-01-15")
    assert run("search", "--app", "tax", "-n", 2, "--before", 5).split()[0] == "4"


def test_who_saw_the_data_of_a_person(home: Path, run: Run) -> None:
    run("sign")
    told = [json.loads(line) for line in run("subject", key=f"{KEY}\n").splitlines()]
    assert [(one["seq"], one["certain"]) for one in told] == [(12, False), (8, True), (4, True)]
    assert told[1]["entry"]["purpose"] == "benefit.eligibility"
    assert (told[1]["proof"]["seq"], told[1]["proof"]["size"]) == (8, 20)
    act = last_act(run)
    assert act["act"] == "audit.subject"
    assert KEY.encode() not in (home / "hub-state" / "state.sqlite").read_bytes()
    assert [json.loads(line)["seq"] for line in run("subject", key="3\n").splitlines()] == [12]
    with pytest.raises(HubError):
        run("subject", key="a\nb\n")
    with pytest.raises(HubError):
        run("subject", "--parts", 2, key="a\n")


def test_persons_must_be_listed_to_be_found(home: Path, run: Run) -> None:
    (home / "hub.yaml").write_text("")
    with pytest.raises(HubError) as refused:
        run("subject", key=KEY)
    assert refused.value.code == "CONFIG_INVALID"


def test_the_list_of_persons_is_bounded(tmp_path: Path) -> None:
    hashes = person_hashes(tmp_path)
    listed = hashes.listed(([n] for n in range(MOST)), more=False)
    assert len(set(listed)) == MOST
    assert MANY not in listed
    listed = hashes.listed(([n] for n in range(MOST + 1)), more=False)
    assert (len(listed), listed[-1]) == (MOST + 1, MANY)
    assert hashes.of(["é"]) == hashes.of(["e\u0301"])
    assert hashes.of([1, 2]) != hashes.of([12])
    (tmp_path / "other").mkdir()
    assert person_hashes(tmp_path / "other").of([1]) != hashes.of([1])


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (f"civil,{DAY},20,190\n", "1 counts of sources agree with the log"),
        (f"civil,{DAY},21,190\n", f"{DAY}  civil  source: 21 calls, 190 rows  log: 20 calls"),
        (f"police,{DAY},1,1\n", f"{DAY}  police  source: 1 calls, 1 rows  log: nothing"),
    ],
)
def test_reconciling(home: Path, run: Run, counts: str, said: str) -> None:
    (home / "counts.csv").write_text(f"source,day,calls,rows\n{counts}")
    words = ["reconcile", "--counts", str(home / "counts.csv"), "--config", str(home / "hub.yaml")]
    done = CliRunner().invoke(audit, words)
    assert said in done.stdout
    if "agree" not in said:
        assert isinstance(done.exception, HubError)
        assert done.exception.code == "AUDIT_BROKEN"


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "source,day,calls,rows\nx,yesterday,1,1\n"])
def test_counts_that_cannot_be_read(home: Path, run: Run, text: str) -> None:
    (home / "counts.csv").write_text(text)
    with pytest.raises(HubError) as refused:
        run("reconcile", "--counts", home / "counts.csv")
    assert refused.value.code == "CONFIG_INVALID"
