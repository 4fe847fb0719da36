"""`python -m bench.audit [ENTRIES] [FILE]`: the audit log's rates, and what a large one takes.

With a FILE that is there already, nothing is appended but to measure the rate again.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import msgspec
from sqlalchemy.engine import Engine

from hub.audit import offline
from hub.audit.choose import Chosen
from hub.audit.entry import Entry, encoder
from hub.audit.link import link
from hub.audit.proofs import AuditTree
from hub.audit.search import grow_index, search
from hub.store.engine import migrate, open_engine
from hub.store.ledger import Ledger, open_ledger

GROUP = 500
FIELDS = [[f"Person.field{n}", "project", "allow", ["persons-of-the-region"]] for n in range(8)]
TIMES = 200


def body(number: int, random: Random) -> str:
    """An entry of about a kilobyte."""
    entry = Entry(
        ts=1_800_000_000.0 + number / 100,
        operation_id=f"{random.getrandbits(48):x}-{number:x}",
        subject=f"app:app-{number % 40}|user:u{random.randrange(5_000)}",
        app=f"app-{number % 40}",
        user=f"u{random.randrange(5_000)}",
        department=f"department-{number % 12}",
        purpose="benefit.eligibility",
        case_id=f"case-{number // 3}",
        trace=f"{random.getrandbits(128):032x}",
        epoch=3,
        catalogue="c" * 64,
        operation=f"{number % 300:064x}",
        operation_name="Persons",
        door="graphql",
        outcome="refused" if number % 50 == 0 else "ok",
        code="NO_GRANT" if number % 50 == 0 else None,
        fields=msgspec.Raw(msgspec.json.encode(FIELDS)),
        rows={"Person": number % 50},
        sources=[["civil", 1, number % 50, True]],
    )
    return encoder.encode(entry).decode()


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def fill(ledger: Ledger, entries: int) -> None:
    last = ledger.last()
    random = Random(0)
    for first in range(0 if last is None else last.seq, entries, GROUP):
        ledger.append([body(first + n, random) for n in range(GROUP)], link)


def append_rate(ledger: Ledger) -> None:
    random = Random(1)
    for group in (1, 20, 200):
        bodies = [[body(n, random) for n in range(group)] for _ in range(100)]
        started = time.perf_counter()
        cpu = time.process_time()
        for one in bodies:
            ledger.append(one, link)
        took, busy = time.perf_counter() - started, time.process_time() - cpu
        each = f"{busy / group * 1e4:.1f} µs of CPU each"
        print(f"append in groups of {group}: {100 * group / took:,.0f} entries/s, {each}")


def measure(engine: Engine, ledger: Ledger) -> None:
    tree, random = AuditTree(ledger, link), Random(2)
    size = tree.size()
    append_rate(ledger)
    proofs = [timed(lambda: tree.inclusion(random.randint(1, size), size)) for _ in range(TIMES)]
    print(f"inclusion proof: {statistics.median(proofs):.2f} ms, of {size:,} entries")
    steps = [timed(lambda: tree.consistency(random.randint(1, size), size)) for _ in range(TIMES)]
    print(f"consistency proof: {statistics.median(steps):.2f} ms")
    one = tree.inclusion(size // 2, size)
    root, hashed = tree.root(size), link.hashed
    path, leaf = [bytes.fromhex(each) for each in one.path], bytes.fromhex(one.leaf)
    check = timed(lambda: offline.included(hashed, leaf, one.seq - 1, size, path, root))
    print(f"checking an inclusion proof: {check:.3f} ms, {len(path)} hashes")
    print(f"root: {timed(lambda: tree.root(size)):.2f} ms")
    took = timed(lambda: grow_index(engine, ledger))
    print(f"index for searching, first time: {took / 1_000:.1f} s")
    for name, chosen in {
        "one case": Chosen(case_id=f"case-{size // 7}"),
        "application and code": Chosen(app="app-0", code="NO_GRANT"),
        "a user": Chosen(subject="app:app-7|user:u4711"),
        "nobody": Chosen(app="none"),
        "field, purpose, department": Chosen(
            coordinate="Person.field3", purpose="benefit.eligibility", department="department-3"
        ),
    }.items():
        found = len(search(engine, ledger, chosen).found)
        waits = [timed(partial(search, engine, ledger, chosen)) for _ in range(5)]
        print(f"search, {name}: {statistics.median(waits):.1f} ms, {found} found")


def main() -> None:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "state.sqlite"
        engine = open_engine(f"sqlite:///{file.resolve()}")
        migrate(engine)
        with closing(open_ledger(engine)) as ledger:
            took = timed(lambda: fill(ledger, entries))
            print(f"filled to {entries:,} entries in {took / 1_000:.0f} s")
            measure(engine, ledger)
        engine.dispose()


if __name__ == "__main__":
    main()
