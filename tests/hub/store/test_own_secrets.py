"""The hub's secrets: one file each, made once, readable by its user alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.store.secret import MASK, SEAL, SIZE_BYTES, shared_secret
from schema.errors import HubError


def test_each_secret_is_made_once(tmp_path: Path) -> None:
    home = tmp_path / "state"
    seal, mask = shared_secret(home), shared_secret(home, MASK)
    assert len(seal) == len(mask) == SIZE_BYTES
    assert seal != mask
    assert (shared_secret(home, SEAL), shared_secret(home, MASK)) == (seal, mask)
    assert sorted(path.name for path in home.iterdir()) == ["mask.key", "seal.key"]
    assert {path.stat().st_mode & 0o777 for path in home.iterdir()} == {0o600}


@pytest.mark.parametrize(("name", "hint"), [(SEAL, "delete the file"), (MASK, "from a copy")])
def test_a_damaged_secret_is_not_made_anew(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_bytes(b"short")
    with pytest.raises(HubError, match="damaged") as refused:
        shared_secret(tmp_path, name)
    assert refused.value.code == "CONFIG_INVALID"
    assert hint in (refused.value.hint or "")
    assert (tmp_path / name).read_bytes() == b"short"
