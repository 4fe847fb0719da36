"""One worker signs heads, and leaves them at anchors; what is wrong is not signed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub.audit.entry import Act, encoder
from hub.audit.heads import HeadWatch
from hub.audit.link import link
from hub.audit.opening import log_of
from hub.audit.retention import prune
from hub.audit.signing import audit_key, plain_head
from hub.audit.verify import verify
from hub.settings import Settings
from hub.settings.declared import Anchor, Audit, Instance, State
from hub.store.engine import migrate, open_engine
from hub.store.heads import heads_from
from hub.store.ledger import open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import engine_at, entry
from tests.postgres import postgres_url  # noqa: F401


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    held = engine_at(tmp_path / "state.sqlite")
    yield held
    held.dispose()


def add(engine: Engine, count: int) -> None:
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(entry(number)).decode() for number in range(count)], link)


def settings(home: Path, *anchors: Anchor) -> Settings:
    return Settings(state=State(directory=str(home)), audit=Audit(anchors=anchors, sign_s=60))


def test_a_head_is_signed_when_the_log_has_grown(tmp_path: Path, engine: Engine) -> None:
    watch = HeadWatch(settings(tmp_path), engine, Clock())
    assert watch.look() is None
    add(engine, 5)
    head = watch.look()
    assert head is not None
    assert (head.size, head.ts) == (5, 1_800_000_000)
    assert watch.look() is None
    add(engine, 1)
    assert watch.look() is not None
    assert [one.size for one in heads_from(engine, "sha256")] == [5, 6]


def test_one_worker_signs_until_it_is_gone(tmp_path: Path, engine: Engine) -> None:
    clock = Clock()
    first, second = (HeadWatch(settings(tmp_path), engine, clock) for _ in range(2))
    add(engine, 1)
    assert first.look() is not None
    add(engine, 1)
    assert second.look() is None
    clock.now += 181
    assert second.look() is not None


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    got: list[bytes] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204 if self.path == "/heads" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_heads_are_left_outside(
    tmp_path: Path, engine: Engine, receiver: tuple[str, list[bytes]]
) -> None:
    url, got = receiver
    outside = tmp_path / "outside"
    outside.mkdir()
    anchors = (
        Anchor(directory=str(tmp_path / "away")),  # what fails holds up nobody
        Anchor(url=f"{url}/broken"),
        Anchor(directory=str(outside)),
        Anchor(url=f"{url}/heads"),
    )
    watch = HeadWatch(settings(tmp_path, *anchors), engine, Clock())
    for _ in range(2):
        add(engine, 2)
        assert watch.look() is not None
    assert not (tmp_path / "away").exists()
    lines = (outside / "heads.jsonl").read_text().splitlines()
    assert [json.loads(line)["size"] for line in lines] == [2, 4]
    assert [json.loads(body)["size"] for body in got] == [2, 2, 4, 4]


def test_a_log_without_its_signed_head_is_neither_signed_nor_opened(
    tmp_path: Path, engine: Engine
) -> None:
    watch = HeadWatch(settings(tmp_path), engine, Clock())
    add(engine, 20)
    watch.look()
    with engine.begin() as connection:  # with its tree: only the head tells
        connection.execute(sa.text("DELETE FROM audit_entries"))
        connection.execute(sa.text("DELETE FROM audit_tiles"))
    with closing(open_ledger(engine)) as ledger:
        ledger.append([encoder.encode(entry(n, user="li")).decode() for n in range(30)], link)
    assert watch.look() is None
    with pytest.raises(HubError) as refused:
        log_of(settings(tmp_path), engine)
    assert refused.value.code == "AUDIT_BROKEN"


def test_a_forged_head_is_no_head(tmp_path: Path, engine: Engine) -> None:
    watch = HeadWatch(settings(tmp_path), engine, Clock())
    add(engine, 20)
    watch.look()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_heads SET ts = ts - 86400"))
    with pytest.raises(HubError) as refused:
        log_of(settings(tmp_path), engine)
    assert refused.value.code == "AUDIT_BROKEN"


@pytest.mark.parametrize("text", ["", "no key"])
def test_a_damaged_key_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.key").write_text(text)
    with pytest.raises(HubError) as refused:
        audit_key(tmp_path)
    assert refused.value.code == "CONFIG_INVALID"


def test_a_pruned_log_keeps_its_crypto_profile(tmp_path: Path, engine: Engine) -> None:
    other = Settings(state=State(directory=str(tmp_path)), instance=Instance(crypto_profile="sm"))
    add(engine, 40)
    log_of(other, engine)
    assert HeadWatch(settings(tmp_path), engine, Clock()).look() is not None
    add(engine, 1)
    with closing(open_ledger(engine)) as ledger:
        prune(engine, ledger, link, before=3e9, act=Act(ts=2e9, act="audit.pruned", by="li"))
    log_of(other, engine)  # its tree has what was pruned
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit_tiles WHERE algorithm = 'sm3'"))
    with pytest.raises(HubError) as refused:
        log_of(other, engine)
    assert refused.value.code == "CONFIG_INVALID"
    log_of(settings(tmp_path), engine)


def test_heads_and_pruning_in_postgresql(tmp_path: Path, postgres_url: str) -> None:  # noqa: F811
    engine = open_engine(postgres_url)
    migrate(engine)
    add(engine, 40)
    assert HeadWatch(settings(tmp_path), engine, Clock()).look() is not None
    with closing(open_ledger(engine)) as ledger:
        act = Act(ts=2e9, act="audit.pruned", by="li")
        done = prune(engine, ledger, link, before=1_800_000_010.0, act=act)
        assert done is not None
        assert (done.first, done.last, done.count) == (1, 10, 10)
        heads = [plain_head(one) for one in heads_from(engine, "sha256")]
        report = verify(ledger, signed=heads)
        assert (report.ok, report.entries, report.pruned) == (True, 41, 10)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE audit_entries SET body = '' WHERE seq = 30"))
        report = verify(ledger, signed=heads)
        assert (report.kind, report.seq) == ("removed", 30)
    engine.dispose()
