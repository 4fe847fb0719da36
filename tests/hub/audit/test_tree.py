"""The tree over all entries: known vectors, an independent implementation, stored tiles."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from hub.audit.entry import encoder
from hub.audit.link import link, linked
from hub.audit.offline import Peaks, consistent, hasher, included, node_hash
from hub.audit.opening import log_of
from hub.audit.tree import Subtree, consistency, inclusion, root_of, subtrees
from hub.settings import Settings
from hub.settings.declared import State
from hub.store.appending import LedgerError
from hub.store.ledger import Ledger, open_ledger
from hub.store.tiles import Edge, Place, edge_of, edge_places, grown
from schema.errors import HubError
from tests.hub.audit.chains import engine_at, entry

SHA256 = hasher("sha256")
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Of the reference implementation of Certificate Transparency, by number of leaves."""


def hashed(leaves: Sequence[bytes]) -> list[bytes]:
    return [SHA256(b"\0" + leaf) for leaf in leaves]


def tree(leaves: Sequence[bytes], steps: Sequence[int] = ()) -> Subtree:
    """Leaves in memory, added in groups."""
    edge, tiles = Edge(0), dict[Place, bytes]()
    bounds = [0, *sorted(steps), len(leaves)]
    for first, last in pairwise(bounds):
        edge, changed = grown(edge, leaves[first:last], link.node)
        tiles.update(changed)
        known = {place: tiles[place] for place in edge_places(edge.size) if place in tiles}
        assert edge_of(edge.size, known) == edge
    return subtrees(lambda level, index: tiles.get((level, index), b""), SHA256)


def test_roots_are_those_of_the_reference() -> None:
    held = tree(hashed(LEAVES))
    assert [root_of(size, held, SHA256).hex() for size in range(1, 9)] == list(ROOTS)
    assert root_of(0, held, SHA256) == SHA256(b"")


def test_paths_are_those_of_the_reference() -> None:
    held = tree(hashed(LEAVES))
    assert [one.hex() for one in inclusion(0, 8, held, SHA256)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [one.hex() for one in consistency(1, 8, held, SHA256)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert consistency(8, 8, held, SHA256) == []


@settings(deadline=None)
@given(st.integers(1, 600), st.data())
def test_an_independent_implementation_agrees(size: int, data: st.DataObject) -> None:
    other = InmemoryTree(algorithm="sha256")
    for number in range(size):
        other.append_entry(str(number).encode())
    leaves = hashed([str(number).encode() for number in range(size)])
    held = tree(leaves, data.draw(st.lists(st.integers(0, size), max_size=5)))
    old = data.draw(st.integers(1, size))
    assert root_of(size, held, SHA256) == other.get_root()
    assert root_of(old, held, SHA256) == other.get_root(old)
    peaks = Peaks(SHA256)
    for leaf in leaves:
        peaks.add(leaf)
    assert peaks.root() == other.get_root()


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_proofs_hold_and_no_others_do(size: int, data: st.DataObject) -> None:
    leaves = hashed([str(number).encode() for number in range(size)])
    held, index = tree(leaves), data.draw(st.integers(0, size - 1))
    root, path = root_of(size, held, SHA256), inclusion(index, size, held, SHA256)
    assert included(SHA256, leaves[index], index, size, path, root)
    other = data.draw(st.integers(0, size).filter(lambda one: one != index))
    assert not included(SHA256, leaves[index], other, size, path, root)
    assert not included(SHA256, bytes(32), index, size, path, root)
    assert not included(SHA256, leaves[index], index, size, [*path, bytes(32)], root)
    assert not included(SHA256, leaves[index], index, size, path[:-1], root) or not path
    old = data.draw(st.integers(0, size))
    older, steps = root_of(old, held, SHA256), consistency(old, size, held, SHA256)
    assert consistent(SHA256, (old, older), (size, root), steps)
    assert not consistent(SHA256, (old, bytes(32)), (size, root), steps)
    assert not consistent(SHA256, (old, older), (size, root), [*steps, bytes(32)])
    if steps:
        assert not consistent(SHA256, (old, older), (size, bytes(32)), steps)
        assert not consistent(SHA256, (old, older), (size, root), steps[:-1])
        changed = [node_hash(SHA256, steps[0], steps[0]), *steps[1:]]
        assert not consistent(SHA256, (old, older), (size, root), changed)


def bodies(first: int, count: int) -> list[str]:
    return [encoder.encode(entry(number)).decode() for number in range(first, first + count)]


def stored_root(ledger: Ledger, size: int) -> bytes:
    held = subtrees(lambda level, index: ledger.tile("sha256", level, index), SHA256)
    return root_of(size, held, SHA256)


def test_entries_and_tree_are_written_together(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    with closing(open_ledger(engine)) as one, closing(open_ledger(engine)) as other:
        for number in range(40):  # by turns, as two workers
            (one if number % 3 else other).append(bodies(10 * number, 10), link)
        peaks = Peaks(SHA256)
        for row in one.rows():
            peaks.add(link.leaf(row.body))
        assert stored_root(one, 400) == peaks.root()


def test_a_log_without_a_tree_gets_one(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    with closing(open_ledger(engine_at(file))) as ledger:
        ledger.append(bodies(0, 333), link)
        wanted = stored_root(ledger, 333)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM audit_tiles")
    with closing(open_ledger(engine_at(file))) as ledger:
        assert ledger.append(bodies(333, 1), link) == 334
        assert stored_root(ledger, 333) == wanted
        while ledger.grow(linked("sm3")):
            pass
        assert not ledger.grow(linked("sm3"))
        assert len(ledger.tile("sm3", 0, 333 // 16)) == 32 * (334 % 16)


@pytest.mark.parametrize(
    ("cut", "kind"),
    [
        ("DELETE FROM audit_entries WHERE seq > 30", "Cut"),
        ("DELETE FROM audit_entries WHERE seq > 32", "Cut"),
        ("DELETE FROM audit_entries", "Cut"),
        ("DELETE FROM audit_tiles WHERE level = 1", "Damaged"),
    ],
)
def test_nothing_is_added_to_a_log_that_its_tree_does_not_fit(
    tmp_path: Path, cut: str, kind: str
) -> None:
    file = tmp_path / "state.sqlite"
    with closing(open_ledger(engine_at(file))) as ledger:
        ledger.append(bodies(0, 40), link)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(cut)
    with (
        closing(open_ledger(engine_at(file))) as ledger,
        pytest.raises(LedgerError, match=kind),
    ):
        ledger.append(bodies(40, 1), link)


@pytest.mark.asyncio
async def test_a_hub_does_not_open_a_log_that_was_cut(tmp_path: Path) -> None:
    settings = Settings(state=State(directory=str(tmp_path)))
    engine = engine_at(tmp_path / "state.sqlite")
    with closing(open_ledger(engine)) as ledger:
        ledger.append(bodies(0, 40), link)
    log = log_of(settings, engine)
    await log.open()
    await log.close()
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as connection, connection:
        connection.execute("DELETE FROM audit_entries WHERE seq > 30")
    with pytest.raises(HubError) as refused:
        log_of(settings, engine)
    assert refused.value.code == "AUDIT_BROKEN"
