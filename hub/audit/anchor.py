"""Leaving signed heads where whoever runs the hub cannot take them back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import httpx
import msgspec

from hub.settings.declared import Anchor as Declared
from hub.store.heads import StoredHead

_TIMEOUT_S = 10.0
HEADS = "heads.jsonl"


class Anchor(Protocol):
    """A place that keeps heads. One that answers with a time stamp of its own may keep that too."""

    name: str
    """For the hub's log."""

    def keep(self, head: StoredHead) -> None:
        """Keep one head, durably; blocking. Raises: ``OSError``, ``httpx.HTTPError``."""
        ...


class DirectoryAnchor:
    """A file outside, one head a line: on another machine's disk, or one that is only added to."""

    name = "directory"

    def __init__(self, directory: Path) -> None:
        self._file = directory / HEADS

    def keep(self, head: StoredHead) -> None:
        # the folder is somebody else's: where it is not there, nothing is made in its place
        with self._file.open("ab") as out:
            out.write(msgspec.json.encode(head) + b"\n")
            out.flush()
            os.fsync(out.fileno())


class UrlAnchor:
    """A service that is sent each head; the head's own signature says whose it is."""

    name = "url"

    def __init__(self, url: str) -> None:
        self._url = url

    def keep(self, head: StoredHead) -> None:
        body = msgspec.json.encode(head)
        headers = {"Content-Type": "application/json"}
        httpx.post(
            self._url, content=body, headers=headers, timeout=_TIMEOUT_S, trust_env=False
        ).raise_for_status()


def anchor_of(declared: Declared) -> Anchor:
    """What the settings declare."""
    if declared.url is not None:
        return UrlAnchor(declared.url)
    return DirectoryAnchor(Path(declared.directory or ""))
