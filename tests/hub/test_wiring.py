"""A hub that does not open closes what it had opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.audit.head import Head, write_head
from hub.settings import read_settings
from hub.wiring import build_hub
from schema.errors import HubError


@pytest.mark.asyncio
async def test_a_hub_that_refuses_to_start_holds_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.yaml").write_text("audit: {head: head.json}")
    write_head(tmp_path / "head.json", Head(seq=3, hash="ab"))
    hub = build_hub(read_settings(tmp_path / "hub.yaml"))
    with pytest.raises(HubError) as refused:
        await hub.open()
    assert refused.value.code == "AUDIT_BROKEN"
    pool = hub._database.pool
    assert pool.checkedin() + pool.checkedout() == 0  # type: ignore[attr-defined]
