"""The hub's own secrets, shared by its workers through files that only they can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from schema.errors import HubError

SIZE_BYTES = 48


SEAL = "seal.key"
MASK = "mask.key"
AUDIT_PERSONS = "audit-persons.key"
CORRECTIONS = "corrections.key"
_LOST: dict[str, str] = {
    SEAL: "delete the file; cursors and node ids handed out before end",
    AUDIT_PERSONS: "bring it back from a copy: with another one no past entry tells of a person",
    CORRECTIONS: "bring it back from a copy: without it no doubt reported so far can be read",
    MASK: "bring it back from a copy: with another one all tokens and hashes are other ones",
}


def shared_secret(directory: Path, name: str = SEAL) -> bytes:
    """The secret in a file; the first process that asks makes it.

    Raises: `HubError` CONFIG_INVALID when the file cannot be made, read or is damaged.
    """
    file = directory / name
    held = made_once(directory, name, lambda: secrets.token_bytes(SIZE_BYTES))
    if len(held) < SIZE_BYTES:
        raise HubError(
            "CONFIG_INVALID", "the hub's secret is damaged", where=str(file),
            hint=_LOST.get(name),
        )  # fmt: skip
    return held


def made_once(directory: Path, name: str, content: Callable[[], bytes]) -> bytes:
    """What a file holds that only the hub can read; the first process that asks makes it.

    Raises: `HubError` CONFIG_INVALID when the file cannot be made or read.
    """
    file = directory / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            draft = directory / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content())
            try:
                os.link(draft, file)
            except FileExistsError:
                pass  # another process was first; its secret counts
            finally:
                draft.unlink()
        return file.read_bytes()
    except OSError as error:
        raise HubError(
            "CONFIG_INVALID", "the hub's secret cannot be read or made", where=str(file),
            hint="give `state.directory` a folder that the hub may write", cause=error,
        ) from error  # fmt: skip
