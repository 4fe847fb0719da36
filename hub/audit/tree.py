"""The Merkle tree over all entries: roots and proofs, read from complete subtrees (RFC 9162).

What checks them is `hub.audit.offline`, so that auditors run the same code as the hub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hub.audit.offline import Hasher, node_hash, split
from hub.store.tiles import WIDTH, over, split_tile

Subtree = Callable[[int, int], bytes]
"""(level, index) -> the root of the complete subtree of 2^level leaves that is the index-th."""
Tiles = Callable[[int, int], bytes]
"""(level, index) -> a stored tile."""

_BITS = WIDTH.bit_length() - 1


def subtrees(tiles: Tiles, hashed: Hasher) -> Subtree:
    """Roots of complete subtrees, each from one tile; raises ``LookupError`` for a missing one."""

    def subtree(level: int, index: int) -> bytes:
        stored, rest = divmod(level, _BITS)
        tile, first = divmod(index << rest, WIDTH)
        hashes = split_tile(tiles(stored, tile))[first : first + (1 << rest)]
        if len(hashes) != 1 << rest:
            raise LookupError("the tree has no such subtree")
        return over(hashes, lambda left, right: node_hash(hashed, left, right))

    return subtree


def root_of(size: int, subtree: Subtree, hashed: Hasher) -> bytes:
    """The root of the first `size` entries; of none it is the hash of nothing."""
    return _range(0, size, subtree, hashed) if size else hashed(b"")


def inclusion(index: int, size: int, subtree: Subtree, hashed: Hasher) -> list[bytes]:
    """The path from a leaf, counted from 0, to the root of the first `size` (2.1.3.1)."""
    if not 0 <= index < size:
        raise LookupError("the tree has no such leaf")
    path, start = [], 0
    while size > 1:
        left = split(size)
        if index < left:
            path.append(_range(start + left, size - left, subtree, hashed))
            size = left
        else:
            path.append(_range(start, left, subtree, hashed))
            start, index, size = start + left, index - left, size - left
    return path[::-1]


def consistency(old: int, new: int, subtree: Subtree, hashed: Hasher) -> list[bytes]:
    """What shows that the tree of `old` entries begins that of `new` ones (2.1.4.1)."""
    if not 0 <= old <= new:
        raise LookupError("the older tree is the larger one")
    path, start, whole = [], 0, True
    while 0 < old < new:
        left = split(new)
        if old <= left:
            path.append(_range(start + left, new - left, subtree, hashed))
            new = left
        else:
            path.append(_range(start, left, subtree, hashed))
            start, old, new, whole = start + left, old - left, new - left, False
    if not whole:
        path.append(_range(start, new, subtree, hashed))
    return path[::-1]


def _range(start: int, size: int, subtree: Subtree, hashed: Hasher) -> bytes:
    """The root over leaves from `start` on, as a tree of their own."""
    parts = list(_complete(start, size))
    held = subtree(*parts[-1])
    for level, index in reversed(parts[:-1]):
        held = node_hash(hashed, subtree(level, index), held)
    return held


def _complete(start: int, size: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees of a range, from left to right."""
    while size:
        level = size.bit_length() - 1
        yield level, start >> level
        start, size = start + (1 << level), size - (1 << level)
