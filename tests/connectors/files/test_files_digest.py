"""Digests made by DuckDB are those that the Hub makes of the same values."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from connectors.kit.blind import digest_of, text_of
from connectors.kit.local import apply
from connectors.kit.sample import SALT, digest_column
from connectors.spi import Ask, Call, Column, OrderBy
from tests.connectors.files.source import connector, write_csv

SALTED = "it's {secret}"
KEY = Column("k{e}y", "String")
COUNT, PRICE = Column("count", "Int"), Column("price", "Decimal")
TEXTS = ["a", "", "1:a", unicodedata.normalize("NFD", "é가"), "😀", "\u212b", '"', None]
ROWS = [
    {"k{e}y": text, "count": number, "price": f"{number}.50"} for number, text in enumerate(TEXTS)
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("of", "inside"), [((KEY,), True), ((KEY, COUNT), True),
                                            ((PRICE, KEY), False)])  # fmt: skip
async def test_digests_agree(tmp_path: Path, of: tuple[Column, ...], inside: bool) -> None:
    write_csv(tmp_path / "keys.csv", ROWS, list(ROWS[0]))
    source = connector(tmp_path)
    await source.open()
    made = digest_column(*of)
    ask = Ask(table="keys", columns=(*of, made), order=(OrderBy(made.name),), limit=5)
    offer = source.offer(ask)
    assert (offer.residual is None) == inside
    assert SALTED not in repr(offer.handle)
    batch = await source.fetch_all(offer.handle, Call(params={SALT: SALTED}))
    if offer.residual is not None:
        batch = apply(batch, offer.residual, {SALT: SALTED})
    parts = [
        [None if v is None else text_of(column.kind)(v) for v in batch.columns[column.name]]
        for column in of
    ]
    wanted = [digest_of(SALTED, row) for row in zip(*parts, strict=True)]
    assert list(batch.columns[made.name]) == wanted
    assert wanted == sorted(wanted)
    assert batch.rows == 5
    await source.close()
