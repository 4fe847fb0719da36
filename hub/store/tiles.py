"""Hashes of complete subtrees, sixteen to a row, so that trees of any size grow and prove quickly.

Tile `index` of level `n` holds the roots of up to sixteen subtrees of 16^n leaves each, those at
16 * index and after. The last tile of each level is the tree's edge: with it alone it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

WIDTH = 16
HASH_BYTES = 32

Node = Callable[[bytes, bytes], bytes]
"""(left, right) -> the node over both."""
Place = tuple[int, int]
"""Level and index of a tile."""


class Edge(msgspec.Struct, frozen=True):
    """The end of a tree of `size` leaves: by level, the hashes of the tile that is not full yet."""

    size: int
    tiles: tuple[tuple[bytes, ...], ...] = ()


def grown(edge: Edge, leaves: Sequence[bytes], node: Node) -> tuple[Edge, Mapping[Place, bytes]]:
    """The edge with leaves more, and the tiles that are new or other than they were."""
    tiles = [list(tile) for tile in edge.tiles]
    changed: dict[Place, list[bytes]] = {}
    for number, leaf in enumerate(leaves, edge.size):
        level, place, held = 0, number, leaf
        while True:
            if level == len(tiles):
                tiles.append([])
            tile = tiles[level]
            tile.append(held)
            place //= WIDTH
            changed[level, place] = tile
            if len(tile) < WIDTH:
                break
            held = over(tile, node)
            tiles[level] = []
            level += 1
    new = Edge(edge.size + len(leaves), tuple(tuple(tile) for tile in tiles))
    return new, {place: b"".join(tile) for place, tile in changed.items()}


def over(hashes: Sequence[bytes], node: Node) -> bytes:
    """The root over a power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def edge_places(size: int) -> list[Place]:
    """Where the edge of a tree stands, by level."""
    places: list[Place] = []
    while size:
        size //= WIDTH
        places.append((len(places), size))
    return places


def edge_of(size: int, held: Mapping[Place, bytes]) -> Edge | None:
    """The edge of a tree from its tiles; ``None`` where they are another tree's or damaged."""
    tiles = []
    for level, index in edge_places(size):
        hashes = split_tile(held.get((level, index), b""))
        if len(hashes) != size // WIDTH**level % WIDTH:
            return None
        tiles.append(hashes)
    return Edge(size, tuple(tiles))


def split_tile(tile: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile."""
    return tuple(tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES))
