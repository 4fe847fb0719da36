"""Appending rows to the log and to its tree in one transaction, whatever the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from hub.store.tiles import WIDTH, Edge, Place, edge_of, edge_places, grown, split_tile

Algorithm = Literal["sha256", "sm3"]
PRUNED = ""
"""The body of a row whose text was taken away; its hashes stay."""
_GROWN = 5_000
"""Rows that a tree takes up in one transaction."""


class LedgerError(Exception):
    """The rows could not be appended or read; the next attempt opens the store anew."""


class Behind(Exception):
    """The tree does not reach the last row: `Appender.grow` takes up what it lacks."""


class Link(Protocol):
    """What hashes new rows into the chain and into the tree of its algorithm."""

    algorithm: Algorithm

    def __call__(self, before: bytes | None, bodies: Sequence[str], /) -> Sequence[bytes]:
        """(hash of the last row or ``None``, new bodies) -> their hashes."""
        ...

    def leaf(self, body: str, /) -> bytes: ...

    def node(self, left: bytes, right: bytes, /) -> bytes: ...


class Writing(Protocol):
    """One transaction on the log; no other one appends meanwhile."""

    def last(self) -> tuple[int, bytes | None]:
        """Number and hash of the last row; 0 where there is none."""
        ...

    def tiles(self, algorithm: Algorithm, places: Sequence[Place]) -> Mapping[Place, bytes]: ...

    def last_leaves(self, algorithm: Algorithm) -> tuple[int, bytes] | None:
        """The last tile of leaves: index and hashes."""
        ...

    def bodies(self, after: int, most: int) -> Sequence[str]: ...

    def add(self, first: int, hashes: Sequence[bytes], bodies: Sequence[str]) -> None: ...

    def put(self, algorithm: Algorithm, tiles: Mapping[Place, bytes]) -> None: ...


class Appender:
    """Appends for one process, which keeps the tree's edge while nobody else appends."""

    def __init__(self) -> None:
        self._kept: tuple[Algorithm, Edge] | None = None
        self._reached = 0

    def append(self, to: Writing, bodies: Sequence[str], link: Link) -> int:
        """The first one's number. Raises: `Behind`, `LedgerError`."""
        seq, before = to.last()
        if seq < self._reached:
            # nothing is appended to a sequence whose end this process knows to be missing
            raise LedgerError("Cut")
        edge = self._edge(to, link.algorithm, seq)
        to.add(seq + 1, link(before, bodies), bodies)
        self._lengthen(to, edge, bodies, link)
        self._reached = seq + len(bodies)
        return seq + 1

    def grow(self, to: Writing, link: Link) -> bool:
        """Take up rows that the tree lacks, some of them; whether any were."""
        size = tree_size(to.last_leaves(link.algorithm))
        bodies = to.bodies(size, _GROWN)
        if not bodies:
            if to.last()[0] < size:
                raise LedgerError("Cut")
            return False
        if PRUNED in bodies:
            raise LedgerError("Pruned")
        edge = _stored_edge(to, link.algorithm, size)
        if edge is None:
            raise LedgerError("Damaged")
        self._lengthen(to, edge, bodies, link)
        return True

    def forget(self) -> None:
        """The transaction came to nothing."""
        self._kept = None

    def _edge(self, to: Writing, algorithm: Algorithm, size: int) -> Edge:
        if self._kept is not None:
            kept, edge = self._kept
            if kept == algorithm and edge.size == size:
                return edge
        stored = _stored_edge(to, algorithm, size)
        if stored is not None:
            return stored
        if (reached := tree_size(to.last_leaves(algorithm))) < size:
            raise Behind
        # fails closed: the tree tells of rows that are gone, or is another's
        raise LedgerError("Cut" if reached > size else "Damaged")

    def _lengthen(self, to: Writing, edge: Edge, bodies: Sequence[str], link: Link) -> None:
        edge, tiles = grown(edge, [link.leaf(body) for body in bodies], link.node)
        to.put(link.algorithm, tiles)
        self._kept = (link.algorithm, edge)


def _stored_edge(to: Writing, algorithm: Algorithm, size: int) -> Edge | None:
    if size:
        return edge_of(size, to.tiles(algorithm, edge_places(size)))
    return None if to.last_leaves(algorithm) else Edge(0)


def tree_size(last: tuple[int, bytes] | None) -> int:
    """How many leaves there are by the last tile of them."""
    return 0 if last is None else last[0] * WIDTH + len(split_tile(last[1]))
