"""The tree as it is stored: its root at any size, and proofs for whoever holds a head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from hub.audit import offline
from hub.audit.link import Linked
from hub.audit.tree import consistency, inclusion, root_of, subtrees
from hub.store.appending import Algorithm
from hub.store.ledger import BEGINNING, PRUNED, Ledger, LedgerError
from hub.store.tiles import WIDTH, split_tile
from schema.errors import HubError


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="inclusion"):
    """That an entry is in the log of a head. Shape: hashes are hexadecimal."""

    hash_alg: Algorithm
    seq: int
    size: int
    """Of the head."""
    leaf: str
    body: str | None
    """The entry's exact text; ``None`` where it was pruned."""
    path: list[str]


class ConsistencyProof(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="consistency"
):
    """That the log of one head begins with that of an older one."""

    hash_alg: Algorithm
    old: int
    new: int
    path: list[str]


class AuditTree:
    """Reads the tree of one algorithm; as blocking as the ledger it reads from."""

    def __init__(self, ledger: Ledger, link: Linked) -> None:
        self._ledger = ledger
        self._hashed = link.hashed
        self.algorithm = link.algorithm
        self._subtree = subtrees(self._tile, link.hashed)

    def _tile(self, level: int, index: int) -> bytes:
        return self._ledger.tile(self.algorithm, level, index)

    def size(self) -> int:
        """How many entries there are. Raises: `LedgerError`."""
        last = self._ledger.last()
        return 0 if last is None else last.seq

    def root(self, size: int) -> bytes:
        """The root of the first entries. Raises: `LedgerError`, ``LookupError``."""
        return root_of(size, self._subtree, self._hashed)

    def leaf(self, seq: int) -> bytes:
        """The leaf of an entry. Raises: `LedgerError`, ``LookupError``."""
        return self._subtree(0, seq - 1)

    def inclusion(self, seq: int, size: int) -> InclusionProof:
        """Raises: `HubError` NOT_FOUND, AUDIT_UNAVAILABLE."""
        with _told(f"entry {seq} of {size}"):
            path = inclusion(seq - 1, size, self._subtree, self._hashed)
            row = next(iter(self._ledger.rows(seq - 1)), None)
            if row is None or row.seq != seq:
                raise LookupError(seq)
            return InclusionProof(
                hash_alg=self.algorithm,
                seq=seq,
                size=size,
                leaf=self.leaf(seq).hex(),
                body=None if row.body == PRUNED else row.body,
                path=[one.hex() for one in path],
            )

    def consistency(self, old: int, new: int) -> ConsistencyProof:
        """Raises: `HubError` NOT_FOUND, AUDIT_UNAVAILABLE."""
        with _told(f"heads {old} and {new}"):
            path = consistency(old, new, self._subtree, self._hashed)
            return ConsistencyProof(
                hash_alg=self.algorithm, old=old, new=new, path=[one.hex() for one in path]
            )


def lines(
    ledger: Ledger, link: Linked, first: int | None = None, last: int | None = None
) -> Iterator[offline.Line]:
    """Entries as the verifier takes them, in order. Raises: `LedgerError`."""
    leaves: tuple[bytes, ...] = ()
    tile = -1
    for row in ledger.rows(BEGINNING if first is None else first - 1):
        if last is not None and row.seq > last:
            return
        place, at = divmod(row.seq - 1, WIDTH)
        if place != tile:
            leaves, tile = split_tile(ledger.tile(link.algorithm, 0, place)), place
        # a tree that does not reach so far shows against a head, not at an entry
        leaf = leaves[at] if at < len(leaves) else link.leaf(row.body)
        yield offline.Line(row.seq, leaf, row.hash, None if row.body == PRUNED else row.body)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except LookupError as error:
        message = "the audit log has no such entries"
        raise HubError("NOT_FOUND", message, where=where, cause=error) from error
    except LedgerError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error
