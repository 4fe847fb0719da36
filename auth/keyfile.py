"""Files of the hub's own keys: made by the first process that asks, replaced whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def made_once(file: Path, data: bytes) -> bytes:
    """What the file holds; `data`, readable by the owner alone, if it was not there. Raises:
    `OSError`."""
    if not file.exists():
        draft = _drafted(file, data, 0o600)
        with contextlib.suppress(FileExistsError):  # another process was first; its key counts
            os.link(draft, file)
        draft.unlink()
    return file.read_bytes()


def replace(file: Path, data: bytes, mode: int) -> None:
    """Put a whole new file in the place of the old one. Raises: `OSError`."""
    _drafted(file, data, mode).replace(file)


def _drafted(file: Path, data: bytes, mode: int) -> Path:
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return draft
